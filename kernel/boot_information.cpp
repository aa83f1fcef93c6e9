#include "kernel/boot_information.h"

#include <algorithm>

namespace ashlar::kernel {

void BootInformation::add_range(PhysicalAddress base, std::uint64_t size, MemoryRange::Kind kind) {
    PhysicalAddress end;
    if (size == 0 || !base.checked_add(size, end))
        return;
    if (range_count < kMaxRanges) {
        ranges[range_count++] = {base, size, kind};
        return;
    }
    ++ranges_dropped;
    if (kind == MemoryRange::Kind::Usable)
        return;
    // What must not be used has to be known. The smallest usable range is the least loss.
    const auto rank = [](const MemoryRange& range) {
        return range.kind == MemoryRange::Kind::Usable ? range.size : ~std::uint64_t{0};
    };
    const auto victim =
        std::min_element(ranges.begin(), ranges.end(),
                         [&](const MemoryRange& a, const MemoryRange& b) { return rank(a) < rank(b); });
    *victim = {base, size, kind};
}

std::uint64_t BootInformation::limit_ranges(PhysicalAddress end) {
    std::uint64_t lost = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < range_count; ++i) {
        MemoryRange range = ranges[i];
        const std::uint64_t room = range.base < end ? end - range.base : 0;
        if (range.kind == MemoryRange::Kind::Usable)
            lost += range.size - std::min(range.size, room);
        range.size = std::min(range.size, room);
        if (range.size != 0)
            ranges[kept++] = range;
    }
    range_count = kept;
    return lost;
}

} // namespace ashlar::kernel
