#include "jit/bare/disk.h"

namespace ashlar::jit::bare {
namespace {

constexpr std::uint64_t kSectorSize = 512;

} // namespace

std::string_view HypercallDisk::serial() const {
    std::size_t length = 0;
    while (length < sizeof information_.serial && information_.serial[length] != '\0')
        ++length;
    return {information_.serial, length};
}

Status HypercallDisk::read(std::uint64_t offset, MutableBytes to) {
    return hypervisor_->block_read(number_, offset / kSectorSize, to);
}

Status HypercallDisk::write(std::uint64_t offset, Bytes from) {
    return hypervisor_->block_write(number_, offset / kSectorSize, from);
}

Status HypercallDisk::flush() {
    return hypervisor_->block_flush(number_);
}

} // namespace ashlar::jit::bare
