// Blocks of floating-point instructions that are executed again under another rounding mode, or with floating
// point off, or with operands that are no longer NaN-boxed.
#include "hosttests/semantics/float_guest.h"

#include "jit/fp.h"

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;

constexpr unsigned kDynamic = 7;
constexpr U kBox = 0xffffffff00000000;
constexpr unsigned kSetRounding = 0x002; // the CSR frm

std::uint32_t set_rounding_immediate(unsigned mode) {
    return assemble::i(0x73, 5, 0, mode, kSetRounding);
}

TEST(FloatBlocks, ReservedModesAreIllegalWhateverTheBlockDidBefore) {
    FloatGuest guest;
    guest.append(assemble::addi(6, 6, 1));
    guest.append(op_fp(0x02, 1, kDynamic, 5, 1, 2));
    guest.append(assemble::addi(7, 7, 1));
    guest.state().f[1] = guest.state().f[2] = 0x4000000000000000;
    U runs = 0, completed = 0;
    for (const unsigned mode : {0u, 5u, 0u, 0u, 6u, 4u, 7u, 3u, 5u, 1u}) {
        guest.state().frm = mode;
        guest.state().f[5] = 0;
        if (mode > 4)
            guest.expect_illegal_at(1);
        else
            EXPECT_TRUE(guest.run());
        completed += mode > 4 ? 0 : 1;
        EXPECT_EQ(guest.state().x[6], ++runs);
        EXPECT_EQ(guest.state().x[7], completed);
        EXPECT_EQ(guest.state().f[5], mode > 4 ? 0 : 0x4010000000000000u);
    }
}

TEST(FloatBlocks, ModesThatTheBlockItselfSets) {
    // f5 to f9 become 1 + 2^-53 rounded in the modes 3, 4, 2, the one in x5, and 3; fflags is read in
    // between.
    FloatGuest guest;
    const auto add_to = [](unsigned rd) { return op_fp(0x00, 1, kDynamic, rd, 1, 2); };
    guest.append(add_to(4));
    guest.append(set_rounding_immediate(3));
    guest.append(add_to(5));
    guest.append(assemble::csrrw(10, 0x001, 0));
    guest.append(set_rounding_immediate(4));
    guest.append(add_to(6));
    guest.append(assemble::csrrw(11, 0x001, 0));
    guest.append(set_rounding_immediate(2));
    guest.append(add_to(7));
    guest.append(assemble::csrrw(0, kSetRounding, 5));
    guest.append(add_to(8)); // the eleventh instruction
    guest.append(set_rounding_immediate(3));
    guest.append(add_to(9));
    constexpr U kOne = 0x3ff0000000000000, kAbove = kOne + 1;
    riscv64::HartState& state = guest.state();
    state.f[1] = kOne;
    state.f[2] = 0x3ca0000000000000;
    for (const unsigned last : {0u, 3u, 4u, 5u, 1u, 6u, 4u, 2u, 7u}) {
        state.x[5] = last;
        state.x[10] = state.x[11] = state.frm = 0;
        if (last > 4)
            guest.expect_illegal_at(10);
        else
            ASSERT_TRUE(guest.run());
        EXPECT_EQ(state.f[4], kOne);
        EXPECT_EQ(state.f[5], kAbove);
        EXPECT_EQ(state.f[6], kAbove); // a tie, away from zero
        EXPECT_EQ(state.f[7], kOne);
        EXPECT_EQ(state.x[10], fp::kInexact);
        EXPECT_EQ(state.x[11], fp::kInexact);
        if (last <= 4) {
            EXPECT_EQ(state.f[8], last == 3 || last == 4 ? kAbove : kOne);
            EXPECT_EQ(state.f[9], kAbove);
        }
    }
}

TEST(FloatBlocks, TurningFloatingPointOffBetweenExecutions) {
    FloatGuest guest;
    guest.append(assemble::addi(6, 6, 1));
    guest.append(op_fp(0x00, 1, kDynamic, 5, 1, 2));
    for (const U mstatus : {U{0x6000}, U{0}, U{0x2000}, U{0x6000}, U{0}, U{0x4000}})
        for (const unsigned mode : {0u, 4u, 5u}) {
            guest.state().control.mstatus = mstatus;
            guest.state().frm = mode;
            if (mstatus == 0 || mode == 5) {
                guest.expect_illegal_at(1);
            } else {
                EXPECT_TRUE(guest.run());
                EXPECT_EQ(guest.state().control.mstatus & 0x6000, 0x6000u);
            }
        }
}

// A single that the block has just computed or loaded needs no check, one that it has overwritten does.
TEST(FloatBlocks, BoxesComeAndGo) {
    FloatGuest guest;
    const auto add = [&](unsigned rd, unsigned rs1, unsigned rs2) {
        guest.append(op_fp(0x00, 0, kDynamic, rd, rs1, rs2));
    };
    add(3, 1, 2);
    add(4, 3, 1);
    guest.append(op_fp(0x1e, 1, 0, 3, 5, 0)); // fmv.d.x f3, x5
    add(5, 3, 1);
    guest.append(op_fp(0x04, 1, 0, 6, 3, 3)); // fmv.d f6, f3
    add(7, 6, 1);
    guest.append(op_fp(0x1e, 0, 0, 6, 5, 0)); // fmv.w.x f6, x5
    add(8, 6, 1);
    guest.append(op_fp(0x04, 1, 0, 9, 6, 6));
    add(10, 9, 1);
    guest.append(op_fp(0x08, 1, kDynamic, 9, 9, 0)); // fcvt.d.s f9, f9
    add(11, 9, 1);
    guest.append(op_fp(0x1c, 1, 0, 7, 4, 0));    // fmv.x.d x7, f4
    guest.append(assemble::i(0x13, 5, 7, 7, 1)); // srli x7, x7, 1
    guest.append(op_fp(0x1e, 1, 0, 12, 7, 0));   // fmv.d.x f12, x7
    add(13, 12, 1);
    riscv64::HartState& state = guest.state();
    constexpr U kNan = kBox | 0x7fc00000, kTwo = kBox | 0x40000000;
    state.f[1] = state.f[2] = kBox | 0x3f800000;
    for (const U x : {kBox | U{0x3f800000}, U{0x3f800000}, kBox | U{0x3f800000}}) {
        state.x[5] = x;
        ASSERT_TRUE(guest.run());
        EXPECT_EQ(state.f[4], kBox | 0x40400000);
        EXPECT_EQ(state.f[5], x >> 32 == 0 ? kNan : kTwo);
        EXPECT_EQ(state.f[7], x >> 32 == 0 ? kNan : kTwo);
        EXPECT_EQ(state.f[8], kTwo);
        EXPECT_EQ(state.f[10], kTwo);
        EXPECT_EQ(state.f[11], kNan);
        EXPECT_EQ(state.f[13], kNan);
    }
}

} // namespace

} // namespace ashlar::jit::test
