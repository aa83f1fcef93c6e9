#include "kernel/frame_checks.h"

#include <algorithm>

#include "arch/cpu.h"
#include "kernel/log.h"
#include "lib/assert.h"

namespace ashlar::kernel::frame_checks {
namespace {

std::uint64_t* words_of(std::uint64_t frame) {
    return static_cast<std::uint64_t*>(arch::physical_to_virtual(PhysicalAddress(frame << kPageShift)));
}

// Stands for nobody: who a frame's memory belongs to after it was freed.
constinit const MemoryAccount nobody{.name = "nobody"};

const char* name_of(const MemoryAccount* owner) {
    return owner != nullptr ? owner->name : "nobody yet";
}

} // namespace

void expect_poison(const FrameZone& zone, std::uint64_t frame, std::size_t bytes) {
    if (zone.owner(frame) != &nobody)
        return; // never handed out, so never filled
    const std::uint64_t* const words = words_of(frame);
    const std::uint64_t* const end = words + bytes / sizeof *words;
    const std::uint64_t* const found =
        std::find_if_not(words, end, [](std::uint64_t w) { return w == kPoison; });
    if (found == end)
        return;
    log("ashlar: memory: {:#x} was written after it was freed, it holds {:#x}\n",
        PhysicalAddress(frame << kPageShift) + static_cast<std::uint64_t>(found - words) * sizeof *words,
        *found);
    ASHLAR_ASSERT(!"no write to a free frame");
}

void restore_poison(std::uint64_t frame, std::size_t bytes) {
    std::fill_n(words_of(frame), bytes / sizeof(std::uint64_t), kPoison);
}

void take(const FrameZone& zone, std::uint64_t first, unsigned order, const MemoryAccount& account) {
    const std::uint64_t end = first + (std::uint64_t{1} << order);
    for (std::uint64_t frame = first; frame < end; ++frame) {
        expect_poison(zone, frame, kPageSize);
        zone.set_owner(frame, &account);
    }
}

void expect_owner(const FrameZone& zone, std::uint64_t frame, const MemoryAccount& account) {
    const MemoryAccount* const owner = zone.owner(frame);
    if (owner == &account)
        return;
    log("ashlar: memory: {} frees {:#x}, which is the memory of {}\n", account.name,
        PhysicalAddress(frame << kPageShift), name_of(owner));
    ASHLAR_ASSERT(!"every frame is freed once, by its owner");
}

void give(const FrameZone& zone, std::uint64_t first, unsigned order, const MemoryAccount& account) {
    const std::uint64_t end = first + (std::uint64_t{1} << order);
    for (std::uint64_t frame = first; frame < end; ++frame) {
        expect_owner(zone, frame, account);
        restore_poison(frame, kPageSize);
        zone.set_owner(frame, &nobody);
    }
}

} // namespace ashlar::kernel::frame_checks
