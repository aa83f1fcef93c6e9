// Hart state management: start, stop, status, suspend.
#include "hosttests/sbi/sbi_fixture.h"

namespace ashlar::jit::board::test {

using sbi::Extension;
using namespace sbi::hart_state;

TEST_F(SbiTest, only_the_boot_hart_runs_at_first) {
    EXPECT_TRUE(sbi.may_run(0));
    EXPECT_FALSE(sbi.may_run(1));
    EXPECT_EQ(state(0).pc, kEntry);
    EXPECT_EQ(state(0).x[10], 0u);
    EXPECT_EQ(state(0).x[11], kDeviceTree);
    EXPECT_EQ(state(0).control.privilege, riscv64::Privilege::Supervisor);
    EXPECT_EQ(call(Extension::HartState, GetStatus, {0}).value, 0u); // started
    EXPECT_EQ(call(Extension::HartState, GetStatus, {1}).value, 1u); // stopped
    EXPECT_EQ(call(Extension::HartState, GetStatus, {3}).error, kInvalidParameter);
}

TEST_F(SbiTest, start_sets_the_registers_of_a_supervisor) {
    state(1).x[5] = 5;
    state(1).control.satp = std::uint64_t{8} << 60;
    state(1).control.mstatus |= riscv64::mstatus::kSie;
    EXPECT_EQ(call(Extension::HartState, Start, {1, kRam + 0x2000, 0xABCD}).error, kSuccess);
    EXPECT_TRUE(sbi.may_run(1));
    EXPECT_EQ(state(1).pc, kRam + 0x2000);
    EXPECT_EQ(state(1).x[10], 1u);
    EXPECT_EQ(state(1).x[11], 0xABCDu);
    EXPECT_EQ(state(1).control.satp, 0u);
    EXPECT_EQ(state(1).control.mstatus & riscv64::mstatus::kSie, 0u);
    EXPECT_EQ(state(1).control.privilege, riscv64::Privilege::Supervisor);
    EXPECT_GT(hart(1).changes, 1);
    EXPECT_EQ(call(Extension::HartState, GetStatus, {1}).value, 0u);
    EXPECT_EQ(call(Extension::HartState, Start, {1, kEntry, 0}).error, kAlreadyAvailable);
    EXPECT_EQ(call(Extension::HartState, Start, {0, kEntry, 0}).error, kAlreadyAvailable);
}

TEST_F(SbiTest, start_checks_its_arguments) {
    EXPECT_EQ(call(Extension::HartState, Start, {3, kEntry, 0}).error, kInvalidParameter);
    EXPECT_EQ(call(Extension::HartState, Start, {kOnes, kEntry, 0}).error, kInvalidParameter);
    for (const std::uint64_t entry : {std::uint64_t{0}, kRam - 2, kRam + kRamSize, kRam + 1, kOnes - 1})
        EXPECT_EQ(call(Extension::HartState, Start, {1, entry, 0}).error, kInvalidAddress)
            << std::hex << entry;
    EXPECT_FALSE(sbi.may_run(1));
}

TEST_F(SbiTest, a_stopped_hart_can_start_again) {
    start_all();
    call(Extension::Timer, 0, {5000}, 1);
    call(Extension::HartState, Stop, {}, 1);
    EXPECT_FALSE(sbi.may_run(1));
    EXPECT_TRUE(sbi.may_run(2));
    EXPECT_EQ(state(1).control.stimecmp, kOnes) << "a stopped hart waits for nothing";
    EXPECT_EQ(call(Extension::HartState, GetStatus, {1}).value, 1u);
    EXPECT_EQ(call(Extension::HartState, Start, {1, kEntry, 9}).error, kSuccess);
    EXPECT_TRUE(sbi.may_run(1));
    EXPECT_EQ(state(1).x[11], 9u);
}

TEST_F(SbiTest, lines_that_devices_hold_survive_a_start) {
    hart(1).set_interrupt(riscv64::Interrupt::SupervisorExternal, true);
    EXPECT_EQ(call(Extension::HartState, Start, {1, kEntry, 0}).error, kSuccess);
    EXPECT_TRUE(has_pending(1, riscv64::Interrupt::SupervisorExternal));
}

TEST_F(SbiTest, retentive_suspend_waits_for_an_enabled_interrupt) {
    const std::uint64_t pc = state(0).pc;
    state(0).control.mie = riscv64::bit(riscv64::Interrupt::SupervisorTimer);
    call(Extension::Timer, 0, {2000});
    EXPECT_EQ(call(Extension::HartState, Suspend, {0, 0, 0}).error, kSuccess);
    EXPECT_FALSE(sbi.may_run(0));
    start_all(); // by hart 0's registers, which do not matter here
    EXPECT_EQ(call(Extension::HartState, GetStatus, {0}, 1).value, 4u);
    // An interrupt that is not enabled does not wake it.
    hart(0).set_interrupt(riscv64::Interrupt::SupervisorSoftware, true);
    EXPECT_FALSE(sbi.may_run(0));
    time.now = 2000;
    riscv64::update_supervisor_timer(state(0), time.now);
    EXPECT_TRUE(sbi.may_run(0));
    EXPECT_EQ(state(0).pc, pc);
    EXPECT_EQ(call(Extension::HartState, GetStatus, {0}, 1).value, 0u);
}

TEST_F(SbiTest, non_retentive_suspend_resumes_elsewhere) {
    state(0).control.mie = riscv64::bit(riscv64::Interrupt::SupervisorTimer);
    state(0).control.satp = std::uint64_t{8} << 60;
    call(Extension::Timer, 0, {2000});
    call(Extension::HartState, Suspend, {0x8000'0000, kRam + 0x3000, 0x77});
    EXPECT_FALSE(sbi.may_run(0));
    time.now = 2500;
    riscv64::update_supervisor_timer(state(0), time.now);
    EXPECT_TRUE(sbi.may_run(0));
    EXPECT_EQ(state(0).pc, kRam + 0x3000);
    EXPECT_EQ(state(0).x[10], 0u);
    EXPECT_EQ(state(0).x[11], 0x77u);
    EXPECT_EQ(state(0).control.satp, 0u);
}

TEST_F(SbiTest, suspend_checks_its_arguments) {
    EXPECT_EQ(call(Extension::HartState, Suspend, {0x8000'0000, 0, 0}).error, kInvalidAddress);
    EXPECT_EQ(call(Extension::HartState, Suspend, {1, 0, 0}).error, kInvalidParameter);
    EXPECT_EQ(call(Extension::HartState, Suspend, {0x8000'0001, 0, 0}).error, kInvalidParameter);
    EXPECT_EQ(call(Extension::HartState, Suspend, {0x1'0000'0000, 0, 0}).error, kInvalidParameter);
    EXPECT_EQ(call(Extension::HartState, Suspend, {0x1000'0000, 0, 0}).error, kNotSupported);
    EXPECT_EQ(call(Extension::HartState, Suspend, {0x9000'0000, 0, 0}).error, kNotSupported);
    EXPECT_TRUE(sbi.may_run(0));
}

} // namespace ashlar::jit::board::test
