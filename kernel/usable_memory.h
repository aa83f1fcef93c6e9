// What of the firmware's memory map the frame allocator may have.
#pragma once

#include <algorithm>
#include <array>

#include "kernel/boot_information.h"

namespace ashlar::kernel {

// What is taken whatever the map says: the first megabyte, image, bundle, early memory.
constexpr std::size_t kFixedRuns = 4;

// Calls visit(first frame, end frame) for runs of frames, ascending, that are usable as a whole, in no range
// that is not usable (which wins where ranges overlap), and neither in the first megabyte nor taken by the
// image, the bundle or what was allocated before. The map may be unsorted and overlapping.
template <class Visit>
void for_each_usable_run(const BootInformation& boot, Visit visit) {
    struct Run {
        std::uint64_t begin, end;
    };
    std::array<Run, BootInformation::kMaxRanges + kFixedRuns> taken;
    std::size_t taken_count = 0;
    const auto take = [&](PhysicalAddress begin, PhysicalAddress end) {
        const std::uint64_t last = end.page_number() + (end.page_offset() != 0 ? 1 : 0);
        if (begin < end)
            taken[taken_count++] = {begin.page_number(), last};
    };
    constexpr std::uint64_t kLowMegabyte = 1 << 20;
    take(PhysicalAddress(0), PhysicalAddress(kLowMegabyte));
    take(boot.image_begin, boot.image_end);
    take(boot.bundle, boot.bundle + boot.bundle_size);
    take(boot.early_begin, boot.early_end);

    std::array<Run, BootInformation::kMaxRanges> usable;
    std::size_t usable_count = 0;
    for (std::size_t i = 0; i < boot.range_count; ++i) {
        const MemoryRange& range = boot.ranges[i];
        if (range.kind != MemoryRange::Kind::Usable) {
            take(range.base, range.base + range.size);
            continue;
        }
        const Run run{range.base.align_up(kPageSize).page_number(), (range.base + range.size).page_number()};
        if (run.begin < run.end)
            usable[usable_count++] = run;
    }
    const auto by_begin = [](const Run& a, const Run& b) { return a.begin < b.begin; };
    std::sort(usable.begin(), usable.begin() + usable_count, by_begin);
    std::sort(taken.begin(), taken.begin() + taken_count, by_begin);

    for (std::size_t i = 0; i < usable_count;) {
        Run run = usable[i++];
        while (i < usable_count && usable[i].begin <= run.end)
            run.end = std::max(run.end, usable[i++].end);
        for (std::size_t t = 0; t < taken_count && run.begin < run.end; ++t) {
            if (taken[t].end <= run.begin || taken[t].begin >= run.end)
                continue;
            if (taken[t].begin > run.begin)
                visit(run.begin, taken[t].begin);
            run.begin = std::max(run.begin, taken[t].end);
        }
        if (run.begin < run.end)
            visit(run.begin, run.end);
    }
}

} // namespace ashlar::kernel
