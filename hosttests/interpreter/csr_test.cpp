// CSR instructions as the engine executes them, against the table of CSRs; and what changes of sstatus lead
// to.
#include "jit/frontend/riscv64/csr.h"

#include <random>

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;
using riscv64::Cause;
using riscv64::Csr;
using riscv64::CsrOperation;
using riscv64::Effect;
using riscv64::HartState;
using riscv64::Interrupt;
using riscv64::Privilege;
namespace mstatus = riscv64::mstatus;

constexpr std::uint32_t csr_instruction(unsigned f3, unsigned rd, Csr csr, unsigned rs1) {
    return 0x73 | rd << 7 | f3 << 12 | rs1 << 15 | static_cast<std::uint32_t>(csr) << 20;
}
constexpr unsigned kWrite = 1, kSet = 2, kClear = 3, kImmediate = 4;

class CsrTest : public testing::Test {
protected:
    CsrTest() {
        auto& control = guest.state().control;
        control.pmp.configuration[0] = 0x1f;
        control.pmp.address[0] = ~std::uint64_t{0} >> 10;
        control.mtvec = kRam + 0x800;
        control.stvec = kRam + 0x900;
        guest.code(kRam + 0x800, {kWfi});
        guest.code(kRam + 0x900, {jal(0, 0)});
    }
    void start(Privilege privilege) {
        guest.state().control.privilege = privilege;
        guest.state().pc = kRam;
        guest.hart().state_changed();
    }
    Guest guest;
};

TEST_F(CsrTest, InstructionsDoWhatTheTableSays) {
    constexpr Csr kCsrs[] = {Csr::Sstatus,  Csr::Sscratch, Csr::Sepc,   Csr::Scause, Csr::Stval, Csr::Mstatus,
                             Csr::Mscratch, Csr::Mepc,     Csr::Mcause, Csr::Mtval,  Csr::Sie,   Csr::Stvec};
    constexpr Privilege kPrivileges[] = {Privilege::User, Privilege::Supervisor, Privilege::Machine};
    std::mt19937_64 random(7);
    for (int i = 0; i < 20000; ++i) {
        const Csr csr = kCsrs[random() % std::size(kCsrs)];
        const unsigned f3 =
            kWrite + static_cast<unsigned>(random() % 3) + (random() % 2 != 0 ? kImmediate : 0);
        // x0, and registers that host code keeps in memory and in registers of its own; not x1 and x2
        constexpr unsigned kRegisters[] = {0, 5, 10, 11, 31, 5, 10, 3};
        const unsigned rd = kRegisters[random() % 8];
        const unsigned rs1 =
            (f3 & kImmediate) != 0 ? static_cast<unsigned>(random() % 32) : kRegisters[random() % 8];
        HartState& state = guest.state();
        for (unsigned n = 3; n < 32; ++n)
            state.x[n] = random() % 4 == 0 ? random() & mstatus::kSupervisorWritable : random();
        state.control.mstatus = (state.control.mstatus & ~(mstatus::kMprv | mstatus::kTvm)) ^
                                (random() & (mstatus::kSupervisorWritable | mstatus::kMpie));
        state.control.sscratch = random();
        state.control.mscratch = random();
        state.control.sepc = random() & ~std::uint64_t{1};
        state.control.mcause = random();
        state.control.medeleg = state.control.mideleg = 0;
        const std::uint32_t instruction = csr_instruction(f3, rd, csr, rs1);
        guest.code(kRam, {addi(1, 1, 1), instruction, addi(2, 2, 1), kEbreak});
        start(kPrivileges[random() % 3]);

        HartState expected = state;
        expected.x[1] += 1;
        const bool writes = (f3 & 3) == kWrite || rs1 != 0;
        const std::uint64_t operand = (f3 & kImmediate) != 0 ? rs1 : expected.x[rs1];
        const riscv64::CsrResult result =
            riscv64::execute_csr(expected, static_cast<std::uint16_t>(csr),
                                 static_cast<CsrOperation>((f3 & 3) - 1), operand, writes, guest.clock);
        expected.pc = kRam + 4;
        if (riscv64::has(result.effect, Effect::Illegal)) {
            riscv64::take_exception(expected, Cause::IllegalInstruction, instruction);
        } else {
            if (rd != 0)
                expected.x[rd] = result.old;
            expected.x[2] += 1;
            expected.pc = kRam + 12;
            riscv64::take_exception(expected, Cause::Breakpoint, kRam + 12);
        }
        // One instruction at the trap's handler is a WFI: what was done so far is to be seen behind it.
        ASSERT_EQ(guest.run(100), Stop::WaitForInterrupt);
        expected.pc += 4;
        ASSERT_EQ(state.x, expected.x) << std::hex << instruction;
        const auto& a = state.control;
        const auto& b = expected.control;
        ASSERT_EQ(a.mstatus, b.mstatus) << std::hex << instruction;
        ASSERT_TRUE(a.privilege == b.privilege && a.mepc == b.mepc && a.mcause == b.mcause &&
                    a.mtval == b.mtval && a.mscratch == b.mscratch && a.sscratch == b.sscratch &&
                    a.sepc == b.sepc && a.scause == b.scause && a.stval == b.stval && a.mie == b.mie &&
                    a.stvec == b.stvec)
            << std::hex << instruction;
        ASSERT_EQ(state.pc, expected.pc);
    }
}

