// Goldfish real-time clock: Unix time in nanoseconds, with an alarm.
// Specification: Android emulator, "Goldfish virtual hardware", section RTC.
#pragma once

#include "jit/board/wires.h"
#include "jit/bus.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

class Rtc final : public MmioDevice {
public:
    static constexpr std::uint64_t kTimeLow = 0x00, kTimeHigh = 0x04, kAlarmLow = 0x08, kAlarmHigh = 0x0c,
                                   kIrqEnabled = 0x10, kClearAlarm = 0x14, kAlarmStatus = 0x18,
                                   kClearInterrupt = 0x1c;

    Rtc(Clock& clock, InterruptWire wire) : clock_(&clock), wire_(wire) {}

    // Registers take aligned accesses of 4 bytes.
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override;
    Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

    // Forgets the alarm; the time goes on, as with a battery.
    void reset();
    // Fires the alarm when it is due; to be called as time goes by.
    void update();
    // The clock's monotonic time at which update() will fire the alarm; all ones if it is not set.
    std::uint64_t next_deadline_ns();

private:
    std::uint64_t now() { return clock_->wall_ns() + offset_; }
    void update_wire() { wire_.set(irq_pending_ && irq_enabled_); }

    Clock* clock_;
    InterruptWire wire_;
    std::uint64_t offset_ = 0; // what the guest has set minus the platform's time, modulo 2^64
    std::uint64_t latched_ = 0;
    std::uint64_t alarm_ = 0;
    std::uint32_t time_high_ = 0, alarm_high_ = 0; // written halves that wait for the low one
    bool alarm_set_ = false, irq_pending_ = false, irq_enabled_ = false;
};

} // namespace ashlar::jit::board
