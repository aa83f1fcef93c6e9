// How extents are found: leaf by leaf from an address on, both ways, as far as one addend goes.
#include <algorithm>
#include <cstddef>

#include "jit/mmu/mmu.h"

namespace ashlar::jit::mmu {

namespace {

// Where addresses begin anew nothing is worth the care.
constexpr std::uint64_t kEndOfSpace = ~std::uint64_t{0} << 20;

} // namespace

std::size_t Mmu::extents_offset() {
    return offsetof(DataContext, extents);
}

// The part of the leaf around `address`, up to so many pages each way, that is RAM, and without code if
// `writes`.
bool Mmu::stretch(std::uint64_t address, bool writes, unsigned pages, Run& piece) {
    Mapping mapping;
    const Denials needs = (writes ? denies::kStores : denies::kLoads) | data_view_.selection.audience;
    if (address >= kEndOfSpace ||
        !translator_.look_up(address, writes ? Access::Store : Access::Load, mapping) || !mapping.uniform ||
        (mapping.denies & needs) != 0)
        return false;
    const GuestPhysicalAddress page = mapping.address.align_down(kPageSize);
    const auto fits = [&](GuestPhysicalAddress at) {
        return memory_.contains(at, kPageSize) && !(writes && memory_.is_code_page(at));
    };
    if (!fits(page))
        return false;
    const std::uint64_t virtual_page = address & ~(kPageSize - 1);
    const std::uint64_t leaf = page_size(mapping.kind.level);
    const std::uint64_t below = mapping.whole ? (virtual_page & (leaf - 1)) >> kPageShift : 0;
    const std::uint64_t above = mapping.whole ? (leaf >> kPageShift) - below - 1 : 0;
    std::uint64_t before = 0, behind = 0;
    while (before < std::min<std::uint64_t>(below, pages) && fits(page - (before + 1) * kPageSize))
        ++before;
    while (behind < std::min<std::uint64_t>(above, pages) && fits(page + (behind + 1) * kPageSize))
        ++behind;
    piece = {.start = virtual_page - before * kPageSize,
             .size = (before + behind + 1) * kPageSize,
             .addend = reinterpret_cast<std::uintptr_t>(memory_.host(page)) - virtual_page,
             .largest_leaf = leaf,
             .writes = writes,
             .global = mapping.kind.global};
    return true;
}

bool Mmu::find_run(std::uint64_t address, std::uint64_t length, bool writes, unsigned effort, Run& run) {
    constexpr unsigned kPagesPerEffort = 16;
    if (const Run* const known = extents_->find(address, writes); known != nullptr) {
        run = *known;
    } else if (!stretch(address, writes, effort * kPagesPerEffort, run)) {
        return false;
    }
    const auto extend = [&](std::uint64_t from) {
        Run next;
        if (const Run* const known = extents_->find(from, writes); known != nullptr)
            next = *known;
        else if (!stretch(from, writes, effort * kPagesPerEffort, next))
            return false;
        if (next.addend != run.addend)
            return false;
        const std::uint64_t end = std::max(run.end(), next.end());
        run.start = std::min(run.start, next.start);
        run.size = end - run.start;
        run.largest_leaf = std::max(run.largest_leaf, next.largest_leaf);
        run.global = run.global && next.global;
        return true;
    };
    for (unsigned i = 0; i < effort && extend(run.end()); ++i) {
    }
    for (unsigned i = 0; i < effort && run.start != 0 && extend(run.start - 1); ++i) {
    }
    extents_->add(run);
    return run.contains(address, length);
}

bool Mmu::find_extent(std::size_t slot, std::uint64_t address, std::uint64_t length) {
    Run run;
    if (!find_run(address, length, Extents::is_to_write(slot), extents_->effort(), run))
        return false;
    extents_->set(slot, run);
    return true;
}

std::uint64_t Mmu::extent_around(std::uint64_t address, std::uint64_t enough, bool writes) {
    constexpr unsigned kLittle = 16;
    if (const Run* const known = extents_->find(address, writes); known != nullptr && known->size >= enough)
        return known->size;
    Run run;
    return find_run(address, 1, writes, kLittle, run) ? run.size : 0;
}

} // namespace ashlar::jit::mmu
