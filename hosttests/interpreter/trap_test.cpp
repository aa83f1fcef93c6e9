#include "jit/engine.h"

#include "hosttests/interpreter/guest.h"
#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;
using riscv64::Cause;
using riscv64::Interrupt;

constexpr std::uint64_t kHandler = kRam + 0x800;

// A guest whose trap handler waits for an interrupt.
class Trap : public testing::Test {
protected:
    Trap() {
        guest.code(kHandler, {kWfi});
        guest.state().control.mtvec = kHandler;
        guest.hart().state_changed();
    }
    void expect_trap(Cause cause, std::uint64_t epc, std::uint64_t tval) {
        EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
        const auto& control = guest.state().control;
        EXPECT_EQ(guest.state().pc, kHandler + 4);
        EXPECT_EQ(control.mcause, static_cast<std::uint64_t>(cause));
        EXPECT_EQ(control.mepc, epc);
        EXPECT_EQ(control.mtval, tval);
    }
    Guest guest;
};

TEST_F(Trap, IllegalInstructionReportsItsEncoding) {
    guest.code(kRam, {addi(1, 0, 7), 0xffffffff});
    expect_trap(Cause::IllegalInstruction, kRam + 4, 0xffffffff);
    EXPECT_EQ(guest.state().x[1], 7u);
    EXPECT_EQ(guest.state().instret, 2u); // addi and the handler's wfi
}

TEST_F(Trap, CompressedIllegalInstructionReportsSixteenBits) {
    guest.halves(kRam, {0x0001, 0x0000, 0xffff});
    expect_trap(Cause::IllegalInstruction, kRam + 2, 0);
}

TEST_F(Trap, EcallAndEbreak) {
    guest.code(kRam, {addi(1, 0, 1), kEcall});
    expect_trap(Cause::EcallFromMachine, kRam + 4, 0);
    guest.code(kRam + 0x100, {kEbreak});
    guest.state().pc = kRam + 0x100;
    expect_trap(Cause::Breakpoint, kRam + 0x100, kRam + 0x100);
}

TEST_F(Trap, FaultInTheMiddleOfABlockIsPrecise) {
    // Given: a load from where nothing is, between two additions
    guest.code(kRam, {addi(1, 0, 1), addi(2, 0, 2), load(3, 2, 0, 16), addi(1, 0, 3), kWfi});
    // Then: what comes before has happened, the load and what follows have not
    expect_trap(Cause::LoadAccessFault, kRam + 8, 16);
    EXPECT_EQ(guest.state().x[1], 1u);
    EXPECT_EQ(guest.state().x[2], 2u);
    EXPECT_EQ(guest.state().instret, 3u);
}

TEST_F(Trap, StoreToNowhereFaults) {
    guest.code(kRam, {store(3, 0, 0, 32)});
    expect_trap(Cause::StoreAccessFault, kRam, 32);
}

TEST_F(Trap, NothingIsInTheLastPageOfTheAddressSpace) {
    // Given: a loop over addresses from a table, the last of which is in the last page that there is
    constexpr std::uint64_t kTable = kRam + 0x2000, kTurns = 64;
    for (const bool stores : {false, true})
        for (const std::uint64_t last : {~std::uint64_t{7}, ~std::uint64_t{0xfff}, ~std::uint64_t{0xff}}) {
            guest.code(kRam, {load(3, 6, 10, 0), addi(10, 10, 8),
                              stores ? store(3, 7, 6, 0) : load(3, 7, 6, 0), jal(0, -12)});
            for (std::uint64_t turn = 0; turn < kTurns; ++turn)
                guest.put(kTable + 8 * turn, kRam + 0x3000 + 8 * turn);
            guest.put(kTable + 8 * kTurns, last);
            guest.state().pc = kRam;
            guest.state().x[10] = kTable;
            guest.hart().state_changed();
            // Then: nothing is found there, whatever was accessed before
            expect_trap(stores ? Cause::StoreAccessFault : Cause::LoadAccessFault, kRam + 8, last);
        }
}

