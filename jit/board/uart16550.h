// 16550A UART. Specification: National Semiconductor PC16550D data sheet.
// Characters take no time on the wire: the transmitter is always empty, and a receive FIFO below its trigger
// level times out as soon as the console has nothing more to give.
#pragma once

#include <array>

#include "jit/board/wires.h"
#include "jit/bus.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

class Uart16550 final : public MmioDevice {
public:
    // Registers, one byte each; the divisor latch replaces 0 and 1 while LCR.DLAB is set.
    static constexpr std::uint64_t kData = 0, kInterruptEnable = 1, kInterruptIdentification = 2,
                                   kFifoControl = 2, kLineControl = 3, kModemControl = 4, kLineStatus = 5,
                                   kModemStatus = 6, kScratch = 7;

    Uart16550(Console& console, InterruptWire wire) : console_(&console), wire_(wire) { reset(); }

    // Accesses of any width reach the one register at `offset`; there are 8, the rest reads 0.
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override;
    Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

    void reset();
    // True when the guest waits for a receive interrupt: the console should be polled from time to time.
    bool wants_input() const;
    // Takes what the console has and the FIFO holds. Reads of the line status do the same for a guest that
    // listens, so that one that polls needs no call; one that does neither leaves the input to others.
    void poll_input();

private:
    static constexpr std::size_t kFifoSize = 16;
    // So many reads of the line status with nothing else done to the UART tell that the guest polls for
    // input.
    static constexpr unsigned kReadsToListen = 8;

    std::uint8_t identification() const;
    std::uint8_t take_received();
    void transmit(std::uint8_t byte);
    void receive(std::uint8_t byte);
    void write_interrupt_enable(std::uint8_t value);
    void write_fifo_control(std::uint8_t value);
    void write_modem_control(std::uint8_t value);
    void set_modem_inputs(std::uint8_t inputs);
    void note_access(std::uint64_t offset);
    bool listens() const;
    bool fifo_enabled() const;
    std::size_t capacity() const { return fifo_enabled() ? kFifoSize : 1; }
    bool loopback() const;
    void clear_received() { received_ = 0; }
    void update_wire();

    Console* console_;
    InterruptWire wire_;
    std::array<std::uint8_t, kFifoSize> fifo_{};
    std::size_t first_ = 0, received_ = 0;
    unsigned status_reads_ =
        0; // in a row, up to kReadsToListen, where it stays until the UART is set up anew
    std::uint16_t divisor_ = 0;
    std::uint8_t interrupt_enable_ = 0, fifo_control_ = 0, line_control_ = 0, modem_control_ = 0,
                 modem_status_ = 0, scratch_ = 0;
    bool overrun_ = false;
    bool transmitter_empty_event_ = false; // the THRE interrupt's latch
};

} // namespace ashlar::jit::board
