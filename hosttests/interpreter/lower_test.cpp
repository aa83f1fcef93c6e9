#include "jit/interpreter/lower.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "jit/frontend/riscv64/lifter.h"
#include "jit/interpreter/handlers.h"
#include "jit/ir/builder.h"
#include "jit/ir/evaluate.h"
#include "jit/ir/verifier.h"

namespace ashlar::jit::interpreter {

namespace {

using ir::Opcode;
using ir::Value;

class LowerTest : public testing::Test {
protected:
    static constexpr std::size_t kCapacity = 512;
    LowerTest() { build.begin_guest_instruction(0, 4); }
    void lower() {
        ASSERT_TRUE(ir::verify(block).ok()) << ir::verify(block).message;
        count = lowering.lower(block, code);
    }
    void run() {
        context->budget = 1;
        execute(*context, code.data());
    }
    ir::Block block = ir::Block::create(kCapacity).value();
    ir::Builder build{block};
    Lowering lowering = Lowering::create(kCapacity).value();
    std::vector<Op> code = std::vector<Op>(max_ops(kCapacity));
    std::size_t count = 0;
    std::unique_ptr<Context> context = std::make_unique<Context>();
};

// A jump is four ops: itself, its links, and two that ask for the links.
constexpr std::size_t kJumpOps = 4;

TEST_F(LowerTest, SimpleInstructionsAreOneOp) {
    // Given: add x1, x2, x3; addi x1, x1, 5; lw x4, 8(x1); sw x4, 12(x1); lui x5, 1; mv x6, x5
    block.clear();
    const std::uint32_t words[] = {0x003100b3, 0x00508093, 0x0080a203, 0x0040a623, 0x000012b7, 0x00028313};
    riscv64::lift_block(std::as_bytes(std::span(words)), 64, block);
    lower();
    EXPECT_EQ(count, std::size(words) + kJumpOps);
}

TEST_F(LowerTest, ValuesOutliveTheSlotTheyCameFrom) {
    // Given: x1 and x2 exchanged through values
    const Value a = build.get(1), b = build.get(2);
    build.set(1, b);
    build.set(2, a);
    build.jump(4);
    lower();
    context->slots[1] = 11;
    context->slots[2] = 22;
    run();
    EXPECT_EQ(context->slots[1], 22u);
    EXPECT_EQ(context->slots[2], 11u);
}

TEST_F(LowerTest, ConstantsOfAnySize) {
    const std::int64_t wide = 0x123456789abcdef0;
    build.set(1, build.constant(wide));
    build.set(2, build.constant(-7));
    build.set(3, build.binary(Opcode::Add, build.constant(wide), build.get(4)));
    build.set(5, build.binary(Opcode::Subtract, build.constant(3), build.get(4)));
    build.set(6, build.binary(Opcode::Subtract, build.constant(0), build.constant(wide)));
    build.jump(4);
    lower();
    context->slots[4] = 16;
    run();
    EXPECT_EQ(context->slots[1], 0x123456789abcdef0u);
    EXPECT_EQ(context->slots[2], static_cast<std::uint64_t>(-7));
    EXPECT_EQ(context->slots[3], 0x123456789abcdf00u);
    EXPECT_EQ(context->slots[5], static_cast<std::uint64_t>(-13));
    EXPECT_EQ(context->slots[6], static_cast<std::uint64_t>(-wide));
    EXPECT_EQ(context->slots[kZeroSlot], 0u);
}

TEST_F(LowerTest, PcRelativeValuesFollowTheBlock) {
    build.set(1, build.pc_relative(0x1000));
    build.set(2, build.binary(Opcode::Add, build.pc_relative(-4), build.get(1)));
    build.jump(8);
    lower();
    context->slots[ir::kPcSlot] = 0x8000;
    run();
    EXPECT_EQ(context->slots[1], 0x9000u);
    EXPECT_EQ(context->slots[2], 0x9000u + 0x7ffc);
    EXPECT_EQ(context->slots[ir::kPcSlot], 0x8008u);
}

TEST_F(LowerTest, BlocksEndWithTheirBudget) {
    build.branch(ir::Condition::Less, build.get(1), build.get(2), -100, 4);
    lower();
    context->slots[1] = static_cast<std::uint64_t>(-1);
    run();
    EXPECT_EQ(context->exit.kind, Exit::Kind::Budget);
    EXPECT_EQ(context->budget, 0);
    EXPECT_EQ(context->slots[ir::kPcSlot], static_cast<std::uint64_t>(-100));
    // With budget left, the target is asked for.
    context->slots[ir::kPcSlot] = 0x1000;
    context->budget = 10;
    context->slots[1] = 1;
    execute(*context, code.data());
    EXPECT_EQ(context->exit.kind, Exit::Kind::Lookup);
    EXPECT_EQ(context->slots[ir::kPcSlot], 0x1004u);
    EXPECT_EQ(context->exit.value, 0x1000u);
    EXPECT_EQ(*context->exit.link, code.data() + 3);
}

// Straight-line IR whose values live long and whose slots change meanwhile, against plain evaluation.
TEST_F(LowerTest, RandomBlocksComputeWhatTheReferenceDoes) {
    std::mt19937_64 random(20260101);
    constexpr unsigned kSlotsUsed = 6;
    for (int round = 0; round < 3000; ++round) {
        block.clear();
        build.begin_guest_instruction(0, 4);
        std::vector<Value> names;
        std::vector<std::uint64_t> values;
        std::uint64_t slots[kSlotsUsed];
        for (unsigned i = 0; i < kSlotsUsed; ++i)
            context->slots[i + 1] = slots[i] = random() >> (random() % 64);
        const auto define = [&](Value name, std::uint64_t value) {
            names.push_back(name);
            values.push_back(value);
        };
        define(build.get(1), slots[0]);
        for (int step = 0; step < 60; ++step) {
            // The temporaries bound how many values may live long.
            const std::size_t a = names.size() - 1 - random() % std::min<std::size_t>(names.size(), 12);
            const std::size_t b = names.size() - 1 - random() % std::min<std::size_t>(names.size(), 12);
            const unsigned slot = static_cast<unsigned>(random() % kSlotsUsed);
            switch (random() % 5) {
            case 0: define(build.get(slot + 1), slots[slot]); break;
            case 1:
                build.set(slot + 1, names[a]);
                slots[slot] = values[a];
                break;
            case 2: {
                const auto constant = static_cast<std::int64_t>(random()) >> (random() % 64);
                define(build.constant(constant), static_cast<std::uint64_t>(constant));
                break;
            }
            case 3: {
                const auto opcode = static_cast<Opcode>(random() % 50);
                ASSERT_TRUE(ir::is_binary(opcode));
                define(build.binary(opcode, names[a], names[b]), ir::evaluate(opcode, values[a], values[b]));
                break;
            }
            default: {
                const auto first = static_cast<unsigned>(Opcode::CountLeadingZeros);
                const auto opcode = static_cast<Opcode>(first + random() % 11);
                define(build.unary(opcode, names[a]), ir::evaluate(opcode, values[a]));
                if (random() % 2 == 0) {
                    build.set(slot + 1, names.back());
                    slots[slot] = values.back();
                }
            }
            }
        }
        build.jump(4);
        lower();
        run();
        for (unsigned i = 0; i < kSlotsUsed; ++i)
            ASSERT_EQ(context->slots[i + 1], slots[i]) << "round " << round << " slot " << i + 1;
    }
}

} // namespace

} // namespace ashlar::jit::interpreter
