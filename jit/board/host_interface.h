// The Berkeley host-target interface (HTIF): a program for the bare machine ends and prints through two
// words of its memory, `tohost` and `fromhost`. Convention: riscv-isa-sim (Spike), riscv-tests.
#pragma once

#include <cstdint>
#include <optional>

#include "jit/board/wires.h"
#include "jit/guest_memory.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

class HostInterface {
public:
    HostInterface(GuestMemory& memory, Console& console, PowerSwitch& power)
        : memory_(memory), console_(console), power_(power) {}

    // The words are 8-byte aligned and lie in memory. Without `tohost` the interface is absent.
    void reset(std::optional<GuestPhysicalAddress> tohost, std::optional<GuestPhysicalAddress> fromhost);
    bool present() const { return tohost_.has_value(); }
    // Serves the command in tohost, if there is one. Returns whether the program is using the interface at
    // the moment, so that it should be polled soon again.
    bool poll();

private:
    static constexpr unsigned kAttentionPolls = 64; // the interface counts as in use for so many idle polls

    void execute(std::uint64_t command);
    void serve_console(std::uint64_t command);
    void serve_system_call(GuestPhysicalAddress block);
    void answer_read();
    bool reply(std::uint64_t value);

    GuestMemory& memory_;
    Console& console_;
    PowerSwitch& power_;
    std::optional<GuestPhysicalAddress> tohost_, fromhost_;
    std::optional<std::uint64_t> pending_read_; // a console read that waits for input
    unsigned attention_ = 0;
};

} // namespace ashlar::jit::board