// Each way of setting SIE while an interrupt waits takes it before the next instruction.
TEST_F(CsrTest, WaitingInterruptIsTakenWhenTheSupervisorEnablesIt) {
    for (const std::uint32_t enable :
         {csr_instruction(kSet + kImmediate, 0, Csr::Sstatus, 2), csr_instruction(kSet, 0, Csr::Sstatus, 10),
          csr_instruction(kWrite, 0, Csr::Sstatus, 10),
          csr_instruction(kWrite + kImmediate, 5, Csr::Sstatus, 2)}) {
        for (const bool pending : {false, true}) {
            auto& control = guest.state().control;
            control.mideleg = control.mie = riscv64::bit(Interrupt::SupervisorSoftware);
            control.mstatus &= ~mstatus::kSie;
            guest.hart().set_interrupt(Interrupt::SupervisorSoftware, pending);
            guest.state().x[10] = mstatus::kSie;
            guest.state().x[11] = 0;
            guest.code(kRam, {addi(11, 11, 1), enable, addi(11, 11, 1),
                              csr_instruction(kClear + kImmediate, 0, Csr::Sstatus, 2), kWfi});
            start(Privilege::Supervisor);
            EXPECT_EQ(guest.run(100), pending ? Stop::Budget : Stop::WaitForInterrupt) << std::hex << enable;
            EXPECT_EQ(guest.state().x[11], pending ? 1u : 2u);
            EXPECT_EQ(guest.state().pc, pending ? kRam + 0x900 : kRam + 20);
            if (pending) {
                EXPECT_EQ(control.sepc, kRam + 8);
            }
            guest.hart().set_interrupt(Interrupt::SupervisorSoftware, false);
        }
    }
}

TEST_F(CsrTest, InterruptThatArrivesWhileTheyAreDisabledIsTakenWhenEnabled) {
    // Given: the supervisor makes its own software interrupt pending
    auto& control = guest.state().control;
    control.mideleg = control.mie = riscv64::bit(Interrupt::SupervisorSoftware);
    control.mstatus |= mstatus::kSie;
    guest.code(kRam, {csr_instruction(kClear + kImmediate, 10, Csr::Sstatus, 2),
                      csr_instruction(kSet + kImmediate, 0, Csr::Sip, 2), addi(11, 11, 1),
                      csr_instruction(kSet, 0, Csr::Sstatus, 10), addi(11, 11, 1), kWfi});
    start(Privilege::Supervisor);
    EXPECT_EQ(guest.run(100), Stop::Budget);
    EXPECT_EQ(guest.state().x[11], 1u);
    EXPECT_EQ(control.sepc, kRam + 16);
}

