#include "arch/aarch64/clock.h"

#include <algorithm>

#include "arch/aarch64/registers.h"
#include "arch/cpu.h"

namespace ashlar::arch {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kEnable = 1; // CNTHP_CTL_EL2

// Fixed-point factors with 32 fractional bits.
constinit std::uint64_t ns_per_count = 0, counts_per_ns = 0;
constinit std::uint64_t counter_frequency = 1;
constinit std::uint64_t counter_at_boot = 0;
constinit std::uint64_t wall_clock_at_boot = 0;

std::uint64_t scale(std::uint64_t value, std::uint64_t factor) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(value) * factor >> 32);
}

std::uint64_t read_counter() {
    synchronize_context(); // else it may be read early
    return READ_REGISTER(cntpct_el0);
}

} // namespace

void initialize_clock(const volatile std::uint32_t* real_time_clock) {
    constexpr std::uint64_t kLowest = 1'000'000; // what firmware leaves at 0 is no frequency
    counter_frequency = std::max(READ_REGISTER(cntfrq_el0) & 0xffff'ffff, kLowest);
    ns_per_count = (kNanosecondsPerSecond << 32) / counter_frequency;
    counts_per_ns = (counter_frequency << 32) / kNanosecondsPerSecond;
    WRITE_REGISTER(cnthp_ctl_el2, 0);
    if (real_time_clock != nullptr)
        wall_clock_at_boot = std::uint64_t{*real_time_clock} * kNanosecondsPerSecond; // RTCDR: seconds
    counter_at_boot = read_counter();
}

std::uint64_t counter_at_start() {
    return counter_at_boot;
}
std::uint64_t now_ns() {
    return scale(read_counter() - counter_at_boot, ns_per_count);
}
std::uint64_t counter_hz() {
    return counter_frequency;
}
std::uint64_t boot_wall_clock_ns() {
    return wall_clock_at_boot;
}

void arm_timer(std::uint64_t deadline_ns) {
    if (deadline_ns == ~std::uint64_t{0})
        return take_timer_interrupt();
    const std::uint64_t now = now_ns();
    constexpr std::uint64_t kLongest = kNanosecondsPerSecond; // the caller arms again
    const std::uint64_t wait = std::min(deadline_ns > now ? deadline_ns - now : 0, kLongest);
    WRITE_REGISTER(cnthp_cval_el2, read_counter() + scale(wait, counts_per_ns) + 1);
    WRITE_REGISTER(cnthp_ctl_el2, kEnable);
    synchronize_context();
}
void take_timer_interrupt() {
    WRITE_REGISTER(cnthp_ctl_el2, 0);
    synchronize_context();
}

} // namespace ashlar::arch
