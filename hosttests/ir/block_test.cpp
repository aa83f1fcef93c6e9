#include "jit/ir/verifier.h"

#include <gtest/gtest.h>

#include <string>

#include "jit/frontend/riscv64/lifter.h"
#include "jit/ir/builder.h"
#include "jit/ir/printer.h"
#include "jit/ir/state_layout.h"

namespace ashlar::jit::ir {

namespace {

class BlockTest : public testing::Test {
protected:
    BlockTest() { build.begin_guest_instruction(0, 4); }
    std::string text() {
        BufferSink<4096> sink;
        print(block, sink);
        return std::string(sink.view());
    }
    std::string_view verdict() { return verify(block).message; }
    Block block = Block::create(64).value();
    Builder build{block};
};

TEST_F(BlockTest, PrintsEachKindOfOperation) {
    const Value base = build.get(5);
    build.set(6, build.load({4, Extension::Sign}, Type::Integer, base, -8));
    build.set(kFloatSlot + 1, build.load({4, Extension::Box}, Type::Float, base, 12));
    const Value sum = build.binary(Opcode::Add, base, build.constant(16));
    build.store({8}, sum, 0, base);
    build.set(7, build.atomic(AtomicOperation::Maximum, {8, Extension::Sign, kAcquire}, sum, base));
    build.branch(Condition::LessUnsigned, base, sum, -20, 4);
    EXPECT_EQ(text(), "   0  %0 = get x5\n"
                      "   0  %1 = load.32.sign [%0 + -8]\n"
                      "   0  set x6, %1\n"
                      "   0  %3 = load.32.box [%0 + 12]\n"
                      "   0  set f1, %3\n"
                      "   0  %5 = const 0x10\n"
                      "   0  %6 = add %0, %5\n"
                      "   0  store.64 [%6 + 0], %0\n"
                      "   0  %8 = amo.max.64.acquire %6, %0\n"
                      "   0  set x7, %8\n"
                      "   0  branch.ltu %0, %6, pc+-20, pc+4\n");
    EXPECT_EQ(verdict(), "");
}

TEST_F(BlockTest, VerifierWantsOneTerminatorAtTheEnd) {
    EXPECT_EQ(verdict(), "block is empty");
    build.set(1, build.constant(1));
    EXPECT_EQ(verdict(), "terminator is not last, or the last is none");
    build.jump(4);
    EXPECT_EQ(verdict(), "");
    build.jump(4);
    EXPECT_EQ(verify(block).instruction, 2u);
}

TEST_F(BlockTest, VerifierChecksOperandsAndTypes) {
    const Value integer = build.constant(1);
    build.floating(Opcode::FloatSign, {Precision::Single}, 0, integer, integer);
    EXPECT_EQ(verdict(), "operand has the wrong type");
    block.clear();
    build.begin_guest_instruction(0, 4);
    build.binary(Opcode::Add, Value{3}, Value{0});
    EXPECT_EQ(verdict(), "operand is no earlier result");
}

TEST_F(BlockTest, VerifierChecksSlots) {
    build.set(kFloatSlot, build.constant(0));
    EXPECT_EQ(verdict(), "slot and type differ");
    block.clear();
    build.begin_guest_instruction(0, 4);
    build.get(kStateSlots);
    EXPECT_EQ(verdict(), "no such slot");
}

TEST_F(BlockTest, VerifierChecksMemoryAccesses) {
    const Value address = build.constant(0);
    build.load({3}, Type::Integer, address, 0);
    EXPECT_EQ(verdict(), "width is not 1, 2, 4 or 8");
    block.clear();
    build.begin_guest_instruction(0, 4);
    build.load_reserved({2}, build.constant(0));
    EXPECT_EQ(verdict(), "atomic access narrower than 4 bytes");
    block.clear();
    build.begin_guest_instruction(0, 4);
    const Value loaded = build.load({8}, Type::Integer, build.constant(0), 0);
    build.constant(3);
    build.set(1, loaded);
    build.jump(4);
    EXPECT_EQ(verdict(), "result of a memory access is set late");
}

TEST_F(BlockTest, LiftedCodeReadsAsExpected) {
    // Given: c.li x10, -1; lw x11, 4(x2); add x10, x10, x11; c.beqz x10, -10
    const std::uint16_t code[] = {0x557d, 0x2583, 0x0041, 0x0533, 0x00b5, 0xd97d};
    block.clear();
    Block large = Block::create(riscv64::kBlockCapacity).value();
    riscv64::lift_block(std::as_bytes(std::span(code)), 64, large);
    BufferSink<4096> sink;
    print(large, sink);
    EXPECT_EQ(std::string(sink.view()), "   0  %0 = const 0xffffffffffffffff\n"
                                        "   0  set x10, %0\n"
                                        "   2  %2 = get x2\n"
                                        "   2  %3 = load.32.sign [%2 + 4]\n"
                                        "   2  set x11, %3\n"
                                        "   6  %5 = get x10\n"
                                        "   6  %6 = get x11\n"
                                        "   6  %7 = add %5, %6\n"
                                        "   6  set x10, %7\n"
                                        "  10  %9 = get x10\n"
                                        "  10  %10 = const 0x0\n"
                                        "  10  branch.eq %9, %10, pc+0, pc+12\n");
    EXPECT_TRUE(verify(large).ok());
    EXPECT_EQ(large.guest_instructions(), 4u);
    EXPECT_EQ(large.guest_bytes(), 12u);
}

TEST(Lifter, StopsAtItsLimitAndAtTheEndOfTheBytes) {
    Block block = Block::create(riscv64::kBlockCapacity).value();
    const std::uint32_t nops[4] = {0x13, 0x13, 0x13, 0x13};
    riscv64::lift_block(std::as_bytes(std::span(nops)), 2, block);
    EXPECT_EQ(block.guest_instructions(), 2u);
    // A four-byte instruction of which only half is there is left to the next block.
    block.clear();
    riscv64::lift_block(std::as_bytes(std::span(nops)).first(6), 64, block);
    EXPECT_EQ(block.guest_instructions(), 1u);
    block.clear();
    riscv64::lift_block(std::as_bytes(std::span(nops)).first(2), 64, block);
    EXPECT_EQ(block.size(), 0u);
}

TEST(Lifter, EveryEncodingLiftsToWellFormedBlocks) {
    // Given: pseudo-random words, most of them with a valid major opcode
    Block block = Block::create(riscv64::kBlockCapacity).value();
    std::uint64_t seed = 1;
    for (int round = 0; round < 20000; ++round) {
        std::uint32_t words[64];
        for (std::uint32_t& word : words) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            word = static_cast<std::uint32_t>(seed >> 32) | (seed >> 20 & 1 ? 3u : 0u);
        }
        block.clear();
        riscv64::lift_block(std::as_bytes(std::span(words)), 64, block);
        const Verdict verdict = verify(block);
        BufferSink<256> sink;
        if (!verdict.ok())
            print(block.instructions()[verdict.instruction], Value{0}, sink);
        ASSERT_TRUE(verdict.ok()) << verdict.message << ": " << sink.view();
    }
}

} // namespace

} // namespace ashlar::jit::ir
