// Branches, jumps and links, CSR instructions, environment calls, fences.
#include "hosttests/semantics/single_step.h"

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;
using S = std::int64_t;
using riscv64::Cause;

struct BranchForm {
    const char* name;
    unsigned funct3;
    bool (*taken)(U, U);
};

constexpr BranchForm kBranchForms[] = {
    {"beq", 0, [](U a, U b) { return a == b; }},
    {"bne", 1, [](U a, U b) { return a != b; }},
    {"blt", 4, [](U a, U b) { return static_cast<S>(a) < static_cast<S>(b); }},
    {"bge", 5, [](U a, U b) { return static_cast<S>(a) >= static_cast<S>(b); }},
    {"bltu", 6, [](U a, U b) { return a < b; }},
    {"bgeu", 7, [](U a, U b) { return a >= b; }},
};

TEST(Semantics, BranchesOnAllCornerPairs) {
    constexpr int kForward = 0x200;
    SingleStep machine;
    machine.guest().put(SingleStep::kCode + kForward, assemble::kWfi);
    for (const BranchForm& form : kBranchForms)
        for (const U a : kCorners)
            for (const U b : kCorners) {
                machine.state().x[6] = a;
                machine.state().x[7] = b;
                ASSERT_TRUE(machine.run(assemble::branch(form.funct3, 6, 7, kForward)));
                // The pc is behind the WFI that was reached.
                ASSERT_EQ(machine.state().pc, SingleStep::kCode + (form.taken(a, b) ? kForward : 4) + 4)
                    << form.name << std::hex << " of " << a << " and " << b;
            }
}

TEST(Semantics, BranchAndJumpDistances) {
    SingleStep machine;
    for (const int distance : {8, 12, 2048, 4094, 18}) {
        machine.guest().put(SingleStep::kCode + static_cast<U>(distance), assemble::kWfi);
        ASSERT_TRUE(machine.run(assemble::branch(0, 0, 0, distance)));
        EXPECT_EQ(machine.state().pc, SingleStep::kCode + static_cast<U>(distance) + 4);
        ASSERT_TRUE(machine.run(assemble::jal(1, distance)));
        EXPECT_EQ(machine.state().pc, SingleStep::kCode + static_cast<U>(distance) + 4);
        EXPECT_EQ(machine.state().x[1], SingleStep::kCode + 4);
    }
    // Backwards, over everything between.
    Guest guest;
    guest.code(kRam, {assemble::kWfi});
    for (const U from : {U{8}, U{4096}, U{0x8000}}) {
        guest.code(kRam + from, {assemble::jal(0, -static_cast<int>(from))});
        guest.state().pc = kRam + from;
        guest.hart().state_changed();
        guest.run();
        EXPECT_EQ(guest.state().pc, kRam + 4);
    }
}

TEST(Semantics, JalrClearsTheLowestBitAndMayOverwriteItsBase) {
    SingleStep machine;
    const U target = SingleStep::kCode + 0x400;
    machine.guest().put(target, assemble::kWfi);
    for (const int offset : {0, 1, 2047, -2048, -1})
        for (const unsigned rd : {0u, 1u, 6u}) {
            machine.state().x[6] = target - static_cast<U>(S{offset}) + 1; // odd: bit 0 is ignored
            ASSERT_TRUE(machine.run(assemble::jalr(rd, 6, offset)));
            EXPECT_EQ(machine.state().pc, target + 4) << offset;
            EXPECT_EQ(machine.state().x[rd], rd != 0 ? SingleStep::kCode + 4 : 0);
        }
}

TEST(Semantics, CompressedJumpsLinkBehindTwoBytes) {
    SingleStep machine;
    const U target = SingleStep::kCode + 0x400;
    machine.guest().put(target, assemble::kWfi);
    machine.state().x[6] = target;
    ASSERT_TRUE(machine.run(0x9302)); // c.jalr x6
    EXPECT_EQ(machine.state().pc, target + 4);
    EXPECT_EQ(machine.state().x[1], SingleStep::kCode + 2);
    machine.state().x[1] = 7;
    ASSERT_TRUE(machine.run(0x8302)); // c.jr x6
    EXPECT_EQ(machine.state().pc, target + 4);
    EXPECT_EQ(machine.state().x[1], 7u);
}

