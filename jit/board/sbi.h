// The built-in SBI: what M-mode firmware offers a supervisor, done by the board itself.
// Specification: RISC-V Supervisor Binary Interface 2.0. Extensions: base, TIME, IPI, RFENCE, HSM, SRST,
// DBCN, and the legacy calls (0 to 8).
#pragma once

#include <array>
#include <cstdint>

#include "jit/board/memory_map.h"
#include "jit/board/sbi_abi.h"
#include "jit/board/wires.h"
#include "jit/engine.h"
#include "jit/guest_memory.h"
#include "jit/platform.h"

namespace ashlar::jit::board {

// Serves the harts of one engine that was created with EngineOptions::builtin_sbi. Not synchronized: all
// harts run on the thread that calls it.
class Sbi {
public:
    // `harts` is at most kMaxHarts. Everything outlives the Sbi.
    Sbi(Engine& engine, unsigned harts, GuestMemory& memory, riscv64::TimeSource& time, Console& console,
        PowerSwitch& power);

    // Puts all harts into the state that a supervisor starts in: `boot_hart` runs from `entry` with a1 =
    // `device_tree`, the others are stopped.
    void reset(unsigned boot_hart, std::uint64_t entry, std::uint64_t device_tree);

    // Serves the call that made Hart::run return Stop::SupervisorCall. Afterwards ask may_run before the hart
    // runs again: it may have stopped or suspended itself, or have ended the machine.
    void handle(unsigned hart);

    // Whether the hart is to be run now. Wakes a suspended hart for which an enabled interrupt is pending.
    bool may_run(unsigned hart);

private:
    using Status = sbi::Status;
    struct Reply {
        Status status = Status::Success;
        std::uint64_t value = 0;
        bool returns = true; // false: the caller's registers are those of a supervisor that starts anew
    };
    // The argument registers of a call.
    struct Call {
        unsigned hart; // the caller
        std::uint64_t extension, function;
        std::array<std::uint64_t, 6> argument;
    };

    riscv64::HartState& state(unsigned hart) { return engine_.hart(hart).state(); }

    Reply dispatch(const Call& call);
    Reply base(const Call& call);
    Reply timer(const Call& call);
    Reply ipi(const Call& call);
    Reply remote_fence(const Call& call);
    Reply hart_state(const Call& call);
    Reply system_reset(const Call& call);
    Reply debug_console(const Call& call);
    // The value for a0.
    std::uint64_t legacy(const Call& call);

    void set_timer(unsigned hart, std::uint64_t deadline);
    void flush_tlb(unsigned hart, std::uint64_t start, std::uint64_t size);
    Reply start_hart(std::uint64_t hart, std::uint64_t entry, std::uint64_t opaque);
    Reply suspend_hart(unsigned hart, std::uint64_t type, std::uint64_t resume, std::uint64_t opaque);
    void enter_supervisor(unsigned hart, std::uint64_t entry, std::uint64_t opaque);
    bool is_entry_point(std::uint64_t address) const;
    void end(bool reboot, int code);
    Reply write_console(std::uint64_t length, std::uint64_t low, std::uint64_t high);
    Reply read_console(std::uint64_t length, std::uint64_t low, std::uint64_t high);

    // A set of harts, bit n standing for hart n.
    using HartSet = std::uint64_t;
    static_assert(kMaxHarts <= 64);
    HartSet all_harts() const;
    // The harts that a mask and its base name; false when one of them does not exist.
    bool select(std::uint64_t mask, std::uint64_t base, HartSet& harts) const;
    // The same for a legacy call, where the mask lies in the caller's virtual memory (0: all harts).
    bool select_legacy(unsigned caller, std::uint64_t mask_address, HartSet& harts);
    template <class Action>
    void for_each_active(HartSet harts, Action action);

    Engine& engine_;
    GuestMemory& memory_;
    riscv64::TimeSource& time_;
    Console& console_;
    PowerSwitch& power_;
    unsigned harts_;
    bool ended_ = false; // power off or reset was asked for: nothing runs any more
    std::array<sbi::hart_state::HartStatus, kMaxHarts> status_{};
};

} // namespace ashlar::jit::board
