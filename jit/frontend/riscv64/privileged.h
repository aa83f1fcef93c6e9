// The privileged architecture of a hart: CSRs, traps, returns from traps, interrupts.
// Specification: The RISC-V Instruction Set Manual, volume II, Privileged Architecture 1.12, with Sstc.
#pragma once

#include <cstdint>
#include <optional>

#include "jit/frontend/riscv64/state.h"

namespace ashlar::jit::riscv64 {

// Counts at the board's timebase (10 MHz): the CLINT's mtime, the `time` CSR.
class TimeSource {
public:
    virtual std::uint64_t time() = 0;

protected:
    ~TimeSource() = default;
};

// Puts the hart into its reset state: M-mode, pc as given, a0 = hart_id, a1 = device_tree. All PMP entries
// are off, so nothing below M-mode can access memory until the firmware has configured one (3.7.1).
void reset(HartState& hart, std::uint64_t hart_id, std::uint64_t pc, std::uint64_t device_tree);
// The state in which an SBI implementation starts a supervisor (SBI 2.0, 9.1): S-mode with translation off,
// as if M-mode firmware had delegated every trap, opened the counters and Sstc, and granted all memory by PMP
// entry 0. For the built-in SBI, where no guest code ever runs in M-mode. `opaque` goes to a1.
void reset_to_supervisor(HartState& hart, std::uint64_t hart_id, std::uint64_t pc, std::uint64_t opaque);

// What the engine must do after a CSR write, a trap or a return from one: a bit set.
enum class Effect : unsigned {
    None = 0,
    // satp, mstatus.{MPRV,MPP,SUM,MXR,FS,TVM,TW,TSR}, frm, PMP or privilege changed: cached contexts may
    // differ
    Translation = 1u << 0,
    FlushTlb = 1u << 1,   // cached translations must go (PMP write, satp.MODE change)
    Interrupts = 1u << 2, // an interrupt may have become deliverable: check before the next instruction
    Illegal = 1u << 3,    // raise IllegalInstruction instead; nothing was changed
};
constexpr Effect operator|(Effect a, Effect b) {
    return static_cast<Effect>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Effect set, Effect bit) {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(bit)) != 0;
}

// The CSR's value, or nullopt when the access is illegal at the hart's privilege. hart.instret is exact.
std::optional<std::uint64_t> read_csr(const HartState& hart, std::uint16_t number, TimeSource& time);
// Applies WARL/WLRL/WPRI rules. Checks privilege and read-only numbers.
Effect write_csr(HartState& hart, std::uint16_t number, std::uint64_t value, TimeSource& time);

// One CSR instruction. CSRRW(I) is Write, CSRRS(I) Set, CSRRC(I) Clear; `writes` is false for CSRRS/CSRRC
// with rs1 = x0 (zimm = 0). Not the same as read_csr then write_csr: setting or clearing bits of mip must not
// turn the level of the external line into a written SEIP (3.1.9).
enum class CsrOperation : std::uint8_t { Write, Set, Clear };
struct CsrResult {
    std::uint64_t old; // for rd; meaningless when the effect is Illegal
    Effect effect;
};
CsrResult execute_csr(HartState& hart, std::uint16_t number, CsrOperation operation, std::uint64_t operand,
                      bool writes, TimeSource& time);

// Enters the handler for a synchronous exception of the instruction at hart.pc (delegation, xepc, xcause,
// xtval, xstatus stacks, vectored mode); sets hart.pc.
void take_exception(HartState& hart, Cause cause, std::uint64_t tval);
// The interrupt to deliver now, by priority and delegation, if any.
std::optional<Cause> deliverable_interrupt(const HartState& hart);
// Enters the handler for it; hart.pc is the interrupted instruction.
void take_interrupt(HartState& hart, Cause interrupt);
// True when WFI must not wait: an enabled interrupt is pending, whatever xIE and delegation say.
bool interrupt_pending_for_wfi(const HartState& hart);

// Return instructions at hart.pc; Effect::Illegal when not allowed here (privilege, TSR).
Effect execute_mret(HartState& hart);
Effect execute_sret(HartState& hart);
// Whether WFI / SFENCE.VMA are allowed here (privilege, TW, TVM).
bool wfi_allowed(const HartState& hart);
bool sfence_vma_allowed(const HartState& hart);

// Drives an interrupt line of the hart: the external line for SupervisorExternal, else the bit of mip.
// Returns true when what is pending changed.
bool set_interrupt_line(HartState& hart, Interrupt line, bool level);

// Sets mip.STIP (Sstc with menvcfg.STCE) from the time; returns true when mip changed. The CLINT drives MTIP.
bool update_supervisor_timer(HartState& hart, std::uint64_t now);

} // namespace ashlar::jit::riscv64
