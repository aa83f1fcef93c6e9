#include <gtest/gtest.h>

#include "arch/aarch64/el2/exit_class.h"
#include "arch/aarch64/el2/id_registers.h"

namespace ashlar::arch::el2 {
namespace {

using Reason = kernel::VmExit::Reason;

TEST(ExitClass, IsWhatTheKernelKnows) {
    // Syndromes as QEMU and the manual have them
    EXPECT_EQ(reason_of(exit_class(0x5a00'0000)), Reason::Hypercall);
    EXPECT_EQ(reason_of(exit_class(0x07e0'0000)), Reason::Halt);
    EXPECT_EQ(reason_of(exit_class(0x93c0'8005)), Reason::MemoryFault);
    EXPECT_EQ(reason_of(exit_class(0x8200'000f)), Reason::MemoryFault);
    EXPECT_EQ(reason_of(exit_class(0x6230'0001)), Reason::SystemRegister);
    EXPECT_EQ(reason_of(exit_class(0x5e00'0000)), Reason::Emulated);
    EXPECT_EQ(reason_of(exit_class(0x3f << 26)), Reason::Unexpected);
}

TEST(ExitClass, NamesTheRegisterOfATrappedAccess) {
    // MRS X5, ID_AA64PFR0_EL1 (op0 3, op1 0, CRn 0, CRm 4, op2 0)
    const SystemAccess read = system_access(0x6200'0000 | 3 << 20 | 5 << 5 | 4 << 1 | 1);
    EXPECT_TRUE(read.op0 == 3 && read.op1 == 0 && read.crn == 0 && read.crm == 4 && read.op2 == 0);
    EXPECT_TRUE(read.read && read.target == 5);
    // DC CISW, XZR (op0 1, op1 0, CRn 7, CRm 14, op2 2)
    const SystemAccess clean = system_access(0x6200'0000 | 1 << 20 | 2 << 17 | 7 << 10 | 31 << 5 | 14 << 1);
    EXPECT_TRUE(clean.op0 == 1 && clean.op1 == 0 && clean.crn == 7 && clean.crm == 14 && clean.op2 == 2);
    EXPECT_TRUE(!clean.read && clean.target == 31);
}

TEST(ExitClass, TellsAbortsApart) {
    // A read of what is not mapped, a write without the right, a fetch by tables that are not mapped
    EXPECT_EQ(decode_abort(0x93c0'8005).kind, Abort::Kind::Translation);
    EXPECT_FALSE(decode_abort(0x93c0'8005).write);
    EXPECT_EQ(decode_abort(0x93c1'804f).kind, Abort::Kind::Permission);
    EXPECT_TRUE(decode_abort(0x93c1'804f).write);
    EXPECT_TRUE(decode_abort(0x8200'0084).during_walk);
    EXPECT_FALSE(decode_abort(0x8200'0084).write);
    EXPECT_EQ(decode_abort(0x93c0'000a).kind, Abort::Kind::AccessFlag);
    // An error of memory
    EXPECT_EQ(decode_abort(0x93c0'0010).kind, Abort::Kind::Other);
}

TEST(IdRegisters, ShowWhatIsListedAndTheMachineHas) {
    constexpr std::uint64_t kEverything = ~std::uint64_t{0};
    constexpr unsigned kWidth48 = 5;
    // Given a CPU with all there could be, a VM sees no AArch32, no SVE, no pointer authentication
    EXPECT_EQ(filter_id_register(4, 0, kEverything, kWidth48), 0xff00'0000'01ff'0011u);
    EXPECT_EQ(filter_id_register(6, 1, kEverything, kWidth48) & 0xff00'0ff0, 0u);
    EXPECT_EQ(filter_id_register(5, 0, kEverything, kWidth48), 6u);
    // And as many address bits as stage 2 translates, or fewer
    EXPECT_EQ(filter_id_register(7, 0, kEverything, kWidth48) & 0xf, 4u);
    // Given one with nothing, neither is there anything of the VM
    EXPECT_EQ(filter_id_register(6, 0, 0, kWidth48), 0u);
    EXPECT_EQ(filter_id_register(7, 1, 0, kWidth48), 0u);
}

TEST(IdRegisters, OfAnythingElseAreZero) {
    for (unsigned crm = 1; crm <= 7; ++crm)
        for (unsigned op2 = 0; op2 < 8; ++op2) {
            const bool listed = (crm == 4 && op2 == 0) || (crm == 5 && op2 == 0) || (crm == 6 && op2 <= 1) ||
                                (crm == 7 && op2 <= 1);
            if (!listed) {
                ASSERT_EQ(filter_id_register(crm, op2, ~std::uint64_t{0}, 5), 0u) << crm << ' ' << op2;
            }
        }
}

} // namespace
} // namespace ashlar::arch::el2
