// Guest-virtual memory of one hart: the software TLBs of its translation contexts, the second level behind
// them, and the path that every access takes which misses the first (walk, devices, pages with translated
// code, accesses across pages).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>

#include "jit/bus.h"
#include "jit/guest_memory.h"
#include "jit/mmu/extents.h"
#include "jit/mmu/host_view.h"
#include "jit/mmu/mapping.h"
#include "jit/mmu/second_level.h"
#include "jit/mmu/tlb.h"
#include "jit/mmu/tlb_options.h"

namespace ashlar::jit::mmu {

// Used by one thread at a time.
class Mmu {
public:
    // Loads and stores, and fetches, select a context each, of one of several address spaces: a TLB that
    // stays valid while it is not selected. The last space stands for all: what is global belongs to it.
    static constexpr std::size_t kSpaces = 5, kDataContexts = 4, kFetchContexts = 2;
    // Owners of entries in the second level, beside the spaces.
    static constexpr std::size_t kAlone = SecondLevelTlb::kAlone; // machine mode: knows no spaces
    static constexpr std::size_t kNobody = SecondLevelTlb::kOwners;
    static_assert(SecondLevelTlb::kGlobal == kSpaces - 1);
    using Selection = mmu::Selection;

    Mmu(GuestMemory& memory, Bus& bus, Translator& translator, const TlbOptions& options = {})
        : memory_(memory),
          bus_(bus),
          translator_(translator),
          second_(options.replacement),
          prefetcher_(options.prefetch),
          observer_(options.observer),
          blind_(observer_ != nullptr ? new (std::nothrow) DataContext : nullptr) {
        ASHLAR_ASSERT(observer_ == nullptr || blind_ != nullptr); // observers are Linux programs'
        host_view_.sets = second_.sets();
        host_view_.states = second_.states();
        host_view_.used = kSetState.used();
        host_view_.ram = reinterpret_cast<std::uintptr_t>(memory.host(memory.base())) - memory.base().value();
        host_view_.marks = memory.marks_from_zero();
    }

    void select(const Selection& data, const Selection& fetch);
    // Of the selected context, for looking into it inline. With an observer nothing is ever found there.
    const Tlb& data() const { return *data_; }
    // For host code that answers misses of data() itself. The same object always.
    HostView& host_view() { return host_view_; }
    // Where the selected context's extents are from there.
    static std::size_t extents_offset();
    const Extents& extents() const { return *extents_; }
    // Looks for the run around the `length` bytes from `address`, farther than last time, for the kind of
    // access that `slot` is for. A long one gets a number, the slot's if that is free, and is put into that
    // one's slot.
    std::optional<std::size_t> find_extent(std::size_t slot, std::uint64_t address, std::uint64_t length);
    // The number for a run, and the run is in its slot.
    std::size_t number_of(const Run& run);
    // Shorter runs are not worth a number.
    static constexpr std::uint64_t kLongRun = 16 * kPageSize;
    // The run around `address`, as far as it takes to see that it is a long one; empty: none.
    Run extent_around(std::uint64_t address, bool writes);

    // Any width of 1, 2, 4, 8 at any alignment. False: fault() says why, and nothing was changed.
    bool load(std::uint64_t address, unsigned width, std::uint64_t& value);
    bool store(std::uint64_t address, unsigned width, std::uint64_t value);
    // The host address of naturally aligned RAM for an atomic access, or nullptr and fault(). For Store the
    // caller writes at once: pages with code have been invalidated.
    std::byte* atomic(std::uint64_t address, unsigned width, Access access);
    // Whether the `length` bytes from `address` lie in one page of RAM that loads (or, with `writes`, stores
    // too) may go straight to, and what added to their addresses gives host addresses. Leaves the traces of
    // `access` in the guest's page tables. fault() means nothing.
    bool probe(std::uint64_t address, unsigned length, bool writes, Access access, std::uint64_t& addend);
    // The same by what the TLB's levels know, which leaves no traces.
    bool probe_known(std::uint64_t address, unsigned length, bool writes, std::uint64_t& addend);
    // Where the instruction at `address` lies; `length` bytes within one page. False: fault().
    bool fetch(std::uint64_t address, unsigned length, Mapping& mapping);
    const Fault& fault() const { return fault_; }
    // Whether fetch() would find the page without a walk.
    bool has_fetched(std::uint64_t address) const { return fetch_->hits(kFetches, address, 1); }

