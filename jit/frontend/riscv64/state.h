// The architectural state of one RV64GC hart. The Privileged Architecture's names are kept (version 1.12).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ashlar::jit::riscv64 {

// As wide as a slot: generated code looks at it.
enum class Privilege : std::uint64_t { User = 0, Supervisor = 1, Machine = 3 };

// mcause/scause values (Privileged 1.12, table 3.6); interrupts carry kInterruptBit.
constexpr std::uint64_t kInterruptBit = std::uint64_t{1} << 63;
enum class Cause : std::uint64_t {
    InstructionMisaligned = 0,
    InstructionAccessFault = 1,
    IllegalInstruction = 2,
    Breakpoint = 3,
    LoadMisaligned = 4,
    LoadAccessFault = 5,
    StoreMisaligned = 6,
    StoreAccessFault = 7,
    EcallFromUser = 8,
    EcallFromSupervisor = 9,
    EcallFromMachine = 11,
    InstructionPageFault = 12,
    LoadPageFault = 13,
    StorePageFault = 15,
    SupervisorSoftwareInterrupt = kInterruptBit | 1,
    MachineSoftwareInterrupt = kInterruptBit | 3,
    SupervisorTimerInterrupt = kInterruptBit | 5,
    MachineTimerInterrupt = kInterruptBit | 7,
    SupervisorExternalInterrupt = kInterruptBit | 9,
    MachineExternalInterrupt = kInterruptBit | 11,
};

// Bits of mip/mie/sip/sie.
enum class Interrupt : std::uint64_t {
    SupervisorSoftware = 1u << 1,
    MachineSoftware = 1u << 3,
    SupervisorTimer = 1u << 5,
    MachineTimer = 1u << 7,
    SupervisorExternal = 1u << 9,
    MachineExternal = 1u << 11,
};

struct Pmp {
    static constexpr std::size_t kEntries = 16;
    std::array<std::uint8_t, kEntries> configuration{};
    std::array<std::uint64_t, kEntries> address{}; // pmpaddrN, units of 4 bytes
};

// An array of 64-bit slots that IR names by index (ir/state_layout.h): slot n is 8 * n bytes from the start.
// What every frontend has lies before `control`; generated code knows the words of that down to `pmp` too.
struct HartState {
    std::array<std::uint64_t, 32> x{}; // x[0] stays 0
    std::array<std::uint64_t, 32> f{}; // NaN-boxed when single
    std::uint64_t pc = 0;              // of the next instruction whenever the engine is not running
    std::uint64_t fflags = 0;          // accrued exceptions, 5 bits
    std::uint64_t frm = 0;             // dynamic rounding mode, 3 bits
    std::uint64_t reservation_valid = 0;
    std::uint64_t reservation_address = 0; // on the host
    std::uint64_t reservation_value = 0;
    std::uint64_t instret = 0; // exact whenever the engine is not running and in helpers

    struct Control {
        Privilege privilege = Privilege::Machine;
        std::uint64_t hart_id = 0;
        std::uint64_t mstatus = 0, medeleg = 0, mideleg = 0, mie = 0, mip = 0;
        std::uint64_t mtvec = 0, mscratch = 0, mepc = 0, mcause = 0, mtval = 0, mcounteren = 0,
                      mcountinhibit = 0;
        std::uint64_t menvcfg = 0;
        std::uint64_t stvec = 0, sscratch = 0, sepc = 0, scause = 0, stval = 0, scounteren = 0, satp = 0;
        std::uint64_t senvcfg = 0;
        std::uint64_t stimecmp = ~std::uint64_t{0};
        std::uint64_t external_seip =
            0; // level of the PLIC's S context; mip.SEIP as read is this or the written bit
        std::int64_t cycle_offset = 0, instret_offset = 0; // written mcycle/minstret minus instret
        // Bits of sstatus whose change, or setting if it is SIE, the engine must hear of: its own.
        std::uint64_t watched_status = 0;
        Pmp pmp;
    } control;
};
static_assert(offsetof(HartState, x) == 0 && offsetof(HartState, f) == 256 && offsetof(HartState, pc) == 512);

} // namespace ashlar::jit::riscv64
