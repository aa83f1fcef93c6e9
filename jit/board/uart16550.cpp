#include "jit/board/uart16550.h"

#include <algorithm>

namespace ashlar::jit::board {
namespace {

namespace ier {
constexpr std::uint8_t kReceived = 1, kTransmitterEmpty = 2, kLineStatus = 4, kModemStatus = 8, kAll = 0x0f;
}
namespace iir {
constexpr std::uint8_t kModemStatus = 0x0, kNone = 0x1, kTransmitterEmpty = 0x2, kReceived = 0x4,
                       kLineStatus = 0x6, kTimeout = 0xc, kMask = 0xf, kFifoEnabled = 0xc0;
}
namespace fcr {
constexpr std::uint8_t kEnable = 1, kClearReceiver = 2, kTriggerShift = 6;
}
namespace lcr {
constexpr std::uint8_t kDivisorLatch = 0x80;
}
namespace mcr {
constexpr std::uint8_t kDtr = 1, kRts = 2, kOut1 = 4, kOut2 = 8, kLoopback = 0x10, kAll = 0x1f;
}
namespace lsr {
constexpr std::uint8_t kDataReady = 1, kOverrun = 2, kHoldingEmpty = 0x20, kTransmitterEmpty = 0x40;
}
namespace msr {
constexpr std::uint8_t kDeltas = 0x0f, kTrailingRing = 4, kClearToSend = 0x10, kDataSetReady = 0x20,
                       kRing = 0x40, kCarrier = 0x80, kInputs = 0xf0;
constexpr std::uint8_t kConnected = kClearToSend | kDataSetReady | kCarrier;
} // namespace msr

constexpr std::array<std::uint8_t, 4> kTriggerLevels{1, 4, 8, 14};
constexpr std::uint16_t kDivisorAfterReset = 12; // 9600 baud on the classic clock

} // namespace

void Uart16550::reset() {
    clear_received();
    divisor_ = kDivisorAfterReset;
    interrupt_enable_ = fifo_control_ = line_control_ = scratch_ = 0;
    modem_control_ = mcr::kOut2;
    modem_status_ = msr::kConnected;
    overrun_ = transmitter_empty_event_ = false;
    status_reads_ = 0;
    update_wire();
}

bool Uart16550::fifo_enabled() const {
    return (fifo_control_ & fcr::kEnable) != 0;
}
bool Uart16550::loopback() const {
    return (modem_control_ & mcr::kLoopback) != 0;
}
bool Uart16550::wants_input() const {
    return (interrupt_enable_ & ier::kReceived) != 0 && received_ < capacity();
}

// Drivers read the line status and throw received characters away while they set up a UART. What the user
// typed (or piped) ahead waits on the wire meanwhile, and is only taken once the guest listens: by interrupt,
// or by reading the line status again and again.
bool Uart16550::listens() const {
    return (interrupt_enable_ & ier::kReceived) != 0 || status_reads_ == kReadsToListen;
}

void Uart16550::note_access(std::uint64_t offset) {
    if (offset == kLineStatus)
        status_reads_ = std::min(status_reads_ + 1, kReadsToListen);
    else if (status_reads_ != kReadsToListen)
        status_reads_ = 0;
}

// The highest-priority interrupt that is pending and enabled (data sheet, table of interrupt control).
std::uint8_t Uart16550::identification() const {
    if ((interrupt_enable_ & ier::kLineStatus) != 0 && overrun_)
        return iir::kLineStatus;
    if ((interrupt_enable_ & ier::kReceived) != 0 && received_ != 0) {
        const std::uint8_t trigger = kTriggerLevels[fifo_control_ >> fcr::kTriggerShift];
        return !fifo_enabled() || received_ >= trigger ? iir::kReceived : iir::kTimeout;
    }
    if ((interrupt_enable_ & ier::kTransmitterEmpty) != 0 && transmitter_empty_event_)
        return iir::kTransmitterEmpty;
    if ((interrupt_enable_ & ier::kModemStatus) != 0 && (modem_status_ & msr::kDeltas) != 0)
        return iir::kModemStatus;
    return iir::kNone;
}

void Uart16550::update_wire() {
    wire_.set((identification() & iir::kMask) != iir::kNone);
}

Result<std::uint64_t> Uart16550::read(std::uint64_t offset, unsigned) {
    note_access(offset);
    std::uint8_t value = 0;
    const bool latch = (line_control_ & lcr::kDivisorLatch) != 0;
    switch (offset) {
    case kData: value = latch ? static_cast<std::uint8_t>(divisor_) : take_received(); break;
    case kInterruptEnable:
        value = latch ? static_cast<std::uint8_t>(divisor_ >> 8) : interrupt_enable_;
        break;
    case kInterruptIdentification:
        value = identification();
        if (value == iir::kTransmitterEmpty)
            transmitter_empty_event_ = false; // reading it as the source acknowledges it
        if (fifo_enabled())
            value |= iir::kFifoEnabled;
        break;
    case kLineControl: value = line_control_; break;
    case kModemControl: value = modem_control_; break;
    case kLineStatus:
        if (listens())
            poll_input();
        value = lsr::kHoldingEmpty | lsr::kTransmitterEmpty;
        if (received_ != 0)
            value |= lsr::kDataReady;
        if (overrun_)
            value |= lsr::kOverrun;
        overrun_ = false;
        break;
    case kModemStatus:
        value = modem_status_;
        modem_status_ &= msr::kInputs;
        break;
    case kScratch: value = scratch_; break;
    default: break;
    }
    update_wire();
    return std::uint64_t{value};
}

Status Uart16550::write(std::uint64_t offset, unsigned, std::uint64_t wide) {
    note_access(offset);
    const auto value = static_cast<std::uint8_t>(wide);
    const bool latch = (line_control_ & lcr::kDivisorLatch) != 0;
    switch (offset) {
    case kData:
        if (latch)
            divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff00) | value);
        else
            transmit(value);
        break;
    case kInterruptEnable:
        if (latch)
            divisor_ = static_cast<std::uint16_t>((divisor_ & 0x00ff) | value << 8);
        else
            write_interrupt_enable(value);
        break;
    case kFifoControl: write_fifo_control(value); break;
    case kLineControl: line_control_ = value; break;
    case kModemControl: write_modem_control(value); break;
    case kScratch: scratch_ = value; break;
    default: break; // the status registers are read-only
    }
    update_wire();
    return {};
}