// Old value to rd, and what is written. A CSR that takes any value: mscratch.
TEST(Semantics, CsrInstructionsReadThenWrite) {
    constexpr unsigned kScratch = 0x340;
    SingleStep machine;
    for (const U old : kCorners)
        for (const U operand : kCorners)
            for (unsigned funct3 = 1; funct3 <= 3; ++funct3) {
                machine.state().control.mscratch = old;
                machine.state().x[6] = operand;
                ASSERT_TRUE(machine.run(assemble::csrrw(6, kScratch, 6) ^ (1u ^ funct3) << 12));
                const U written = funct3 == 1 ? operand : funct3 == 2 ? old | operand : old & ~operand;
                ASSERT_EQ(machine.state().x[6], old);
                ASSERT_EQ(machine.state().control.mscratch, written) << funct3;
            }
    for (const U old : kCorners)
        for (unsigned immediate = 0; immediate < 32; ++immediate)
            for (unsigned funct3 = 5; funct3 <= 7; ++funct3) {
                machine.state().control.mscratch = old;
                ASSERT_TRUE(machine.run(assemble::csrrw(5, kScratch, immediate) ^ (1u ^ funct3) << 12));
                const U written = funct3 == 5   ? immediate
                                  : funct3 == 6 ? old | immediate
                                                : old & ~U{immediate};
                ASSERT_EQ(machine.state().x[5], old);
                ASSERT_EQ(machine.state().control.mscratch, written) << funct3;
            }
}

TEST(Semantics, SettingNoBitsOfAReadOnlyCsrIsARead) {
    constexpr unsigned kHartId = 0xf14;
    SingleStep machine;
    EXPECT_TRUE(machine.run(assemble::csrrs(5, kHartId, 0)));
    EXPECT_TRUE(machine.run(assemble::csrrs(5, kHartId, 0) ^ 1u << 12));        // csrrc
    EXPECT_TRUE(machine.run(assemble::csrrs(5, kHartId, 0) ^ (2u ^ 6u) << 12)); // csrrsi 0
    machine.state().x[6] = 0;
    EXPECT_FALSE(machine.run(assemble::csrrs(5, kHartId, 6))); // a register that holds 0 still writes
    EXPECT_EQ(machine.cause(), static_cast<U>(Cause::IllegalInstruction));
    EXPECT_FALSE(machine.run(assemble::csrrw(0, kHartId, 0)));
    EXPECT_FALSE(machine.run(assemble::csrrw(0, kHartId, 0) ^ (1u ^ 5u) << 12)); // csrrwi 0
}

TEST(Semantics, CallsAndIllegalInstructionsTrapAtTheirOwnAddress) {
    struct {
        std::uint32_t instruction;
        Cause cause;
    } const kTraps[] = {
        {assemble::kEcall, Cause::EcallFromMachine},
        {assemble::kEbreak, Cause::Breakpoint},
        {0x9002, Cause::Breakpoint}, // c.ebreak
        {0xffffffff, Cause::IllegalInstruction},
        {0x0000, Cause::IllegalInstruction},
        {0x0000702b, Cause::IllegalInstruction}, // custom-1
    };
    SingleStep machine;
    for (const auto& trap : kTraps) {
        EXPECT_FALSE(machine.run(trap.instruction));
        EXPECT_EQ(machine.cause(), static_cast<U>(trap.cause)) << std::hex << trap.instruction;
        EXPECT_EQ(machine.state().control.mepc, SingleStep::kCode);
        EXPECT_EQ(machine.state().pc, SingleStep::kHandler + 4);
    }
}

TEST(Semantics, FencesChangeNothing) {
    SingleStep machine;
    for (unsigned i = 1; i < 32; ++i)
        machine.state().x[i] = i * 0x0101010101010101;
    const riscv64::HartState before = machine.state();
    for (const std::uint32_t fence : {0x0ff0000fu, 0x8330000fu, 0x0100000fu, assemble::kFenceI, 0xfff0000fu})
        ASSERT_TRUE(machine.run(fence)) << std::hex << fence; // fence, fence.tso, pause, fence.i, reserved fm
    EXPECT_EQ(machine.state().x, before.x);
}

// x0 stays zero whatever is written to it.
TEST(Semantics, RegisterZeroIsZero) {
    SingleStep machine;
    machine.state().x[6] = 5;
    for (const std::uint32_t instruction : {assemble::addi(0, 6, 1), assemble::lui(0, 0x12345),
                                            assemble::add(0, 6, 6), assemble::csrrs(0, 0xf14, 0)}) {
        ASSERT_TRUE(machine.run(instruction));
        EXPECT_EQ(machine.state().x[0], 0u);
    }
}

} // namespace

} // namespace ashlar::jit::test
