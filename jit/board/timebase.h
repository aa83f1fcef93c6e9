// The board's 10 MHz counter: mtime and the time CSR, derived from the platform's clock.
#pragma once

#include <cstdint>

#include "jit/board/memory_map.h"
#include "jit/frontend/riscv64/privileged.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

class Timebase final : public riscv64::TimeSource {
public:
    static constexpr std::uint64_t kNanosecondsPerTick = 1'000'000'000 / kTimebaseHz;

    explicit Timebase(Clock& clock) : clock_(&clock) { set(0); }

    std::uint64_t time() override { return clock_->monotonic_ns() / kNanosecondsPerTick - origin_; }
    // Makes the counter read `ticks` now.
    void set(std::uint64_t ticks) { origin_ = clock_->monotonic_ns() / kNanosecondsPerTick - ticks; }
    // The clock's time at which the counter reads `ticks`; all ones when that is out of reach.
    std::uint64_t deadline_ns(std::uint64_t ticks) const {
        const std::uint64_t clock_ticks = ticks + origin_;
        if (clock_ticks < origin_ || clock_ticks > ~std::uint64_t{0} / kNanosecondsPerTick)
            return ~std::uint64_t{0};
        return clock_ticks * kNanosecondsPerTick;
    }

private:
    Clock* clock_;
    std::uint64_t origin_ = 0; // the clock's ticks at which the counter read 0, modulo 2^64
};

} // namespace ashlar::jit::board
