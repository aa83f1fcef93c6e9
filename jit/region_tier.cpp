#include "jit/region_tier.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ashlar::jit {

namespace {

// Executions that show that a block or region is in use.
constexpr std::uint32_t kUses = 8;
// Sixteenths of the memory for regions: in use when it is time to see which regions are, and at most when
// some were given up.
constexpr std::size_t kCrowded = 14, kRoomy = 13;

} // namespace

Result<std::unique_ptr<RegionTier>> RegionTier::create(const Environment& environment) {
    std::unique_ptr<optimizer::RegionSource> source(new (std::nothrow) optimizer::RegionSource);
    if (source == nullptr)
        return Error::OutOfMemory;
    std::unique_ptr<RegionTier> tier(new (std::nothrow) RegionTier(environment, std::move(source)));
    if (tier == nullptr)
        return Error::OutOfMemory;
    return tier;
}

RegionTier::RegionTier(const Environment& environment, std::unique_ptr<optimizer::RegionSource> source)
    : with_(environment),
      former_(std::move(source)),
      worker_(environment.observation == nullptr && environment.extents == nullptr
                  ? environment.options.compile_worker
                  : nullptr) {}

// The worker may be at work.
RegionTier::~RegionTier() {
    clear();
    if (worker_ != nullptr)
        worker_->wait();
}

bool RegionTier::turns_away(const Block& root) {
    if (requested_.load(std::memory_order_relaxed) - installed_ < kRequests)
        return false;
    ++with_.statistics.regions_postponed;
    with_.native.count_anew(root.code(), with_.options.optimize_after);
    return true;
}

std::uint16_t RegionTier::claim_name() {
    const std::uint16_t name = records_.claim();
    if (name != RegionRecords::kNone)
        return name;
    make_room();
    return records_.claim();
}

void RegionTier::compile(Block& root, std::uint64_t pc, std::uint64_t generation) {
    if (former_.source().blocks.empty()) {
        root.is_plain = true;
        return with_.native.run_plainly(root.code());
    }
    const std::uint16_t name = claim_name();
    if (name == RegionRecords::kNone)
        return with_.native.count_anew(root.code(), with_.options.optimize_after);
    RegionRecord& record = records_[name];
    record.root = &root;
    record.pages = former_.pages();
    records_.note(name);
    if (worker_ == nullptr) {
        const NativeRegion region{.source = former_.source(),
                                  .root = root.code(),
                                  .root_entry = with_.native.entry(root.code()),
                                  .page_offset = static_cast<std::uint32_t>(root.key.address.page_offset()),
                                  .one_page = record.pages.size() == 1,
                                  .pc = pc,
                                  .generation = generation,
                                  .identity = name,
                                  .passes = passes(root),
                                  .verify = with_.options.verify_ir,
                                  .marks =
                                      with_.observation != nullptr ? &with_.observation->marks() : nullptr,
                                  .exits = with_.exits};
        return install(name, pc, with_.native.optimize(region), former_.guest_instructions());
    }
    if (!request(root, name, pc, generation)) {
        records_.remove(name);
        with_.native.count_anew(root.code(), with_.options.optimize_after);
    }
}

// The root's own code runs meanwhile, and counts on from there: what it counts is far from its end.
bool RegionTier::request(Block& root, std::uint16_t name, std::uint64_t pc, std::uint64_t generation) {
    const std::uint32_t number = requested_.load(std::memory_order_relaxed);
    Request& request = requests_[number % kRequests];
    if (request.source == nullptr)
        request.source.reset(new (std::nothrow) optimizer::RegionSource);
    if (request.source == nullptr)
        return false;
    former_.exchange_source(request.source);
    request.root = root.code();
    request.root_entry = with_.native.entry(root.code());
    request.page_offset = static_cast<std::uint32_t>(root.key.address.page_offset());
    request.one_page = records_[name].pages.size() == 1;
    request.pc = pc;
    request.generation = generation;
    request.name = name;
    request.passes = passes(root);
    request.guest_instructions = former_.guest_instructions();
    request.is_cancelled.store(false, std::memory_order_relaxed);
    root.region = name;
    requested_.store(number + 1, std::memory_order_release);
    worker_->start(*this);
    return true;
}

void RegionTier::run() {
    for (;;) {
        const std::uint32_t number = compiled_.load(std::memory_order_relaxed);
        if (number == requested_.load(std::memory_order_acquire))
            return;
        Request& request = requests_[number % kRequests];
        if (!request.is_cancelled.load(std::memory_order_relaxed))
            compile_beside(request);
        compiled_.store(number + 1, std::memory_order_release);
    }
}

