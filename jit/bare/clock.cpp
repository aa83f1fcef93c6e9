#include "jit/bare/clock.h"

#include <algorithm>

#include "jit/bare/environment.h"
#include "lib/assert.h"

namespace ashlar::jit::bare {

CounterClock::CounterClock(std::uint64_t counter_hz, std::uint64_t now_ns, std::uint64_t wall_clock_ns)
    : wall_clock_ns_(wall_clock_ns) {
    // Below 1 MHz the fixed point would overflow within days, and no such counter exists.
    ASHLAR_ASSERT(counter_hz >= 1'000'000);
    ns_per_tick_ = (std::uint64_t{1'000'000'000} << 32) / counter_hz;
    offset_ns_ = now_ns - counter_ns();
}

std::uint64_t CounterClock::counter_ns() const {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(read_counter()) * ns_per_tick_ >> 32);
}

std::uint64_t CounterClock::monotonic_ns() {
    latest_ns_ = std::max(latest_ns_, counter_ns() + offset_ns_);
    return latest_ns_;
}

std::uint64_t CounterClock::wall_ns() {
    return wall_clock_ns_ + counter_ns();
}

} // namespace ashlar::jit::bare
