// The generic timer: EL2's counter for time, its physical timer for deadlines. A PL031 for the time of day.
#pragma once

#include <cstdint>

namespace ashlar::arch {

// `real_time_clock`: registers of the PL031, or null.
void initialize_clock(const volatile std::uint32_t* real_time_clock);

// The timer's interrupt came: it stays away until the timer is armed again.
void take_timer_interrupt();

// As of now_ns() == 0.
std::uint64_t counter_at_start();

} // namespace ashlar::arch
