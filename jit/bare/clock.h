// The board's clock over the CPU's time-stamp counter: reading it costs no VM exit.
#pragma once

#include "jit/platform.h"

namespace ashlar::jit::bare {

// monotonic_ns() is on the time line of Hypercall::TimeNow, so its values are valid timer deadlines.
class CounterClock final : public Clock {
public:
    // `now_ns` is TimeNow's answer at this moment, `wall_clock_ns` the Unix time when the counter was 0.
    CounterClock(std::uint64_t counter_hz, std::uint64_t now_ns, std::uint64_t wall_clock_ns);
    std::uint64_t monotonic_ns() override;
    std::uint64_t wall_ns() override;

private:
    std::uint64_t counter_ns() const;

    std::uint64_t ns_per_tick_; // fixed point, 32 fraction bits
    std::uint64_t offset_ns_;   // from counter_ns() to the time line, modulo 2^64
    std::uint64_t wall_clock_ns_;
    std::uint64_t latest_ns_ = 0;
};

} // namespace ashlar::jit::bare