    GuestPhysicalAddress physical(const std::byte* host) const {
        return memory_.base() + static_cast<std::uint64_t>(host - memory_.host(memory_.base()));
    }

    void flush_all();
    void flush_space(std::size_t space);
    void flush_data(std::size_t space);
    // Of one context alone: the second level keeps what it has.
    void flush_data(const Selection& selection);
    void flush_fetches(const Selection& selection) {
        fetch_tlbs_[selection.space][selection.context].flush_all();
    }
    // Likewise: loads' and stores' translations of pages that are not global.
    void flush_local_data(std::size_t space);
    void flush(std::size_t space, std::uint64_t address, std::uint64_t size);
    // Whatever leads to the page, in all contexts.
    void flush_physical(GuestPhysicalAddress page);
    // Must be called when a page begins to hold translated code.
    void forbid_writes(GuestPhysicalAddress page);
    std::uint64_t misses() const { return counts_.misses; }
    std::uint64_t walks() const { return counts_.walks; }
    TlbCounts counts() const;

private:
    // Who accesses.
    struct View {
        Selection selection{0, 0};
        OwnerKeys keys;
    };

    // Translates for `width` bytes within one page, entering the page into the TLB.
    bool resolve(std::uint64_t address, unsigned width, Access access, Mapping& mapping);
    bool find_or_walk(std::uint64_t address, unsigned width, Access access, Mapping& mapping);
    bool resolve_observed(std::uint64_t address, unsigned width, Access access, Mapping& mapping);
    void tell_observer(Mapping mapping);
    void prefetch(std::uint64_t address);
    bool walk(std::uint64_t address, unsigned width, Access access, Mapping& mapping);
    void enter(std::uint64_t address, Access access, const Mapping& mapping);
    void enter_second_level(std::uint64_t address, const Mapping& mapping, const Selection& by,
                            bool prefetched = false);
    bool overlaps_ram(GuestPhysicalAddress first, std::uint64_t size) const;
    void renew_keys();
    bool fail(std::uint64_t cause, std::uint64_t address);
    bool load_across(std::uint64_t address, unsigned width, std::uint64_t& value);
    bool store_across(std::uint64_t address, unsigned width, std::uint64_t value);
    bool stretch(std::uint64_t address, bool writes, unsigned pages, Run& piece);
    bool find_run(std::uint64_t address, std::uint64_t length, bool writes, unsigned effort, Run& run);
    bool in_ram(const Mapping& mapping, unsigned width) const {
        return memory_.contains(mapping.address, width);
    }

    GuestMemory& memory_;
    Bus& bus_;
    Translator& translator_;
    struct DataContext {
        Tlb tlb; // first: host code has its address
        Extents extents;
    };
    static void flush(DataContext& context) {
        context.tlb.flush_all();
        context.extents.flush_all();
    }
    template <class Function>
    void for_all_contexts(Function function) {
        for (auto& space : data_contexts_)
            for (DataContext& context : space)
                function(context);
    }

    std::array<std::array<DataContext, kDataContexts>, kSpaces> data_contexts_{};
    std::array<std::array<FetchTlb, kFetchContexts>, kSpaces> fetch_tlbs_{};
    Tlb* data_ = &data_contexts_[0][0].tlb;
    Extents* extents_ = &data_contexts_[0][0].extents;
    FetchTlb* fetch_ = &fetch_tlbs_[0][0];
    Tlb* entered_ = data_; // where loads and stores are entered: data_, unless there is an observer
    SecondLevelTlb second_;
    Prefetcher prefetcher_;
    ReferenceObserver* observer_;
    std::unique_ptr<DataContext> blind_; // with an observer: always empty
    View data_view_, fetch_view_;
    HostView host_view_;
    Fault fault_;
    TlbCounts counts_;
};

} // namespace ashlar::jit::mmu
