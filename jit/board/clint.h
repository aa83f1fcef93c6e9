// Core-local interruptor: software interrupts and the machine timer.
// Specification: SiFive CLINT as in RISC-V ACLINT 1.0 (MSWI at 0, MTIMER at 0x4000).
#pragma once

#include <array>

#include "jit/board/memory_map.h"
#include "jit/board/timebase.h"
#include "jit/board/wires.h"
#include "jit/bus.h"

namespace ashlar::jit::board {

class Clint final : public MmioDevice {
public:
    static constexpr std::uint64_t kSoftwareInterrupt = 0; // msip, 4 bytes per hart
    static constexpr std::uint64_t kTimerCompare = 0x4000; // mtimecmp, 8 bytes per hart
    static constexpr std::uint64_t kTime = 0xbff8;         // mtime

    // `harts` is at most kMaxHarts.
    Clint(HartInterrupts& interrupts, Timebase& timebase, unsigned harts);

    // Registers take aligned accesses of 4 bytes, the timer's also of 8.
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override;
    Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

    void reset();
    // Drives the machine timer lines for `now`; to be called as time goes by.
    void update(std::uint64_t now);
    // The earliest mtime at which update() will raise a line; all ones if there is none.
    std::uint64_t next_deadline() const;

private:
    struct PerHart {
        bool software = false;
        bool timer = false; // level as driven
        std::uint64_t compare = ~std::uint64_t{0};
    };
    void update_hart(unsigned hart, std::uint64_t now);

    HartInterrupts* interrupts_;
    Timebase* timebase_;
    unsigned harts_;
    std::array<PerHart, kMaxHarts> state_{};
};

} // namespace ashlar::jit::board
