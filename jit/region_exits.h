// Counts of the ways out of regions, when somebody asks for them: host code itself adds to them.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "jit/optimizer/leave.h"
#include "lib/assert.h"
#include "lib/result.h"

namespace ashlar::jit {

struct RegionExit {
    std::uint64_t times = 0;
    std::uint64_t inside = 0;  // guest instructions executed since the region was entered
    std::uint64_t outside = 0; // by tiers 0 and 1 from then until the next region
    // Guest-virtual addresses as they were when the region was compiled.
    std::uint64_t region = 0, from = 0,
                  to = 0; // from: the instruction that leaves; to: 0 when it is not fixed
    optimizer::Leave reason{};
};

// Indirect jumps that regions follow to where they were expected to lead.
struct FollowedJumps {
    std::uint64_t all = 0;
    std::uint64_t missed = 0; // led elsewhere, and so out of the region
};

class RegionExits {
public:
    static Result<std::unique_ptr<RegionExits>> create(std::size_t capacity) {
        std::unique_ptr<RegionExits> result(new (std::nothrow) RegionExits(capacity));
        if (result == nullptr)
            return Error::OutOfMemory;
        result->exits_.reset(new (std::nothrow) RegionExit[capacity]);
        if (result->exits_ == nullptr)
            return Error::OutOfMemory;
        return result;
    }

    // Takes as outside what is executed before the first region.
    RegionExit& before_regions() { return before_; }
    // Where the exit counts from now on; for the thread that compiles regions. There is always a place: what
    // is too much counts together.
    RegionExit& add(const RegionExit& exit) {
        const std::size_t place = size_.load(std::memory_order_relaxed);
        if (place == capacity_)
            return rest_;
        exits_[place] = exit;
        size_.store(place + 1, std::memory_order_release);
        return exits_[place];
    }
    FollowedJumps& jumps() { return jumps_; }
    std::span<const RegionExit> all() const { return {exits_.get(), size_.load(std::memory_order_acquire)}; }
    // Their reasons are not known.
    const RegionExit& rest() const { return rest_; }
    std::uint64_t instructions() const {
        std::uint64_t sum = rest_.inside;
        for (const RegionExit& exit : all())
            sum += exit.inside;
        return sum;
    }

private:
    explicit RegionExits(std::size_t capacity) : capacity_(capacity) {}

    std::unique_ptr<RegionExit[]> exits_;
    const std::size_t capacity_;
    std::atomic<std::size_t> size_{0};
    RegionExit before_, rest_;
    FollowedJumps jumps_;
};

} // namespace ashlar::jit
