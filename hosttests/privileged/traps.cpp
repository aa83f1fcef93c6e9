// Entry into and return from traps, delegation, interrupts and their priority.
#include "hosttests/privileged/hart_fixture.h"

namespace ashlar::jit::riscv64::test {

namespace {

constexpr Privilege kModes[] = {Privilege::User, Privilege::Supervisor, Privilege::Machine};
constexpr std::uint64_t kMachineHandler = 0x8000'1000, kSupervisorHandler = 0x8000'2000;

class TrapTest : public HartTest {
protected:
    TrapTest() {
        poke(Csr::Mtvec, kMachineHandler);
        poke(Csr::Stvec, kSupervisorHandler);
    }
    std::uint64_t status(std::uint64_t field) { return hart.control.mstatus & field; }
    void set_pending(std::uint64_t mip) {
        hart.control.mip = mip & ~bit(Interrupt::SupervisorExternal);
        hart.control.external_seip = (mip & bit(Interrupt::SupervisorExternal)) != 0;
    }
};

} // namespace

TEST_F(TrapTest, exceptions_are_delegated_by_cause_and_mode) {
    constexpr Cause kCauses[] = {Cause::InstructionMisaligned, Cause::InstructionAccessFault,
                                 Cause::IllegalInstruction,    Cause::Breakpoint,
                                 Cause::LoadMisaligned,        Cause::LoadAccessFault,
                                 Cause::StoreMisaligned,       Cause::StoreAccessFault,
                                 Cause::EcallFromUser,         Cause::EcallFromSupervisor,
                                 Cause::EcallFromMachine,      Cause::InstructionPageFault,
                                 Cause::LoadPageFault,         Cause::StorePageFault};
    for (const Cause cause : kCauses)
        for (const Privilege mode : kModes)
            for (const bool delegate : {false, true}) {
                const auto code = static_cast<std::uint64_t>(cause);
                SCOPED_TRACE(testing::Message() << "cause " << code << " mode " << static_cast<int>(mode)
                                                << (delegate ? " delegated" : ""));
                // Given exactly this cause delegated, or all but it
                poke(Csr::Medeleg, delegate ? 1u << code : ~(1u << code));
                hart.control.privilege = mode;
                hart.pc = 0x8000'0123;
                // When it happens
                take_exception(hart, cause, 0x55);
                // Then S-mode handles it only if delegated and not from M-mode
                const bool to_supervisor =
                    delegate && mode != Privilege::Machine && cause != Cause::EcallFromMachine;
                EXPECT_EQ(hart.control.privilege, to_supervisor ? Privilege::Supervisor : Privilege::Machine);
                EXPECT_EQ(hart.pc, to_supervisor ? kSupervisorHandler : kMachineHandler);
                EXPECT_EQ(to_supervisor ? hart.control.scause : hart.control.mcause, code);
                EXPECT_EQ(to_supervisor ? hart.control.sepc : hart.control.mepc, 0x8000'0123u);
                EXPECT_EQ(to_supervisor ? hart.control.stval : hart.control.mtval, 0x55u);
            }
}

TEST_F(TrapTest, entry_stacks_the_interrupt_enable_and_the_mode) {
    for (const bool enabled : {false, true}) {
        // To M-mode
        for (const Privilege mode : kModes) {
            poke(Csr::Medeleg, 0);
            poke(Csr::Mstatus, enabled ? mstatus::kMie : mstatus::kMpie | mstatus::kSie);
            hart.control.privilege = mode;
            take_exception(hart, Cause::Breakpoint, 0);
            EXPECT_EQ(status(mstatus::kMie), 0u);
            EXPECT_EQ(status(mstatus::kMpie) != 0, enabled);
            EXPECT_EQ(mstatus::mpp(hart.control.mstatus), mode);
            EXPECT_EQ(status(mstatus::kSie) != 0, !enabled) << "the other level's stack is left alone";
        }
        // To S-mode
        for (const Privilege mode : {Privilege::User, Privilege::Supervisor}) {
            poke(Csr::Medeleg, ~std::uint64_t{0});
            poke(Csr::Mstatus, enabled ? mstatus::kSie : mstatus::kSpie | mstatus::kMie);
            hart.control.privilege = mode;
            take_exception(hart, Cause::Breakpoint, 0);
            EXPECT_EQ(status(mstatus::kSie), 0u);
            EXPECT_EQ(status(mstatus::kSpie) != 0, enabled);
            EXPECT_EQ(status(mstatus::kSpp) != 0, mode == Privilege::Supervisor);
            EXPECT_EQ(status(mstatus::kMie) != 0, !enabled);
        }
    }
}

TEST_F(TrapTest, a_trap_ends_a_reservation) {
    hart.reservation_valid = 1;
    take_exception(hart, Cause::Breakpoint, 0);
    EXPECT_EQ(hart.reservation_valid, 0u);
}

TEST_F(TrapTest, vectored_mode_is_for_interrupts_only) {
    poke(Csr::Mtvec, kMachineHandler | 1);
    poke(Csr::Stvec, kSupervisorHandler | 1);
    take_exception(hart, Cause::IllegalInstruction, 0);
    EXPECT_EQ(hart.pc, kMachineHandler);
    take_interrupt(hart, Cause::MachineTimerInterrupt);
    EXPECT_EQ(hart.pc, kMachineHandler + 4 * 7);
    poke(Csr::Mideleg, bit(Interrupt::SupervisorExternal));
    hart.control.privilege = Privilege::User;
    take_interrupt(hart, Cause::SupervisorExternalInterrupt);
    EXPECT_EQ(hart.pc, kSupervisorHandler + 4 * 9);
    EXPECT_EQ(hart.control.scause, kInterruptBit | 9);
    EXPECT_EQ(hart.control.stval, 0u);
}

TEST_F(TrapTest, mret_returns_to_the_stacked_mode) {
    for (const Privilege mode : kModes)
        for (const bool previous : {false, true}) {
            const std::uint64_t value = static_cast<std::uint64_t>(mode) << 11 | mstatus::kMprv |
                                        (previous ? mstatus::kMpie : mstatus::kMie);
            poke(Csr::Mstatus, value);
            poke(Csr::Mepc, 0x8000'0456);
            hart.control.privilege = Privilege::Machine;
            hart.reservation_valid = 1;
            const Effect effect = execute_mret(hart);
            EXPECT_TRUE(has(effect, Effect::Translation) && has(effect, Effect::Interrupts));
            EXPECT_EQ(hart.control.privilege, mode);
            EXPECT_EQ(hart.pc, 0x8000'0456u);
            EXPECT_EQ(status(mstatus::kMie) != 0, previous);
            EXPECT_NE(status(mstatus::kMpie), 0u);
            EXPECT_EQ(mstatus::mpp(hart.control.mstatus), Privilege::User);
            EXPECT_EQ(status(mstatus::kMprv) != 0, mode == Privilege::Machine);
            EXPECT_EQ(hart.reservation_valid, 0u);
        }
}

TEST_F(TrapTest, sret_returns_to_the_stacked_mode) {
    for (const Privilege from : {Privilege::Supervisor, Privilege::Machine})
        for (const bool to_supervisor : {false, true})
            for (const bool previous : {false, true}) {
                poke(Csr::Mstatus, (to_supervisor ? mstatus::kSpp : 0) | mstatus::kMprv |
                                       (previous ? mstatus::kSpie : mstatus::kSie));
                poke(Csr::Sepc, 0x8000'0788);
                hart.control.privilege = from;
                EXPECT_FALSE(has(execute_sret(hart), Effect::Illegal));
                EXPECT_EQ(hart.control.privilege, to_supervisor ? Privilege::Supervisor : Privilege::User);
                EXPECT_EQ(hart.pc, 0x8000'0788u);
                EXPECT_EQ(status(mstatus::kSie) != 0, previous);
                EXPECT_NE(status(mstatus::kSpie), 0u);
                EXPECT_EQ(status(mstatus::kSpp | mstatus::kMprv), 0u);
            }
}

TEST_F(TrapTest, returns_and_wfi_by_mode) {
    struct Row {
        Privilege mode;
        std::uint64_t status;
        bool mret, sret, wfi;
    };
    constexpr Row kRows[] = {
        {Privilege::User, 0, false, false, false},
        {Privilege::Supervisor, 0, false, true, true},
        {Privilege::Supervisor, mstatus::kTsr, false, false, true},
        {Privilege::Supervisor, mstatus::kTw, false, true, false},
        {Privilege::Machine, 0, true, true, true},
        {Privilege::Machine, mstatus::kTsr | mstatus::kTw, true, true, true},
    };
    for (const Row& row : kRows) {
        SCOPED_TRACE(testing::Message() << static_cast<int>(row.mode) << " " << std::hex << row.status);
        const auto prepare = [&] {
            poke(Csr::Mstatus, row.status);
            hart.control.privilege = row.mode;
            hart.pc = 0x1000;
        };
        prepare();
        EXPECT_EQ(wfi_allowed(hart), row.wfi);
        EXPECT_EQ(execute_mret(hart) != Effect::Illegal, row.mret);
        EXPECT_EQ(hart.pc == 0x1000, !row.mret) << "an illegal return changes nothing";
        prepare();
        EXPECT_EQ(execute_sret(hart) != Effect::Illegal, row.sret);
        EXPECT_EQ(hart.control.privilege == row.mode && hart.pc == 0x1000, !row.sret);
    }
}

TEST_F(TrapTest, interrupts_are_enabled_by_mode_level_and_delegation) {
    const std::uint64_t line = bit(Interrupt::SupervisorTimer);
    for (const Privilege mode : kModes)
        for (const bool delegated : {false, true})
            for (const bool sie : {false, true})
                for (const bool mie : {false, true}) {
                    poke(Csr::Mideleg, delegated ? line : 0);
                    poke(Csr::Mie, line);
                    poke(Csr::Mstatus, (sie ? mstatus::kSie : 0) | (mie ? mstatus::kMie : 0));
                    hart.control.privilege = mode;
                    set_pending(line);
                    const bool expected =
                        delegated ? mode == Privilege::User || (mode == Privilege::Supervisor && sie)
                                  : mode != Privilege::Machine || mie;
                    EXPECT_EQ(deliverable_interrupt(hart).has_value(), expected)
                        << "mode " << static_cast<int>(mode) << " delegated " << delegated << " SIE " << sie
                        << " MIE " << mie;
                    EXPECT_TRUE(interrupt_pending_for_wfi(hart));
                    poke(Csr::Mie, 0);
                    EXPECT_FALSE(deliverable_interrupt(hart).has_value());
                    EXPECT_FALSE(interrupt_pending_for_wfi(hart));
                }
}

TEST_F(TrapTest, priority_is_external_software_timer_machine_first) {
    constexpr Cause kOrder[] = {Cause::MachineExternalInterrupt,    Cause::MachineSoftwareInterrupt,
                                Cause::MachineTimerInterrupt,       Cause::SupervisorExternalInterrupt,
                                Cause::SupervisorSoftwareInterrupt, Cause::SupervisorTimerInterrupt};
    for (const bool delegate : {false, true}) {
        poke(Csr::Mideleg, delegate ? 0x222 : 0);
        poke(Csr::Mie, 0xAAA);
        hart.control.privilege = Privilege::User;
        std::uint64_t pending = 0xAAA;
        for (const Cause cause : kOrder) {
            set_pending(pending);
            EXPECT_EQ(deliverable_interrupt(hart), cause);
            pending &= ~(std::uint64_t{1} << (static_cast<std::uint64_t>(cause) & ~kInterruptBit));
        }
        set_pending(0);
        EXPECT_FALSE(deliverable_interrupt(hart).has_value());
    }
}

TEST_F(TrapTest, a_delegated_interrupt_waits_for_machine_ones_and_never_interrupts_machine_mode) {
    poke(Csr::Mideleg, 0x222);
    poke(Csr::Mie, 0xAAA);
    // An M-level interrupt that is masked in M-mode does not let an S-level one through.
    poke(Csr::Mstatus, mstatus::kSie);
    hart.control.privilege = Privilege::Machine;
    set_pending(0xAAA);
    EXPECT_FALSE(deliverable_interrupt(hart).has_value());
}

TEST_F(TrapTest, external_line_and_written_seip_are_separate) {
    constexpr std::uint64_t kSeip = 1u << 9;
    // A line that is up reads as pending, but setting another bit does not write it down.
    EXPECT_TRUE(set_interrupt_line(hart, Interrupt::SupervisorExternal, true));
    EXPECT_FALSE(set_interrupt_line(hart, Interrupt::SupervisorExternal, true));
    const CsrResult result = execute_csr(hart, number(Csr::Mip), CsrOperation::Set, 2, true, clock);
    EXPECT_EQ(result.old, kSeip);
    EXPECT_EQ(peek(Csr::Mip), kSeip | 2);
    set_interrupt_line(hart, Interrupt::SupervisorExternal, false);
    EXPECT_EQ(peek(Csr::Mip), 2u);
    // A written SEIP stays when the line falls.
    poke(Csr::Mip, kSeip);
    set_interrupt_line(hart, Interrupt::SupervisorExternal, true);
    EXPECT_FALSE(set_interrupt_line(hart, Interrupt::SupervisorExternal, false));
    EXPECT_EQ(peek(Csr::Mip), kSeip);
}

TEST_F(TrapTest, machine_lines_are_read_only_in_mip) {
    for (const Interrupt line :
         {Interrupt::MachineSoftware, Interrupt::MachineTimer, Interrupt::MachineExternal}) {
        EXPECT_TRUE(set_interrupt_line(hart, line, true));
        poke(Csr::Mip, 0);
        EXPECT_EQ(peek(Csr::Mip), bit(line));
        EXPECT_TRUE(set_interrupt_line(hart, line, false));
        EXPECT_EQ(peek(Csr::Mip), 0u);
    }
}

TEST_F(TrapTest, supervisor_views_show_and_change_delegated_bits_only) {
    for (const std::uint64_t delegated : {0x000, 0x002, 0x020, 0x200, 0x222}) {
        poke(Csr::Mideleg, delegated);
        poke(Csr::Mie, 0xAAA);
        EXPECT_EQ(peek(Csr::Sie), delegated);
        poke(Csr::Sie, 0);
        EXPECT_EQ(peek(Csr::Mie), 0xAAA & ~delegated);
        set_pending(0xAAA);
        EXPECT_EQ(peek(Csr::Sip), delegated);
        poke(Csr::Sip, 0); // of sip only SSIP can be written
        EXPECT_EQ(peek(Csr::Mip), 0xAAA & ~(delegated & 2));
    }
}

} // namespace ashlar::jit::riscv64::test