TEST_F(Trap, MisalignedAtomicsFault) {
    guest.code(kRam, {auipc(1, 1), addi(1, 1, 2), amo(2, 2, 2, 1, 0)});
    expect_trap(Cause::LoadMisaligned, kRam + 8, kRam + 0x1002);
    guest.code(kRam, {auipc(1, 1), addi(1, 1, 4), amo(3, 0, 2, 1, 0)});
    guest.state().pc = kRam;
    expect_trap(Cause::StoreMisaligned, kRam + 8, kRam + 0x1004);
}

TEST_F(Trap, FetchFromNowhereFaults) {
    guest.code(kRam, {jalr(0, 0, 0x100)});
    expect_trap(Cause::InstructionAccessFault, 0x100, 0x100);
}

TEST_F(Trap, FloatingPointIsIllegalWhileOff) {
    const std::uint32_t fadd = r(0x53, 0, 0x01, 3, 1, 2);
    guest.state().control.mstatus &= ~riscv64::mstatus::kFs;
    guest.hart().state_changed();
    guest.code(kRam, {addi(1, 0, 1), fadd});
    expect_trap(Cause::IllegalInstruction, kRam + 4, fadd);
}

TEST_F(Trap, FloatingPointMarksItsStateDirty) {
    guest.state().control.mstatus = (guest.state().control.mstatus & ~riscv64::mstatus::kFs) | 1u << 13;
    guest.hart().state_changed();
    guest.state().f[1] = std::bit_cast<std::uint64_t>(1.5);
    guest.state().f[2] = std::bit_cast<std::uint64_t>(2.25);
    guest.code(kRam, {r(0x53, 0, 0x01, 3, 1, 2), kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(std::bit_cast<double>(guest.state().f[3]), 3.75);
    EXPECT_EQ(guest.state().control.mstatus & riscv64::mstatus::kFs, riscv64::mstatus::kFs);
}

TEST_F(Trap, ReservedDynamicRoundingModeIsIllegal) {
    const std::uint32_t fadd = r(0x53, 7, 0x01, 3, 1, 2);
    guest.state().control.mstatus |= riscv64::mstatus::kFs;
    guest.state().frm = 5;
    guest.hart().state_changed();
    guest.code(kRam, {addi(1, 0, 1), fadd});
    expect_trap(Cause::IllegalInstruction, kRam + 4, fadd);
}

TEST_F(Trap, InterruptIsTakenBetweenBlocks) {
    guest.code(kRam, {addi(1, 1, 1), jal(0, -4)});
    EXPECT_EQ(guest.run(100), Stop::Budget);
    guest.state().control.mie = riscv64::bit(Interrupt::MachineTimer);
    guest.state().control.mstatus |= riscv64::mstatus::kMie;
    guest.hart().state_changed();
    guest.hart().set_interrupt(Interrupt::MachineTimer, true);
    EXPECT_EQ(guest.run(100),
              Stop::Budget); // wfi does not wait: the interrupt is pending; then it runs into zeros
    EXPECT_EQ(guest.state().control.mepc & ~std::uint64_t{0xfff}, kRam);
}

TEST_F(Trap, MretEnablesAPendingInterruptAtOnce) {
    guest.code(kRam, {csrrw(0, 0x341, 1), kMret});
    guest.code(kRam + 0x400, {addi(2, 0, 1), kWfi});
    guest.state().x[1] = kRam + 0x400;
    guest.state().control.mie = riscv64::bit(Interrupt::MachineSoftware);
    guest.state().control.mip = riscv64::bit(Interrupt::MachineSoftware);
    guest.state().control.mstatus |= riscv64::mstatus::kMpie | riscv64::mstatus::kMpp;
    guest.hart().state_changed();
    guest.run(3);
    EXPECT_EQ(guest.state().control.mcause, static_cast<std::uint64_t>(Cause::MachineSoftwareInterrupt));
    EXPECT_EQ(guest.state().control.mepc, kRam + 0x400);
    EXPECT_EQ(guest.state().x[2], 0u);
}

TEST_F(Trap, WfiReturnsAtOnceWhenAnInterruptIsPending) {
    guest.state().control.mie = guest.state().control.mip = riscv64::bit(Interrupt::MachineSoftware);
    guest.hart().state_changed();
    guest.code(kRam, {kWfi, addi(1, 0, 9), jal(0, 0)});
    EXPECT_EQ(guest.run(10), Stop::Budget);
    EXPECT_EQ(guest.state().x[1], 9u);
}

TEST_F(Trap, CountersReadExactly) {
    guest.code(kRam, {kNop, kNop, csrrs(1, 0xb02, 0), kNop, csrrs(2, 0xb02, 0), kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[2] - guest.state().x[1], 2u);
}

TEST(SupervisorCall, StopsTheHartForTheBuiltinSbi) {
    Guest guest(1 << 20, {.builtin_sbi = true});
    guest.state().control.privilege = riscv64::Privilege::Supervisor;
    guest.state().control.pmp.configuration[0] = 0x1f;
    guest.state().control.pmp.address[0] = ~std::uint64_t{0} >> 10;
    guest.hart().state_changed();
    guest.code(kRam, {addi(17, 0, 5), kEcall, addi(1, 0, 1), kWfi});
    EXPECT_EQ(guest.run(), Stop::SupervisorCall);
    EXPECT_EQ(guest.state().pc, kRam + 8);
    EXPECT_EQ(guest.state().x[17], 5u);
    EXPECT_EQ(guest.state().instret, 2u);
}

class Doorbell final : public MmioDevice {
public:
    explicit Doorbell(Guest& guest) : guest_(guest) {}
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override { return offset << 8 | width; }
    Status write(std::uint64_t offset, unsigned, std::uint64_t value) override {
        last = value;
        if (offset == 0)
            guest_.hart().kick();
        else if (offset == 8)
            guest_.hart().set_interrupt(Interrupt::MachineExternal, value != 0);
        else
            return Error::Denied;
        return {};
    }
    std::uint64_t last = 0;

private:
    Guest& guest_;
};

TEST_F(Trap, DevicesAreReachedAndMayKickAndInterrupt) {
    Doorbell doorbell(guest);
    ASSERT_TRUE(guest.bus.attach("doorbell", GuestPhysicalAddress(0x10000000), 0x100, doorbell).ok());
    guest.code(kRam,
               {lui(1, 0x10000), load(2, 2, 1, 4), store(0, 2, 1, 0), jal(0, 4), addi(3, 3, 1), jal(0, 0)});
    EXPECT_EQ(guest.run(100000), Stop::Kicked);
    EXPECT_EQ(guest.state().x[2], 0x404u);
    EXPECT_EQ(guest.state().pc, kRam + 16); // at the end of the block
    EXPECT_EQ(doorbell.last, 0x404u);
    EXPECT_EQ(guest.run(1000), Stop::Budget);
    // A device's interrupt is taken at the end of the block.
    guest.code(kRam + 0x100, {addi(2, 0, 1), store(2, 2, 1, 8), addi(4, 0, 1), jal(0, 0)});
    guest.state().pc = kRam + 0x100;
    guest.state().control.mie = riscv64::bit(Interrupt::MachineExternal);
    guest.state().control.mip = 0;
    guest.state().control.mstatus |= riscv64::mstatus::kMie;
    guest.hart().state_changed();
    guest.run(5);
    EXPECT_EQ(guest.state().control.mcause, static_cast<std::uint64_t>(Cause::MachineExternalInterrupt));
    EXPECT_EQ(guest.state().control.mepc, kRam + 0x10c);
    EXPECT_EQ(guest.state().x[4], 1u);
    // What the device refuses is the guest's access fault.
    guest.code(kRam + 0x200, {store(2, 2, 1, 16)});
    guest.state().pc = kRam + 0x200;
    guest.state().control.mie = 0;
    guest.hart().state_changed();
    expect_trap(Cause::StoreAccessFault, kRam + 0x200, 0x10000010);
}

} // namespace

} // namespace ashlar::jit::test
