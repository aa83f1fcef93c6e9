#include "jit/board/rtc.h"

namespace ashlar::jit::board {

Result<std::uint64_t> Rtc::read(std::uint64_t offset, unsigned width) {
    if (width != 4 || offset % 4 != 0)
        return Error::Misaligned;
    switch (offset) {
    case kTimeLow: latched_ = now(); return latched_ & 0xffff'ffff;
    case kTimeHigh: return latched_ >> 32; // as of the last read of the low half
    case kAlarmLow: return alarm_ & 0xffff'ffff;
    case kAlarmHigh: return alarm_ >> 32;
    case kIrqEnabled: return std::uint64_t{irq_enabled_};
    case kAlarmStatus: update(); return std::uint64_t{alarm_set_};
    default: return std::uint64_t{0};
    }
}

Status Rtc::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (width != 4 || offset % 4 != 0)
        return Error::Misaligned;
    const auto word = static_cast<std::uint32_t>(value);
    switch (offset) {
    case kTimeHigh: time_high_ = word; break;
    case kTimeLow: offset_ = (std::uint64_t{time_high_} << 32 | word) - clock_->wall_ns(); break;
    case kAlarmHigh: alarm_high_ = word; break;
    case kAlarmLow:
        alarm_ = std::uint64_t{alarm_high_} << 32 | word;
        alarm_set_ = true;
        update();
        break;
    case kClearAlarm: alarm_set_ = false; break;
    case kIrqEnabled: irq_enabled_ = (word & 1) != 0; break;
    case kClearInterrupt: irq_pending_ = false; break;
    default: break;
    }
    update_wire();
    return {};
}

void Rtc::reset() {
    alarm_set_ = irq_pending_ = irq_enabled_ = false;
    update_wire();
}

void Rtc::update() {
    if (!alarm_set_ || now() < alarm_)
        return;
    alarm_set_ = false;
    irq_pending_ = true;
    update_wire();
}

std::uint64_t Rtc::next_deadline_ns() {
    if (!alarm_set_)
        return ~std::uint64_t{0};
    const std::uint64_t time = now();
    const std::uint64_t wait = alarm_ > time ? alarm_ - time : 0;
    const std::uint64_t deadline = clock_->monotonic_ns() + wait;
    return deadline < wait ? ~std::uint64_t{0} : deadline;
}

} // namespace ashlar::jit::board