// What it refers to in the engine, but for counters of ways out, it knows by address alone.
void RegionTier::compile_beside(Request& request) {
    TimeSpent spent;
    {
        const Stopwatch watch(with_.options.stopwatch, spent);
        request.code = with_.native.optimize({.source = *request.source,
                                              .root = request.root,
                                              .root_entry = request.root_entry,
                                              .page_offset = request.page_offset,
                                              .one_page = request.one_page,
                                              .pc = request.pc,
                                              .generation = request.generation,
                                              .identity = request.name,
                                              .passes = request.passes,
                                              .verify = with_.options.verify_ir,
                                              .exits = with_.exits});
        // The compiler goes on with the next one before this one is installed.
        UnplacedCode& code = request.code.code;
        constexpr std::size_t kAlignment = alignof(std::uint32_t);
        const std::size_t bytes = (code.bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
        request.copy.reset(new (std::nothrow) std::byte[bytes + code.outward.size_bytes()]);
        request.lacked_memory = request.copy == nullptr;
        if (!request.lacked_memory && !code.bytes.empty()) {
            std::memcpy(request.copy.get(), code.bytes.data(), code.bytes.size());
            code.bytes = {request.copy.get(), code.bytes.size()};
            auto* const outward = reinterpret_cast<std::uint32_t*>(request.copy.get() + bytes);
            std::copy(code.outward.begin(), code.outward.end(), outward);
            code.outward = {outward, code.outward.size()};
        }
    }
    request.compile_ns = spent.ns;
}

void RegionTier::install_finished() {
    const Stopwatch watch(with_.options.stopwatch, with_.statistics.tiers[2].compiling);
    while (has_finished()) {
        Request& request = requests_[installed_ % kRequests];
        ++installed_;
        with_.statistics.tiers[2].beside_ns += std::exchange(request.compile_ns, 0);
        if (is_wanted(request))
            install(request.name, request.pc, request.code, request.guest_instructions);
        request.copy.reset();
    }
}

bool RegionTier::is_wanted(const Request& request) {
    const bool is_cancelled = request.is_cancelled.load(std::memory_order_relaxed);
    if (!is_cancelled && !records_[request.name].is_dead && !request.lacked_memory)
        return true;
    ++with_.statistics.regions_discarded;
    if (!is_cancelled) {
        Block& root = *records_[request.name].root;
        root.region = Block::kNoRegion;
        records_.remove(request.name);
        with_.native.count_anew(root.code(), with_.options.optimize_after);
    }
    return false;
}

// Its name may have another meaning before it is compiled.
void RegionTier::cancel(std::uint16_t name) {
    for (std::uint32_t i = installed_; i != requested_.load(std::memory_order_relaxed); ++i) {
        Request& request = requests_[i % kRequests];
        if (request.name == name)
            request.is_cancelled.store(true, std::memory_order_relaxed);
    }
}

void RegionTier::install(std::uint16_t name, std::uint64_t pc, const RegionCode& code,
                         unsigned guest_instructions) {
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
        root.region = Block::kNoRegion;
        records_.remove(name);
        return decline(root, guest_instructions);
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
void RegionTier::decline(Block& root, unsigned guest_instructions) {
    constexpr unsigned kLeast = 50;
    ++with_.statistics.regions_refused;
    const unsigned less = root.region_limit / 2u;
    if (less >= kLeast && guest_instructions > less) {
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
        if (record.code == nullptr)
            return true; // not yet
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
    if (record.code != nullptr)
        with_.native.free_region(record.code);
    else
        cancel(name);
    if (with_.extents != nullptr)
        with_.extents->remove(record.root->code());
    records_.remove(name);
    ++epoch_;
}

void RegionTier::drop(std::uint16_t name) {
    ++with_.statistics.regions_dropped;
    stay_plain(*records_[name].root);
}

void RegionTier::stay_plain(Block& root) {
    forget_root(root);
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
    forget_root(root);
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
        if (record.is_looked_for || record.code == nullptr)
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
    for (std::uint32_t i = installed_; i != requested_.load(std::memory_order_relaxed); ++i)
        requests_[i % kRequests].is_cancelled.store(true, std::memory_order_relaxed);
    records_.clear();
    looks_ = false;
    ++epoch_;
}

} // namespace ashlar::jit
