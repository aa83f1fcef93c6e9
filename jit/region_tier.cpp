#include "jit/region_tier.h"

#include <algorithm>

namespace ashlar::jit {

namespace {

// Executions that show that a block or region is in use.
constexpr std::uint32_t kUses = 8;
// Sixteenths of the memory for regions: in use when it is time to see which regions are, and at most when
// some were given up.
constexpr std::size_t kCrowded = 14, kRoomy = 13;

} // namespace

Result<std::unique_ptr<RegionTier>> RegionTier::create(const Environment& environment) {
    std::unique_ptr<RegionTier> tier(new (std::nothrow) RegionTier(environment));
    if (tier == nullptr)
        return Error::OutOfMemory;
    return tier;
}

void RegionTier::compile(Block& root, std::uint64_t pc, std::uint64_t generation) {
    if (former_.source().blocks.empty()) {
        root.is_plain = true;
        return with_.native.run_plainly(root.code());
    }
    std::uint16_t name = records_.claim();
    if (name == RegionRecords::kNone) {
        make_room();
        name = records_.claim();
    }
    if (name == RegionRecords::kNone)
        return with_.native.count_anew(root.code(), with_.options.optimize_after);
    RegionRecord& record = records_[name];
    record.root = &root;
    record.pages = former_.pages();
    records_.note(name);
    const NativeRegion region{.source = former_.source(),
                              .root = root.code(),
                              .root_entry = with_.native.entry(root.code()),
                              .page_offset = static_cast<std::uint32_t>(root.key.address.page_offset()),
                              .one_page = record.pages.size() == 1,
                              .pc = pc,
                              .generation = generation,
                              .identity = name,
                              .passes = with_.options.optimizer_passes,
                              .verify = with_.options.verify_ir,
                              .marks = with_.observation != nullptr ? &with_.observation->marks() : nullptr,
                              .exits = with_.exits};
    install(name, pc, with_.native.optimize(region));
}

void RegionTier::install(std::uint16_t name, std::uint64_t pc, const RegionCode& code) {
    RegionRecord& record = records_[name];
    Block& root = *record.root;
    Bytes placed;
    if (!code.code.bytes.empty()) {
        placed = with_.native.place_region(code);
        if (placed.empty()) {
            make_room();
            placed = with_.native.place_region(code);
        }
    }
    if (with_.observation != nullptr)
        with_.observation->optimized(former_, pc, code, placed);
    if (placed.empty()) {
        records_.remove(name);
        return decline(root);
    }
    record.code = placed.data();
    record.generation_site = code.generation_offset == 0 ? nullptr : placed.data() + code.generation_offset;
    root.region = name;
    with_.native.enter_region(root.code(), placed.data());
    if (with_.extents != nullptr)
        with_.extents->add(root.code(), former_.source());
    if (!looks_ && is_crowded(kCrowded))
        look_for_use();
}

// What is too much for one region is tried as a smaller one.
void RegionTier::decline(Block& root) {
    constexpr unsigned kLeast = 50;
    ++with_.statistics.regions_refused;
    const unsigned less = root.region_limit / 2u;
    if (less >= kLeast && former_.guest_instructions() > less) {
        root.region_limit = static_cast<std::uint16_t>(less);
        return with_.native.count_anew(root.code(), 1);
    }
    root.is_plain = true;
    with_.native.run_plainly(root.code());
}

bool RegionTier::resume(Block& block) {
    if (block.region != Block::kNoRegion) {
        RegionRecord& record = records_[block.region];
        record.is_looked_for = false;
        with_.native.enter_region(block.code(), record.code);
        return true;
    }
    if (block.is_plain)
        with_.native.run_plainly(block.code());
    return block.is_plain;
}

void RegionTier::retire(std::uint16_t name) {
    RegionRecord& record = records_[name];
    record.root->region = Block::kNoRegion;
    with_.native.free_region(record.code);
    if (with_.extents != nullptr)
        with_.extents->remove(record.root->code());
    records_.remove(name);
    ++epoch_;
}

void RegionTier::drop(std::uint16_t name) {
    Block& root = *records_[name].root;
    ++with_.statistics.regions_dropped;
    retire(name);
    root.is_plain = true;
    with_.native.run_plainly(root.code());
}

void RegionTier::give_up(std::uint16_t name) {
    Block& root = *records_[name].root;
    ++with_.statistics.regions_evicted;
    retire(name);
    with_.native.count_anew(root.code(), with_.options.optimize_after);
}

void RegionTier::renew(Block& root, std::uint32_t executions) {
    if (root.region != Block::kNoRegion)
        retire(root.region);
    root.is_plain = false;
    with_.native.count_anew(root.code(), executions);
}

void RegionTier::forget_root(Block& root) {
    if (root.region != Block::kNoRegion)
        retire(root.region);
}

void RegionTier::look_for_use() {
    looks_ = true;
    records_.for_each([&](std::uint16_t name) {
        RegionRecord& record = records_[name];
        if (record.is_looked_for)
            return;
        record.is_looked_for = true;
        with_.native.count_anew(record.root->code(), kUses);
    });
}

bool RegionTier::is_crowded(std::size_t sixteenths) const {
    const CodeRoom room = with_.native.room(CodePart::Regions);
    return room.used > room.capacity / 16 * sixteenths;
}

void RegionTier::make_room() {
    std::uint64_t oldest = ~std::uint64_t{0}, latest = 0;
    bool found = false;
    records_.for_each([&](std::uint16_t name) {
        const RegionRecord& record = records_[name];
        if (record.code == nullptr)
            return;
        if (record.is_dead || record.is_looked_for) {
            found = true;
            return give_up(name);
        }
        oldest = std::min(oldest, record.born);
        latest = std::max(latest, record.born);
    });
    looks_ = false;
    // All that are left may be in use.
    while (oldest <= latest && (!found || is_crowded(kRoomy))) {
        oldest += (latest - oldest) / 8 + 1;
        records_.for_each([&](std::uint16_t name) {
            if (records_[name].code == nullptr || records_[name].born >= oldest)
                return;
            found = true;
            give_up(name);
        });
    }
}

void RegionTier::clear() {
    records_.clear();
    looks_ = false;
    ++epoch_;
}

} // namespace ashlar::jit
