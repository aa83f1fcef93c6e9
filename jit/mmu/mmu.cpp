#include "jit/mmu/mmu.h"

#include "lib/bytes.h"

namespace ashlar::jit::mmu {

namespace {

std::uint64_t load_bytes(const std::byte* from, unsigned width) {
    switch (width) {
    case 1: return load_le<std::uint8_t>(from);
    case 2: return load_le<std::uint16_t>(from);
    case 4: return load_le<std::uint32_t>(from);
    default: return load_le<std::uint64_t>(from);
    }
}

void store_bytes(std::byte* to, unsigned width, std::uint64_t value) {
    switch (width) {
    case 1: return store_le(to, static_cast<std::uint8_t>(value));
    case 2: return store_le(to, static_cast<std::uint16_t>(value));
    case 4: return store_le(to, static_cast<std::uint32_t>(value));
    default: return store_le(to, value);
    }
}

// Bytes of an access at `address` that lie in its first page.
unsigned bytes_to_page_end(std::uint64_t address) {
    return static_cast<unsigned>(kPageSize - (address & (kPageSize - 1)));
}

} // namespace

bool Mmu::fail(std::uint64_t cause, std::uint64_t address) {
    fault_ = {cause, address};
    return false;
}

void Mmu::select(const Selection& data, const Selection& fetch) {
    DataContext& context = data_contexts_[data.space][data.context];
    entered_ = &context.tlb;
    data_ = observer_ == nullptr ? entered_ : &blind_->tlb;
    extents_ = observer_ == nullptr ? &context.extents : &blind_->extents;
    fetch_ = &fetch_tlbs_[fetch.space][fetch.context];
    data_view_.selection = data;
    fetch_view_.selection = fetch;
    renew_keys();
    if (observer_ != nullptr)
        observer_->selected(data);
}

TlbCounts Mmu::counts() const {
    TlbCounts counts = counts_;
    counts.misses += host_view_.answered;
    counts.evictions = second_.evictions();
    counts.useful_prefetches = second_.useful_prefetches();
    return counts;
}

void Mmu::renew_keys() {
    for (View* const view : {&data_view_, &fetch_view_}) {
        const std::size_t owner = view->selection.owner;
        view->keys = owner == kNobody ? OwnerKeys{} : second_.keys(owner);
    }
    const auto unfit = [&](Denials kind) {
        return kind | denies::kHost | data_view_.selection.audience | SecondLevelTlb::kPrefetchedBit;
    };
    host_view_.local = data_view_.keys.local;
    host_view_.global = data_view_.keys.global;
    host_view_.levels = observer_ == nullptr ? data_view_.keys.levels : 0;
    host_view_.unfit_to_load = unfit(denies::kLoads);
    host_view_.unfit_to_store = unfit(denies::kStores);
}

void Mmu::enter(std::uint64_t address, Access access, const Mapping& mapping) {
    const GuestPhysicalAddress page = mapping.address.align_down(kPageSize);
    if (!memory_.contains(page, kPageSize))
        return;
    const std::uint64_t tag = address & ~std::uint64_t{kPageSize - 1};
    const PageKind kind{mapping.identity ? 0 : mapping.kind.level, mapping.kind.global};
    const std::uint64_t addend = reinterpret_cast<std::uintptr_t>(memory_.host(page)) - tag;
    if (access == Access::Fetch)
        return fetch_->insert(address, 1u << kFetches, addend, kind);
    const Denials denied = mapping.denies;
    unsigned kinds = 0;
    if ((denied & (denies::kLoads | data_view_.selection.audience)) == 0)
        kinds |= 1u << kLoads;
    if ((denied & (denies::kStores | data_view_.selection.audience)) == 0 && !memory_.is_code_page(page)) {
        kinds |= 1u << kStores;
        memory_.note_stores_without_notice(page);
    }
    entered_->insert(address, kinds, addend, kind);
}

bool Mmu::overlaps_ram(GuestPhysicalAddress first, std::uint64_t size) const {
    return memory_.base() - first < size || first - memory_.base() < memory_.size();
}

// One entry for a whole leaf, if it is RAM throughout or none of it is. Where there is no page table, whose
// fences would have to find the entry by any address in the leaf, for a part of it.
void Mmu::enter_second_level(std::uint64_t address, const Mapping& mapping, const Selection& by,
                             bool prefetched) {
    unsigned level = mapping.kind.level;
    Denials denied = mapping.denies;
    const auto first = [&] { return mapping.address.align_down(page_size(level)); };
    if (mapping.identity) {
        denied |= denies::kFetches; // which are told of whole leaves
        while (level != 0 && !(mapping.whole && memory_.contains(first(), page_size(level))))
            --level;
    } else if (!mapping.whole) {
        return;
    }
    if (!memory_.contains(first(), page_size(level))) {
        if (overlaps_ram(first(), page_size(level)))
            return;
        denied |= denies::kHost;
    }
    const bool global = mapping.kind.global && by.owner < kSpaces;
    second_.insert(address, mapping.address.value(), level, denied,
                   global ? SecondLevelTlb::kGlobal : by.owner, prefetched);
    if ((data_view_.keys.levels & fetch_view_.keys.levels & 1u << level) == 0)
        renew_keys();
}

bool Mmu::walk(std::uint64_t address, unsigned width, Access access, Mapping& mapping) {
    ++counts_.walks;
    if (!translator_.translate(address, width, access, mapping, fault_))
        return false;
    const View& view = access == Access::Fetch ? fetch_view_ : data_view_;
    if (mapping.uniform && view.selection.owner != kNobody) {
        enter_second_level(address, mapping, view.selection);
        if (prefetcher_.is_on() && access != Access::Fetch)
            prefetch(address);
    }
    return true;
}

// Looks without leaving a trace in page tables, and what it cannot find it leaves alone: nothing faults.
void Mmu::prefetch(std::uint64_t address) {
    const std::optional<std::uint64_t> next = prefetcher_.after_walk(address);
    Mapping mapping;
    if (!next || second_.contains(*next, data_view_.keys) ||
        !translator_.look_up(*next, Access::Load, mapping) || !mapping.uniform)
        return;
    enter_second_level(*next, mapping, data_view_.selection, true);
    ++counts_.prefetches;
}

// In the second level or in page tables.
bool Mmu::find_or_walk(std::uint64_t address, unsigned width, Access access, Mapping& mapping) {
    constexpr Denials kKinds[] = {denies::kFetches, denies::kLoads, denies::kStores};
    const View& view = access == Access::Fetch ? fetch_view_ : data_view_;
    const Denials needs = kKinds[static_cast<std::size_t>(access)] | view.selection.audience;
    const SecondLevelTlb::Entry entry = second_.find(address, view.keys);
    if (!entry || (entry.denies() & needs) != 0) {
        if (entry)
            second_.drop(address, view.keys);
        return walk(address, width, access, mapping);
    }
    mapping = {GuestPhysicalAddress(entry.physical(address)), {entry.level, entry.global}, entry.denies()};
    return true;
}

bool Mmu::resolve(std::uint64_t address, unsigned width, Access access, Mapping& mapping) {
    if (observer_ != nullptr && access != Access::Fetch)
        return resolve_observed(address, width, access, mapping);
    ++counts_.misses;
    if (!find_or_walk(address, width, access, mapping))
        return false;
    if (!mapping.uniform)
        return true;
    if (access == Access::Fetch)
        translator_.fetches_by(address, mapping);
    enter(address, access, mapping);
    return true;
}

void Mmu::tell_observer(Mapping mapping) {
    if (!memory_.contains(mapping.address, 1))
        mapping.denies |= denies::kHost;
    observer_->mapped(mapping);
}

// Every load and store comes here, those too that otherwise would have hit the first level.
bool Mmu::resolve_observed(std::uint64_t address, unsigned width, Access access, Mapping& mapping) {
    const std::size_t kind = access == Access::Store ? kStores : kLoads;
    if (entered_->hits(kind, address, width)) {
        ++counts_.hits;
        if (Mapping whole; observer_->referenced(address, access)) {
            translator_.look_up(address, access, whole);
            tell_observer(whole);
        }
        mapping = {};
        mapping.address = physical(reinterpret_cast<const std::byte*>(address + entered_->addend(address)));
        return true;
    }
    ++counts_.misses;
    if (!find_or_walk(address, width, access, mapping))
        return false;
    if (observer_->referenced(address, access))
        tell_observer(mapping);
    if (mapping.uniform)
        enter(address, access, mapping);
    return true;
}

bool Mmu::load(std::uint64_t address, unsigned width, std::uint64_t& value) {
    if (bytes_to_page_end(address) < width)
        return load_across(address, width, value);
    Mapping mapping;
    if (!resolve(address, width, Access::Load, mapping))
        return false;
    if (in_ram(mapping, width)) {
        value = load_bytes(memory_.host(mapping.address), width);
        return true;
    }
    const Result<std::uint64_t> read = bus_.read(mapping.address, width);
    if (!read.ok())
        return fail(translator_.access_fault(Access::Load), address);
    value = read.value();
    return true;
}

bool Mmu::store(std::uint64_t address, unsigned width, std::uint64_t value) {
    if (bytes_to_page_end(address) < width)
        return store_across(address, width, value);
    Mapping mapping;
    if (!resolve(address, width, Access::Store, mapping))
        return false;
    if (in_ram(mapping, width)) {
        memory_.note_write(mapping.address, width);
        store_bytes(memory_.host(mapping.address), width, value);
        return true;
    }
    if (!bus_.write(mapping.address, width, value).ok())
        return fail(translator_.access_fault(Access::Store), address);
    return true;
}

// Across a page boundary only RAM answers; both pages are checked before a byte moves.
bool Mmu::load_across(std::uint64_t address, unsigned width, std::uint64_t& value) {
    const unsigned low = bytes_to_page_end(address), high = width - low;
    Mapping first, second;
    if (!resolve(address, low, Access::Load, first) || !resolve(address + low, high, Access::Load, second))
        return false;
    if (!in_ram(first, low))
        return fail(translator_.access_fault(Access::Load), address);
    if (!in_ram(second, high))
        return fail(translator_.access_fault(Access::Load), address + low);
    std::byte bytes[8] = {};
    std::memcpy(bytes, memory_.host(first.address), low);
    std::memcpy(bytes + low, memory_.host(second.address), high);
    value = load_bytes(bytes, width);
    return true;
}

bool Mmu::store_across(std::uint64_t address, unsigned width, std::uint64_t value) {
    const unsigned low = bytes_to_page_end(address), high = width - low;
    Mapping first, second;
    if (!resolve(address, low, Access::Store, first) || !resolve(address + low, high, Access::Store, second))
        return false;
    if (!in_ram(first, low))
        return fail(translator_.access_fault(Access::Store), address);
    if (!in_ram(second, high))
        return fail(translator_.access_fault(Access::Store), address + low);
    memory_.note_write(first.address, low);
    memory_.note_write(second.address, high);
    std::byte bytes[8];
    store_bytes(bytes, 8, value);
    std::memcpy(memory_.host(first.address), bytes, low);
    std::memcpy(memory_.host(second.address), bytes + low, high);
    return true;
}

std::byte* Mmu::atomic(std::uint64_t address, unsigned width, Access access) {
    if ((address & (width - 1)) != 0) {
        fail(translator_.misaligned_fault(access), address);
        return nullptr;
    }
    if (data_->hits(access == Access::Store ? kStores : kLoads, address, width))
        return reinterpret_cast<std::byte*>(address + data_->addend(address));
    Mapping mapping;
    if (!resolve(address, width, access, mapping))
        return nullptr;
    if (!in_ram(mapping, width)) {
        fail(translator_.access_fault(access), address);
        return nullptr;
    }
    if (access == Access::Store)
        memory_.note_write(mapping.address, width);
    return memory_.host(mapping.address);
}

bool Mmu::probe(std::uint64_t address, unsigned length, bool writes, Access access, std::uint64_t& addend) {
    if (bytes_to_page_end(address) < length)
        return false;
    for (int attempt = 0;; ++attempt) {
        if (data_->hits(writes ? kStores : kLoads, address, 1)) {
            addend = data_->addend(address);
            return true;
        }
        Mapping mapping;
        if (attempt != 0 || !resolve(address, 1, access, mapping))
            return false;
    }
}

bool Mmu::probe_known(std::uint64_t address, unsigned length, bool writes, std::uint64_t& addend) {
    if (bytes_to_page_end(address) < length || observer_ != nullptr)
        return false;
    const std::size_t kind = writes ? kStores : kLoads;
    if (!data_->hits(kind, address, 1)) {
        ++counts_.misses;
        const SecondLevelTlb::Entry entry = second_.find(address, data_view_.keys);
        if (!entry || (entry.denies() & (denies::kLoads | data_view_.selection.audience)) != 0)
            return false;
        enter(address, Access::Load,
              {GuestPhysicalAddress(entry.physical(address)), {entry.level, entry.global}, entry.denies()});
        if (!data_->hits(kind, address, 1))
            return false;
    }
    addend = data_->addend(address);
    return true;
}

bool Mmu::fetch(std::uint64_t address, unsigned length, Mapping& mapping) {
    if (fetch_->hits(kFetches, address, length)) {
        mapping.address = physical(reinterpret_cast<const std::byte*>(address + fetch_->addend(address)));
        mapping.uniform = true;
        return true;
    }
    if (!resolve(address, length, Access::Fetch, mapping))
        return false;
    return in_ram(mapping, length) || fail(translator_.access_fault(Access::Fetch), address);
}

void Mmu::flush_all() {
    for (std::size_t space = 0; space < kSpaces; ++space)
        flush_space(space);
}

void Mmu::flush_space(std::size_t space) {
    flush_data(space);
    for (FetchTlb& tlb : fetch_tlbs_[space])
        tlb.flush_all();
}

void Mmu::flush_data(const Selection& selection) {
    flush(data_contexts_[selection.space][selection.context]);
    if (observer_ != nullptr)
        observer_->flushed({Flush::Kind::Context, selection.space, selection.context});
}

void Mmu::flush_data(std::size_t space) {
    if (observer_ != nullptr)
        observer_->flushed({Flush::Kind::Space, space});
    for (DataContext& context : data_contexts_[space])
        flush(context);
    second_.flush(space);
    if (space == SecondLevelTlb::kGlobal)
        second_.flush(kAlone);
    renew_keys();
}

void Mmu::flush_local_data(std::size_t space) {
    if (observer_ != nullptr)
        observer_->flushed({Flush::Kind::Local, space});
    for (DataContext& context : data_contexts_[space]) {
        context.tlb.flush_local();
        context.extents.flush_local();
    }
}

void Mmu::flush(std::size_t space, std::uint64_t address, std::uint64_t size) {
    if (observer_ != nullptr)
        observer_->flushed({Flush::Kind::Range, space, 0, address, size});
    for (DataContext& context : data_contexts_[space]) {
        context.tlb.flush(address, size);
        context.extents.flush(address, size);
    }
    for (FetchTlb& tlb : fetch_tlbs_[space])
        tlb.flush(address, size);
    second_.flush(space, address, size);
    renew_keys();
}

void Mmu::flush_physical(GuestPhysicalAddress page) {
    second_.flush_physical(page);
    if (!memory_.contains(page, kPageSize))
        return;
    const auto host = reinterpret_cast<std::uintptr_t>(memory_.host(page));
    for_all_contexts([&](DataContext& context) {
        context.tlb.flush_host_page(host);
        context.extents.flush_host_page(host);
    });
    for (auto& space : fetch_tlbs_)
        for (FetchTlb& tlb : space)
            tlb.flush_host_page(host);
}

void Mmu::forbid_writes(GuestPhysicalAddress page) {
    const auto host = reinterpret_cast<std::uintptr_t>(memory_.host(page));
    for_all_contexts([&](DataContext& context) { context.extents.forbid_writes(host); });
    if (memory_.stores_without_notice(page))
        for_all_contexts([&](DataContext& context) { context.tlb.forbid(kStores, host); });
}

} // namespace ashlar::jit::mmu
