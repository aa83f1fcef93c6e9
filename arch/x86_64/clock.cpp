#include "arch/x86_64/clock.h"

#include <algorithm>

#include "arch/cpu.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/local_apic.h"
#include "arch/x86_64/ports.h"

namespace ashlar::arch {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// Fixed-point factors with 32 fractional bits.
constinit std::uint64_t ns_per_count = 0; // of the TSC
constinit std::uint64_t ticks_per_ns = 0; // of the APIC timer
constinit std::uint64_t counter_frequency = 0;
constinit std::uint64_t counter_at_boot = 0;
constinit std::uint64_t wall_clock_at_boot = 0;

std::uint64_t scale(std::uint64_t value, std::uint64_t factor) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(value) * factor >> 32);
}

struct Measurement {
    std::uint64_t counts, ticks;
};

// Counts of both during 10 ms of the PIT's channel 2 (8254), whose gate and output are at port 0x61.
Measurement measure_10ms() {
    constexpr std::uint16_t kChannel2 = 0x42, kCommand = 0x43, kControl = 0x61;
    constexpr std::uint32_t kPitHz = 1'193'182, kReload = kPitHz / 100;
    const auto control = static_cast<std::uint8_t>((in8(kControl) & ~2) | 1); // gate on, speaker off
    out8(kControl, control);
    out8(kCommand, 0xb0); // channel 2, both bytes, interrupt on terminal count
    out8(kChannel2, kReload & 0xff);
    start_apic_timer(~std::uint32_t{0});
    out8(kChannel2, kReload >> 8); // starts counting
    const std::uint64_t begin = __builtin_ia32_rdtsc();
    const std::uint32_t ticks_begin = apic_timer_count();
    constexpr std::uint64_t kGiveUp = std::uint64_t{1} << 34;
    while ((in8(kControl) & 0x20) == 0 && __builtin_ia32_rdtsc() - begin < kGiveUp) {
    }
    const Measurement result{__builtin_ia32_rdtsc() - begin, ticks_begin - apic_timer_count()};
    start_apic_timer(0);
    return result;
}

std::uint8_t read_cmos(std::uint8_t index) {
    out8(0x70, index);
    return in8(0x71);
}

std::uint64_t days_from_civil(std::uint64_t year, unsigned month, unsigned day) {
    // Years begin in March, so that the leap day is the last.
    const std::uint64_t y = month <= 2 ? year - 1 : year;
    const std::uint64_t era = y / 400, year_of_era = y % 400;
    const std::uint64_t day_of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

// Unix time from the MC146818's registers; 0 when they make no sense.
std::uint64_t read_real_time_clock() {
    constexpr std::uint8_t kStatusA = 0x0a, kStatusB = 0x0b, kUpdating = 0x80, kBinary = 4, kHours24 = 2;
    for (unsigned spins = 0; (read_cmos(kStatusA) & kUpdating) != 0 && spins < 100'000; ++spins) {
    }
    const std::uint8_t status = read_cmos(kStatusB);
    const auto decode = [&](std::uint8_t value) -> unsigned {
        return (status & kBinary) != 0 ? value : (value >> 4) * 10u + (value & 0xfu);
    };
    const unsigned second = decode(read_cmos(0)), minute = decode(read_cmos(2));
    const std::uint8_t raw_hour = read_cmos(4);
    unsigned hour = decode(raw_hour & 0x7f);
    if ((status & kHours24) == 0)
        hour = hour % 12 + ((raw_hour & 0x80) != 0 ? 12 : 0);
    const unsigned day = decode(read_cmos(7)), month = decode(read_cmos(8)),
                   year = 2000 + decode(read_cmos(9));
    if (second > 59 || minute > 59 || hour > 23 || day == 0 || day > 31 || month == 0 || month > 12)
        return 0;
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

} // namespace

void initialize_clock() {
    // What disturbs a measurement makes it longer: the shortest is the best.
    Measurement best = measure_10ms();
    for (unsigned i = 0; i < 2; ++i) {
        const Measurement again = measure_10ms();
        best = {std::min(best.counts, again.counts), std::min(best.ticks, again.ticks)};
    }
    constexpr std::uint64_t kPeriods = 100;
    counter_frequency = std::max<std::uint64_t>(1, best.counts * kPeriods);
    ns_per_count = (kNanosecondsPerSecond << 32) / counter_frequency;
    ticks_per_ns = (best.ticks * kPeriods << 32) / kNanosecondsPerSecond;
    wall_clock_at_boot = read_real_time_clock() * kNanosecondsPerSecond;
    counter_at_boot = __builtin_ia32_rdtsc();
}

std::uint64_t now_ns() {
    return scale(__builtin_ia32_rdtsc() - counter_at_boot, ns_per_count);
}
std::uint64_t counter_hz() {
    return counter_frequency;
}
std::uint64_t boot_wall_clock_ns() {
    return wall_clock_at_boot;
}

void arm_timer(std::uint64_t deadline_ns) {
    if (deadline_ns == ~std::uint64_t{0})
        return start_apic_timer(0);
    const std::uint64_t now = now_ns();
    const std::uint64_t wait = deadline_ns > now ? deadline_ns - now : 0;
    constexpr std::uint64_t kLongest = kNanosecondsPerSecond; // the caller arms again
    const std::uint64_t ticks = scale(std::min(wait, kLongest), ticks_per_ns);
    start_apic_timer(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ticks, 1, 0xffff'ffff)));
}

} // namespace ashlar::arch
