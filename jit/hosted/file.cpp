#include "jit/hosted/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ashlar::jit::hosted {
namespace {

constexpr std::uint64_t kSector = 512;

std::string explain(const std::string& path, const char* doing) {
    return path + ": " + doing + ": " + std::strerror(errno);
}

// The size in bytes of a regular file or block device.
std::optional<std::uint64_t> size_of(int file) {
    struct stat status;
    if (fstat(file, &status) != 0)
        return std::nullopt;
    if (S_ISREG(status.st_mode))
        return static_cast<std::uint64_t>(status.st_size);
    std::uint64_t bytes = 0;
    if (S_ISBLK(status.st_mode) && ioctl(file, BLKGETSIZE64, &bytes) == 0)
        return bytes;
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return std::nullopt;
}

// Calls transfer(done) until `size` bytes are through; it returns what read and write return.
template <class Transfer>
Status transfer_all(std::size_t size, Transfer transfer) {
    for (std::size_t done = 0; done != size;) {
        const ssize_t count = transfer(done);
        if (count > 0)
            done += static_cast<std::size_t>(count);
        else if (count == 0 || errno != EINTR)
            return Error::Io;
    }
    return {};
}

} // namespace

Descriptor::~Descriptor() {
    if (number_ >= 0)
        close(number_);
}

std::optional<std::vector<std::byte>> read_file(const std::string& path, std::string& error) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        error = explain(path, "cannot open");
        return std::nullopt;
    }
    std::vector<std::byte> content;
    constexpr std::size_t step = 1 << 20;
    for (;;) {
        const std::size_t size = content.size();
        content.resize(size + step);
        const ssize_t count = ::read(file.get(), content.data() + size, step);
        content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            error = explain(path, "cannot read");
            return std::nullopt;
        }
        if (count == 0)
            break;
    }
    if (content.empty()) {
        error = path + ": the file is empty";
        return std::nullopt;
    }
    return content;
}

std::unique_ptr<DiskFile> DiskFile::open(const DiskOption& option, std::string& error) {
    Descriptor file(::open(option.path.c_str(), (option.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    const auto size = file.get() >= 0 ? size_of(file.get()) : std::nullopt;
    if (!size) {
        error = explain(option.path, "cannot open");
        if (!option.read_only && (errno == EACCES || errno == EROFS))
            error += " (append ,readonly to use it without writing)";
        return nullptr;
    }
    if (flock(file.get(), (option.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        error =
            option.path + (errno == EWOULDBLOCK ? ": in use by another program as a disk; end that first, or "
                                                  "use ,readonly in both"
                                                : std::string(": cannot lock: ") + std::strerror(errno));
        return nullptr;
    }
    if (*size < kSector) {
        error = option.path + ": too small for a disk (" + std::to_string(*size) + " bytes)";
        return nullptr;
    }
    const std::size_t slash = option.path.rfind('/');
    std::string serial = slash == std::string::npos ? option.path : option.path.substr(slash + 1);
    return std::unique_ptr<DiskFile>(
        new DiskFile(std::move(file), *size / kSector * kSector, option.read_only, serial.substr(0, 20)));
}

Status DiskFile::read(std::uint64_t offset, MutableBytes to) {
    return transfer_all(to.size(), [&](std::size_t done) {
        return pread(file_.get(), to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    });
}

Status DiskFile::write(std::uint64_t offset, Bytes from) {
    return transfer_all(from.size(), [&](std::size_t done) {
        return pwrite(file_.get(), from.data() + done, from.size() - done, static_cast<off_t>(offset + done));
    });
}

Status DiskFile::flush() {
    return fdatasync(file_.get()) == 0 ? Status{} : Status{Error::Io};
}

Status DiskFile::discard(std::uint64_t offset, std::uint64_t length) {
    if (fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(length)) == 0)
        return {};
    return errno == EOPNOTSUPP || errno == ENOSYS ? Error::Unsupported : Error::Io;
}

} // namespace ashlar::jit::hosted
