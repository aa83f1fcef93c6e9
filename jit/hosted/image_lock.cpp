#include "jit/hosted/image_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>

namespace ashlar::jit::hosted {
namespace {

constexpr char kInUse[] =
    "in use by another program as a disk; end that first, or use it in both without writing (,ro)";

// QEMU's convention: somebody who does a thing holds a read lock on byte 100 + thing, somebody who does not
// want others to do it on byte 200 + thing.
constexpr off_t kDone = 100, kRefused = 200;
constexpr off_t kRead = 0, kWrite = 1, kResize = 3;

struct flock byte_range(short type, off_t at) {
    struct flock range {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = at;
    range.l_len = 1;
    return range;
}

bool hold(int file, off_t at) {
    struct flock range = byte_range(F_RDLCK, at);
    return fcntl(file, F_OFD_SETLK, &range) == 0;
}

bool held_by_others(int file, off_t at) {
    struct flock range = byte_range(F_WRLCK, at);
    return fcntl(file, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

} // namespace

std::string lock_image(int file, bool writer) {
    if (flock(file, (writer ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? kInUse : std::string("cannot lock: ") + std::strerror(errno);
    // All are taken before others are looked for, so that of two who begin at once one sees the other.
    const bool held = hold(file, kDone + kRead) && (!writer || hold(file, kDone + kWrite)) &&
                      hold(file, kRefused + kWrite) && hold(file, kRefused + kResize);
    if (!held) // a file system without such locks; flock is there
        return errno == EAGAIN || errno == EACCES ? kInUse : "";
    const bool conflict = held_by_others(file, kDone + kWrite) || held_by_others(file, kDone + kResize) ||
                          held_by_others(file, kRefused + kRead) ||
                          (writer && held_by_others(file, kRefused + kWrite));
    return conflict ? kInUse : "";
}

} // namespace ashlar::jit::hosted
