#include "jit/board/plic.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace ashlar::jit::board {
namespace {

using riscv64::Interrupt;

constexpr unsigned kMachine0 = 0, kSupervisor0 = 1, kSupervisor1 = 3;

class PlicTest : public testing::Test {
protected:
    std::uint64_t read(std::uint64_t offset) { return plic.read(offset, 4).value(); }
    void write(std::uint64_t offset, std::uint64_t value) { ASSERT_TRUE(plic.write(offset, 4, value).ok()); }
    void enable(unsigned context, unsigned source) {
        const std::uint64_t offset = Plic::kEnable + context * Plic::kEnableStride + source / 32 * 4;
        write(offset, read(offset) | 1u << source % 32);
    }
    void set_priority(unsigned source, unsigned priority) { write(Plic::kPriority + 4 * source, priority); }
    void set_threshold(unsigned context, unsigned threshold) {
        write(Plic::kContext + context * Plic::kContextStride, threshold);
    }
    std::uint64_t claim(unsigned context) {
        return read(Plic::kContext + context * Plic::kContextStride + Plic::kClaim);
    }
    void complete(unsigned context, std::uint64_t source) {
        write(Plic::kContext + context * Plic::kContextStride + Plic::kClaim, source);
    }
    bool supervisor(unsigned hart) { return harts.level(hart, Interrupt::SupervisorExternal); }

    test::FakeHarts harts;
    Plic plic{harts, 2};
};

TEST_F(PlicTest, DeliversToTheContextThatEnabledTheSource) {
    set_priority(10, 1);
    enable(kSupervisor1, 10);
    plic.set_source(10, true);
    EXPECT_TRUE(supervisor(1));
    EXPECT_FALSE(supervisor(0));
    EXPECT_FALSE(harts.level(1, Interrupt::MachineExternal));
    enable(kMachine0, 10);
    EXPECT_TRUE(harts.level(0, Interrupt::MachineExternal));
    plic.set_source(10, false);
    EXPECT_FALSE(supervisor(1));
}

TEST_F(PlicTest, PriorityZeroNeverInterrupts) {
    enable(kSupervisor0, 3);
    plic.set_source(3, true);
    EXPECT_FALSE(supervisor(0));
    EXPECT_EQ(claim(kSupervisor0), 0u);
    set_priority(3, 1);
    EXPECT_TRUE(supervisor(0));
}

TEST_F(PlicTest, ThresholdMasksPrioritiesUpToItself) {
    set_priority(3, 4);
    enable(kSupervisor0, 3);
    set_threshold(kSupervisor0, 4);
    plic.set_source(3, true);
    EXPECT_FALSE(supervisor(0));
    set_threshold(kSupervisor0, 3);
    EXPECT_TRUE(supervisor(0));
}

TEST_F(PlicTest, ClaimsByPriorityThenByNumber) {
    for (const auto& [source, priority] : {std::pair{40u, 2u}, {7u, 2u}, {95u, 5u}, {8u, 1u}}) {
        set_priority(source, priority);
        enable(kSupervisor0, source);
        plic.set_source(source, true);
    }
    for (const unsigned expected : {95u, 7u, 40u, 8u, 0u})
        EXPECT_EQ(claim(kSupervisor0), expected);
    EXPECT_FALSE(supervisor(0));
}

TEST_F(PlicTest, ALevelThatStaysHighInterruptsAgainAfterCompletion) {
    set_priority(1, 1);
    enable(kSupervisor0, 1);
    plic.set_source(1, true);
    EXPECT_EQ(read(Plic::kPending), 2u);
    EXPECT_EQ(claim(kSupervisor0), 1u);
    EXPECT_EQ(read(Plic::kPending), 0u);
    EXPECT_FALSE(supervisor(0));
    plic.set_source(1, true); // no edge, and the claim is open
    EXPECT_FALSE(supervisor(0));
    complete(kSupervisor0, 1);
    EXPECT_TRUE(supervisor(0));
}

TEST_F(PlicTest, ALevelThatFellBeforeCompletionDoesNot) {
    set_priority(1, 1);
    enable(kSupervisor0, 1);
    plic.set_source(1, true);
    EXPECT_EQ(claim(kSupervisor0), 1u);
    plic.set_source(1, false);
    complete(kSupervisor0, 1);
    EXPECT_FALSE(supervisor(0));
    EXPECT_EQ(claim(kSupervisor0), 0u);
}

TEST_F(PlicTest, OneClaimAtATimeAcrossContexts) {
    set_priority(1, 1);
    enable(kSupervisor0, 1);
    enable(kSupervisor1, 1);
    plic.set_source(1, true);
    EXPECT_TRUE(supervisor(0) && supervisor(1));
    EXPECT_EQ(claim(kSupervisor1), 1u);
    EXPECT_FALSE(supervisor(0) || supervisor(1));
    EXPECT_EQ(claim(kSupervisor0), 0u);
}

TEST_F(PlicTest, CompletionIsIgnoredWhenTheSourceIsNotEnabledThere) {
    set_priority(1, 1);
    enable(kSupervisor0, 1);
    plic.set_source(1, true);
    EXPECT_EQ(claim(kSupervisor0), 1u);
    for (const std::uint64_t source : {0ull, 96ull, 0xffff'ffffull})
        complete(kSupervisor0, source);
    complete(kSupervisor1, 1);
    EXPECT_FALSE(supervisor(0));
    complete(kSupervisor0, 1);
    EXPECT_TRUE(supervisor(0));
}

TEST_F(PlicTest, RegistersKeepWritableBitsOnly) {
    set_priority(95, 0xff);
    EXPECT_EQ(read(4 * 95), Plic::kMaxPriority);
    set_priority(0, 7); // source 0 does not exist
    EXPECT_EQ(read(0), 0u);
    set_priority(96, 7);
    EXPECT_EQ(read(4 * 96), 0u);
    write(Plic::kEnable, 0xffff'ffff);
    EXPECT_EQ(read(Plic::kEnable), 0xffff'fffeu);
    write(Plic::kPending, 0xffff'ffff); // read-only
    EXPECT_EQ(read(Plic::kPending), 0u);
    set_threshold(4, 7); // no such context
    EXPECT_EQ(read(Plic::kContext + 4 * Plic::kContextStride), 0u);
    EXPECT_EQ(claim(4), 0u);
    EXPECT_EQ(read(0x5f'fffc), 0u);
}

TEST_F(PlicTest, TakesWholeRegistersOnly) {
    EXPECT_FALSE(plic.read(4, 1).ok());
    EXPECT_FALSE(plic.read(4, 8).ok());
    EXPECT_FALSE(plic.write(6, 4, 0).ok());
}

TEST_F(PlicTest, ResetForgetsConfigurationAndKeepsWires) {
    set_priority(1, 1);
    enable(kSupervisor0, 1);
    plic.set_source(1, true);
    EXPECT_EQ(claim(kSupervisor0), 1u);
    plic.reset();
    EXPECT_FALSE(supervisor(0));
    EXPECT_EQ(read(4), 0u);
    set_priority(1, 1);
    enable(kSupervisor0, 1);
    EXPECT_TRUE(supervisor(0));
}

} // namespace
} // namespace ashlar::jit::board
