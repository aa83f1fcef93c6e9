#include "kernel/disk_bundle.h"

#include <algorithm>

#include "lib/cpio.h"
#include "lib/crc32.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kWindow = 1 << 20, kLongestHead = 8192;
constexpr std::uint64_t kLargest = kPageSize << kMaxOrder;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t power_of_two) {
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

// The bytes that the archive takes, found by its headers alone. `window` has kWindow bytes.
Result<std::uint64_t> measure(Disk& disk, PhysicalAddress window) {
    const std::uint64_t capacity = disk.device().properties().capacity;
    const std::uint64_t block = disk.device().properties().block_size;
    const auto* const bytes = static_cast<const std::byte*>(arch::physical_to_virtual(window));
    std::uint64_t begin = 0, end = 0; // what of the disk is in the window
    for (std::uint64_t offset = 0;;) {
        if (offset > kLargest)
            return Error::OutOfMemory;
        if (offset < begin || offset + kLongestHead > end) {
            const std::uint64_t wanted = offset & ~(block - 1);
            if (wanted >= capacity)
                return Error::Malformed; // no trailer
            if (wanted != begin || end == 0 || end != std::min(capacity, wanted + kWindow)) {
                begin = wanted;
                end = std::min(capacity, wanted + kWindow);
                ASHLAR_TRY(disk.read(begin, end - begin, window));
            }
        }
        const cpio::Extent member =
            ASHLAR_TRY(cpio::measure(Bytes(bytes, end - begin).subspan(offset - begin), offset));
        if (member.is_trailer)
            return member.end;
        offset = member.end;
    }
}

// What a device that did not reset may still write to is nobody's for ever.
void free_unless_in_use(Disk& disk, MemorySource& memory, PhysicalAddress block, unsigned order) {
    if (disk.device().idle())
        memory.free(block, order);
}

Result<Bytes> load(Disk& disk, MemorySource& memory) {
    const PhysicalAddress window = ASHLAR_TRY(memory.allocate(order_for(kWindow)));
    const Result<std::uint64_t> measured = measure(disk, window);
    free_unless_in_use(disk, memory, window, order_for(kWindow));
    const std::uint64_t size = measured.ok() ? measured.value() : 0;
    if (!measured.ok())
        return measured.error();
    const std::uint64_t whole = round_up(size, disk.device().properties().block_size);
    if (whole > kLargest)
        return Error::OutOfMemory;
    const PhysicalAddress block = ASHLAR_TRY(memory.allocate(order_for(whole)));
    if (const Status read = disk.read(0, whole, block); !read.ok()) {
        free_unless_in_use(disk, memory, block, order_for(whole));
        return read.error();
    }
    return Bytes{static_cast<const std::byte*>(arch::physical_to_virtual(block)), size};
}

} // namespace

Result<Bytes> load_bundle(Devices& devices, std::string_view name, MemorySource& memory, Sink& sink) {
    DriverPlatform platform(memory);
    Disk* const disk = ASHLAR_TRY(Disk::open(devices, name, memory, platform, sink));
    Result<Bytes> archive = load(*disk, memory);
    destroy_in_frames(memory, disk);
    if (archive.ok())
        format(sink, "ashlar: bundle      {} KiB from disk {}, CRC-32 {:08x}\n",
               archive.value().size() / 1024, name, crc32(archive.value()));
    else
        format(sink, "ashlar: bundle: cannot be read from disk {}: {}\n", name, archive.error());
    return archive;
}

} // namespace ashlar::kernel
