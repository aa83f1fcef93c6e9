// System registers of EL1 and EL0 that are the VM's: in the CPU from load() to save() of its virtual CPU.
#pragma once

#include <cstdint>

// name in GuestRegisters, register
#define GUEST_REGISTERS(X)                                                                                   \
    X(sctlr, sctlr_el1)                                                                                      \
    X(cpacr, cpacr_el1)                                                                                      \
    X(ttbr0, ttbr0_el1)                                                                                      \
    X(ttbr1, ttbr1_el1)                                                                                      \
    X(tcr, tcr_el1)                                                                                          \
    X(mair, mair_el1)                                                                                        \
    X(amair, amair_el1)                                                                                      \
    X(vbar, vbar_el1)                                                                                        \
    X(elr, elr_el1)                                                                                          \
    X(spsr, spsr_el1)                                                                                        \
    X(esr, esr_el1)                                                                                          \
    X(far, far_el1)                                                                                          \
    X(afsr0, afsr0_el1)                                                                                      \
    X(afsr1, afsr1_el1)                                                                                      \
    X(par, par_el1)                                                                                          \
    X(contextidr, contextidr_el1)                                                                            \
    X(sp_el1, sp_el1)                                                                                        \
    X(tpidr_el0, tpidr_el0)                                                                                  \
    X(tpidrro_el0, tpidrro_el0)                                                                              \
    X(tpidr_el1, tpidr_el1)                                                                                  \
    X(csselr, csselr_el1)                                                                                    \
    X(mdscr, mdscr_el1)                                                                                      \
    X(cntkctl, cntkctl_el1)                                                                                  \
    X(timer_compare, cntv_cval_el0)                                                                          \
    X(timer_control, cntv_ctl_el0)

namespace ashlar::arch::el2 {

struct GuestRegisters {
#define ASHLAR_MEMBER(name, reg) std::uint64_t name = 0;
    GUEST_REGISTERS(ASHLAR_MEMBER)
#undef ASHLAR_MEMBER
};

} // namespace ashlar::arch::el2