std::uint8_t Uart16550::take_received() {
    if (received_ == 0)
        return 0;
    const std::uint8_t byte = fifo_[first_];
    first_ = (first_ + 1) % kFifoSize;
    --received_;
    if (received_ == 0 && wants_input())
        poll_input(); // keeps a burst going without waiting for the next poll
    return byte;
}

void Uart16550::receive(std::uint8_t byte) {
    if (received_ == capacity()) {
        overrun_ = true; // the new character is lost
        return;
    }
    fifo_[(first_ + received_) % kFifoSize] = byte;
    ++received_;
}

void Uart16550::transmit(std::uint8_t byte) {
    if (loopback()) {
        receive(byte);
    } else {
        const std::byte output{byte};
        console_->write({&output, 1});
    }
    transmitter_empty_event_ = true;
}

void Uart16550::poll_input() {
    if (loopback() || received_ >= capacity())
        return;
    std::array<std::byte, kFifoSize> buffer;
    const std::size_t count = console_->read(MutableBytes(buffer).first(capacity() - received_));
    for (std::size_t i = 0; i < count; ++i)
        receive(std::to_integer<std::uint8_t>(buffer[i]));
    update_wire();
}

// Enabling the THRE interrupt while the transmitter is empty, which it always is, raises it.
void Uart16550::write_interrupt_enable(std::uint8_t value) {
    value &= ier::kAll;
    if (((value ^ interrupt_enable_) & ier::kTransmitterEmpty) != 0)
        transmitter_empty_event_ = (value & ier::kTransmitterEmpty) != 0;
    interrupt_enable_ = value;
}

void Uart16550::write_fifo_control(std::uint8_t value) {
    const bool toggled = ((value ^ fifo_control_) & fcr::kEnable) != 0;
    if (toggled || (value & fcr::kClearReceiver) != 0)
        clear_received();
    status_reads_ = 0;
    fifo_control_ = (value & fcr::kEnable) != 0 ? value : 0;
}

void Uart16550::write_modem_control(std::uint8_t value) {
    modem_control_ = value & mcr::kAll;
    if (!loopback()) {
        set_modem_inputs(msr::kConnected);
        return;
    }
    // The outputs are wired to the inputs.
    std::uint8_t inputs = 0;
    inputs |= (value & mcr::kRts) != 0 ? msr::kClearToSend : 0;
    inputs |= (value & mcr::kDtr) != 0 ? msr::kDataSetReady : 0;
    inputs |= (value & mcr::kOut1) != 0 ? msr::kRing : 0;
    inputs |= (value & mcr::kOut2) != 0 ? msr::kCarrier : 0;
    set_modem_inputs(inputs);
}

// A delta bit records a change of its input, that of the ring indicator its falling edge alone.
void Uart16550::set_modem_inputs(std::uint8_t inputs) {
    const auto changed = static_cast<std::uint8_t>((modem_status_ ^ inputs) & msr::kInputs);
    auto deltas = static_cast<std::uint8_t>(changed >> 4);
    if ((inputs & msr::kRing) != 0)
        deltas &= static_cast<std::uint8_t>(~msr::kTrailingRing);
    modem_status_ = static_cast<std::uint8_t>(inputs | (modem_status_ & msr::kDeltas) | deltas);
}

} // namespace ashlar::jit::board