TEST_F(CsrTest, WaitingInterruptIsTakenBeforeWhatSretReturnsTo) {
    // Given: a return that the engine has seen before, and an interrupt that waits at the second
    auto& control = guest.state().control;
    control.mideleg = control.mie = riscv64::bit(Interrupt::SupervisorSoftware);
    guest.state().x[5] = kRam + 0x100;
    guest.state().x[6] = mstatus::kSpie | mstatus::kSpp;
    guest.code(kRam,
               {csr_instruction(kWrite, 0, Csr::Sepc, 5), csr_instruction(kSet, 0, Csr::Sstatus, 6), kSret});
    guest.code(kRam + 0x100, {addi(11, 11, 1), csr_instruction(kClear + kImmediate, 0, Csr::Sstatus, 2),
                              csr_instruction(kSet + kImmediate, 0, Csr::Sip, 2), jal(0, -0x10c)});
    start(Privilege::Supervisor);
    EXPECT_EQ(guest.run(100), Stop::Budget);
    EXPECT_EQ(guest.state().x[11], 1u);
    EXPECT_EQ(control.sepc, kRam + 0x100);
    EXPECT_EQ(guest.state().pc, kRam + 0x900);
}

TEST_F(CsrTest, SupervisorThatMayAccessItsOwnMayNotAccessTheMachines) {
    guest.code(kRam, {csr_instruction(kSet, 10, Csr::Sscratch, 0),
                      csr_instruction(kSet, 11, Csr::Mscratch, 0), kWfi});
    guest.state().control.mscratch = 5;
    start(Privilege::Supervisor);
    EXPECT_EQ(guest.run(100), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().control.mcause, static_cast<std::uint64_t>(Cause::IllegalInstruction));
    EXPECT_EQ(guest.state().control.mepc, kRam + 4);
    EXPECT_EQ(guest.state().x[11], 0u);
}

TEST_F(CsrTest, FloatingPointIsOffAsSoonAsItIsSwitchedOff) {
    auto& state = guest.state();
    state.control.mstatus |= mstatus::kFs;
    state.x[10] = mstatus::kFs;
    const std::uint32_t move = 0xf2000053 | 10 << 15; // fmv.d.x f0, a0
    guest.code(kRam, {move, csr_instruction(kClear, 11, Csr::Sstatus, 10), move, kWfi});
    start(Privilege::Supervisor);
    EXPECT_EQ(guest.run(100), Stop::WaitForInterrupt);
    EXPECT_EQ(state.control.mcause, static_cast<std::uint64_t>(Cause::IllegalInstruction));
    EXPECT_EQ(state.control.mepc, kRam + 8);
    EXPECT_NE(state.x[11] & mstatus::kSd, 0u);
    EXPECT_EQ(state.control.mstatus & (mstatus::kSd | mstatus::kFs), 0u);
}

TEST_F(CsrTest, CallsOfTheSupervisorAndReturnsKeepCount) {
    // Given: a user that calls the supervisor over and over, which returns behind the call
    auto& control = guest.state().control;
    control.medeleg = riscv64::kDelegableExceptions;
    control.mcounteren = control.scounteren = 7;
    control.sepc = kRam + 0x100;
    guest.code(kRam, {kSret});
    guest.code(kRam + 0x900, {csr_instruction(kSet, 5, Csr::Sepc, 0), addi(5, 5, 4),
                              csr_instruction(kWrite, 0, Csr::Sepc, 5), addi(11, 11, 1), kSret});
    guest.code(kRam + 0x100, {addi(10, 10, -1), kEcall, branch(1, 10, 0, -8),
                              csr_instruction(kSet, 12, Csr::Instret, 0), kEbreak});
    control.medeleg &= ~(1u << 3);
    guest.state().x[10] = 500;
    guest.state().instret = 0;
    start(Privilege::Supervisor);
    while (guest.run(777) != Stop::WaitForInterrupt) {
    }
    EXPECT_EQ(guest.state().x[11], 500u);
    // sret, then 2 + 5 a round; ECALL and EBREAK do not retire
    EXPECT_EQ(guest.state().x[12], 1u + 500 * 7);
    EXPECT_EQ(guest.state().instret, 1u + 500 * 7 + 2);
}

} // namespace

} // namespace ashlar::jit::test
