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
        if (effort == 0)
            return run.contains(address, length);
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
    unsigned above = 0, below = 0;
    while (above < effort && extend(run.end()))
        ++above;
    while (below < effort && run.start != 0 && extend(run.start - 1))
        ++below;
    if (above == effort || below == effort)
        extents_->raise_effort();
    extents_->add(run);
    return run.contains(address, length);
}

std::optional<std::size_t> Mmu::find_extent(std::size_t slot, std::uint64_t address, std::uint64_t length) {
    const bool writes = Extents::is_to_write(slot);
    const std::size_t number = slot % Extents::kFirstToWrite;
    const Run* const known = extents_->find(address, writes);
    // What is known is made longer only if that may join it with what the slot has.
    const bool lengthen =
        known == nullptr || !known->contains(address, length) || known->addend == extents_->addend(number);
    Run run;
    if (!find_run(address, length, writes, lengthen ? extents_->effort() : 0, run) || run.size < kLongRun)
        return {};
    const std::size_t found = extents_->number_for(run.addend, number);
    extents_->set(found, run);
    return found;
}

std::size_t Mmu::number_of(const Run& run) {
    const std::size_t number = extents_->number_for(run.addend, 0);
    extents_->set(number, run);
    return number;
}

Run Mmu::extent_around(std::uint64_t address, bool writes) {
    constexpr unsigned kLittle = 16;
    if (const Run* const known = extents_->find(address, writes); known != nullptr && known->size >= kLongRun)
        return *known;
    Run run;
    return find_run(address, 1, writes, kLittle, run) ? run : Run{};
}

} // namespace ashlar::jit::mmu
