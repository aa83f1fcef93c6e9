#include "jit/hosted/image_file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jit/hosted/image_lock.h"

namespace ashlar::jit::hosted {
namespace {

constexpr std::uint32_t kSector = 512, kPage = 4096;
constexpr std::size_t kSerialLength = 20;

// What kind of file it is, and what it is made of.
struct Medium {
    std::uint64_t size = 0;
    std::uint32_t block = kSector;        // that it can be read and written in
    std::uint32_t physical_block = kPage; // that it does that best in
    std::uint32_t minimum_io = 0, optimal_io = 0;
    Alignment direct{kPage, kPage};
    bool can_be_direct = true;
};

std::string reason() {
    return std::strerror(errno);
}

bool describe_device(int file, Medium& medium) {
    int block = 0;
    unsigned physical = 0, minimum = 0, optimal = 0;
    if (ioctl(file, BLKGETSIZE64, &medium.size) != 0 || ioctl(file, BLKSSZGET, &block) != 0)
        return false;
    medium.block = static_cast<std::uint32_t>(block);
    if (ioctl(file, BLKPBSZGET, &physical) == 0 && std::has_single_bit(physical))
        medium.physical_block = physical;
    if (ioctl(file, BLKIOMIN, &minimum) == 0 && ioctl(file, BLKIOOPT, &optimal) == 0) {
        medium.minimum_io = minimum;
        medium.optimal_io = optimal;
    }
    medium.direct = {medium.block, medium.block};
    return true;
}

// Since Linux 6.1 files tell what direct I/O wants of them.
void describe_direct(int file, Medium& medium) {
    struct statx status {};
    if (syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) != 0 ||
        (status.stx_mask & STATX_DIOALIGN) == 0)
        return;
    medium.can_be_direct = status.stx_dio_offset_align != 0;
    if (medium.can_be_direct)
        medium.direct = {std::max<std::size_t>(status.stx_dio_mem_align, 1), status.stx_dio_offset_align};
}

std::optional<Medium> describe(int file) {
    Medium medium;
    struct stat status;
    if (fstat(file, &status) != 0)
        return std::nullopt;
    if (S_ISBLK(status.st_mode)) {
        if (!describe_device(file, medium))
            return std::nullopt;
    } else if (S_ISREG(status.st_mode)) {
        medium.size = static_cast<std::uint64_t>(status.st_size);
    } else {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        return std::nullopt;
    }
    describe_direct(file, medium);
    return medium;
}

int open_flags(const DiskOption& option) {
    int flags = O_CLOEXEC | (option.read_only ? O_RDONLY : O_RDWR) | (option.direct ? O_DIRECT : 0);
    // The kernel refuses a device that is mounted, or used by another who asks for it alone.
    struct stat status;
    if (!option.read_only && stat(option.path.c_str(), &status) == 0 && S_ISBLK(status.st_mode))
        flags |= O_EXCL;
    return flags;
}

std::string why_not_open(const DiskOption& option) {
    const int number = errno;
    std::string text = "cannot open: " + reason();
    if (!option.read_only && (number == EACCES || number == EROFS))
        text += " (append ,ro to use it without writing)";
    if (number == EBUSY)
        text += " (is it mounted?)";
    if (option.direct && number == EINVAL)
        text = "its file system has no direct I/O: leave out direct=on";
    return text;
}

// What is wrong with the block size, or nothing.
std::string check_block_size(const DiskOption& option, const Medium& medium, std::uint32_t size) {
    const auto needed = static_cast<std::uint32_t>(option.direct ? medium.direct.length : 1);
    if (option.direct && !medium.can_be_direct)
        return "its file system has no direct I/O: leave out direct=on";
    if (needed > kPage)
        return "direct I/O needs blocks of " + std::to_string(needed) + " bytes here: leave out direct=on";
    if (size < needed)
        return "direct I/O needs blocks of " + std::to_string(needed) +
               " bytes here: add sector-size=4096, or leave out direct=on";
    if (medium.size < size)
        return "too small for a disk (" + std::to_string(medium.size) + " bytes)";
    return "";
}

BlockGeometry geometry_of(const Medium& medium, std::uint32_t block) {
    BlockGeometry geometry;
    geometry.block_size = block;
    if (medium.physical_block > block)
        geometry.physical_block_exponent =
            static_cast<std::uint8_t>(std::countr_zero(medium.physical_block / block));
    const std::uint32_t minimum = std::max(medium.minimum_io, medium.physical_block) / block;
    geometry.minimum_io_blocks = static_cast<std::uint16_t>(std::clamp<std::uint32_t>(minimum, 1, 0x8000));
    geometry.optimal_io_blocks = medium.optimal_io / block;
    geometry.discard_alignment_blocks = std::max<std::uint32_t>(medium.physical_block / block, 1);
    return geometry;
}

std::string base_name(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

} // namespace

std::optional<ImageFile> open_image(const DiskOption& option, std::string& error) {
    const auto fail = [&](const std::string& why) {
        error = option.path + ": " + why;
        return std::nullopt;
    };
    Descriptor file(::open(option.path.c_str(), open_flags(option)));
    const auto medium = file.get() >= 0 ? describe(file.get()) : std::nullopt;
    if (!medium)
        return fail(why_not_open(option));
    if (const std::string why = lock_image(file.get(), !option.read_only); !why.empty())
        return fail(why);
    const std::uint32_t natural = medium->block == kPage ? kPage : kSector;
    const std::uint32_t block = option.sector_size != 0 ? option.sector_size : natural;
    if (const std::string why = check_block_size(option, *medium, block); !why.empty())
        return fail(why);
    const std::string serial = option.serial.empty() ? base_name(option.path) : option.serial;
    return ImageFile{
        std::move(file),  medium->size / block * block,    geometry_of(*medium, block),
        option.read_only, serial.substr(0, kSerialLength), option.direct ? medium->direct : Alignment{}};
}

int erase_mode(const BlockRequest& request) {
    const bool give_back = request.kind == BlockRequest::Kind::Discard || request.may_unmap;
    return FALLOC_FL_KEEP_SIZE | (give_back ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
}

Status erase_status(int result) {
    if (result == 0)
        return {};
    return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENODEV || result == -EINVAL
               ? Error::Unsupported
               : Error::Io;
}

} // namespace ashlar::jit::hosted
