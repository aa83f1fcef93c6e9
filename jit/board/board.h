// The devices of the board, wired together and attached to the bus.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "jit/board/boot_rom.h"
#include "jit/board/clint.h"
#include "jit/board/pcie_host.h"
#include "jit/board/plic.h"
#include "jit/board/rtc.h"
#include "jit/board/served_block.h"
#include "jit/board/test_finisher.h"
#include "jit/board/timebase.h"
#include "jit/board/uart16550.h"
#include "jit/board/virtio_block.h"
#include "jit/board/virtio_mmio.h"
#include "jit/bus.h"
#include "jit/facts.h"

namespace ashlar::jit::board {

// What the board is built from and drives. Everything outlives it.
struct BoardParts {
    GuestMemory& memory;
    HartInterrupts& harts;
    PowerSwitch& power;
    Clock& clock;
    Console& console;
    std::span<BlockBackend* const> disks;   // at most kVirtioSlots
    std::span<PciBackend* const> functions; // at most PcieHost::kMaxFunctions
    unsigned hart_count;
};

class Board {
public:
    explicit Board(const BoardParts& parts);
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;

    // Attaches every device at its place.
    Status attach(Bus& bus);
    void reset();
    // Waits for the disks' requests in flight, resets PCI functions: afterwards no device touches guest
    // memory by itself.
    void quiesce();
    // Returns what the disks have completed to the guest.
    void poll_disks();
    bool disks_busy() const;
    // Passes on interrupts of PCI functions.
    void poll_functions() { pcie_.poll(); }
    bool functions_busy() const { return pcie_.busy(); }
    // Drives timers and alarms that are due now.
    void update_time();
    // The clock's time at which update_time() next has something to do; all ones if never.
    std::uint64_t next_deadline_ns();
    // One line per disk and function.
    void report_statistics(Facts& facts) const;

    Timebase& timebase() { return timebase_; }
    BootRom& boot_rom() { return boot_rom_; }
    Uart16550& uart() { return uart_; }

private:
    Timebase timebase_;
    Clint clint_;
    Plic plic_;
    BootRom boot_rom_;
    TestFinisher finisher_;
    Rtc rtc_;
    Uart16550 uart_;
    PcieHost pcie_;
    std::array<std::optional<VirtioBlock>, kVirtioSlots> disks_;
    std::array<std::optional<ServedBlock>, kVirtioSlots> served_;
    std::array<std::optional<VirtioMmio>, kVirtioSlots> slots_;
};

} // namespace ashlar::jit::board
