// Base, TIME, IPI, RFENCE, SRST and DBCN.
#include "hosttests/sbi/sbi_fixture.h"

namespace ashlar::jit::board::test {

using sbi::Extension;
using Flush = std::pair<std::uint64_t, std::uint64_t>;

TEST_F(SbiTest, base_reports_version_2_and_extensions) {
    EXPECT_EQ(call(Extension::Base, 0).value, 0x0200'0000u);
    EXPECT_EQ(call(Extension::Base, 0).error, kSuccess);
    for (const std::uint64_t extension : {0x10ul, 0x54494D45ul, 0x735049ul, 0x52464E43ul, 0x48534Dul,
                                          0x53525354ul, 0x4442434Eul, 0ul, 1ul, 8ul}) {
        const Answer answer = call(Extension::Base, 3, {extension});
        EXPECT_EQ(answer.error, kSuccess);
        EXPECT_EQ(answer.value, 1u) << std::hex << extension;
    }
    for (const std::uint64_t extension : {0x504D55ul, 0x53555350ul, 9ul, kOnes}) // PMU, SUSP
        EXPECT_EQ(call(Extension::Base, 3, {extension}).value, 0u) << std::hex << extension;
    for (std::uint64_t function = 4; function <= 6; ++function)
        EXPECT_EQ(call(Extension::Base, function).value, 0u);
    EXPECT_EQ(call(Extension::Base, 7).error, kNotSupported);
}

TEST_F(SbiTest, what_does_not_exist_is_not_supported) {
    EXPECT_EQ(call(0x504D55, 0, {}, 0).error, kNotSupported);
    EXPECT_EQ(call(9, 0, {}, 0).error, kNotSupported);
    for (const Extension extension : {Extension::Timer, Extension::Ipi, Extension::SystemReset})
        EXPECT_EQ(call(extension, 1).error, kNotSupported);
    EXPECT_EQ(call(Extension::RemoteFence, 3, {1, 0, 0, 0}).error, kNotSupported);
    EXPECT_EQ(call(Extension::HartState, 4).error, kNotSupported);
    EXPECT_EQ(call(Extension::DebugConsole, 3).error, kNotSupported);
}

TEST_F(SbiTest, calls_change_only_a0_and_a1) {
    state(0).x[5] = 0x55;
    const riscv64::HartState before = state(0);
    call(Extension::Base, 0, {1, 2, 3, 4, 5, 6});
    for (unsigned i = 0; i < 32; ++i)
        if (i < 10 || i > 17) {
            EXPECT_EQ(state(0).x[i], before.x[i]) << i;
        }
    EXPECT_EQ(state(0).x[12], 3u);
    EXPECT_EQ(state(0).pc, before.pc);
}

TEST_F(SbiTest, set_timer_programs_the_comparator) {
    // A deadline that has passed is pending at once.
    EXPECT_EQ(call(Extension::Timer, 0, {500}).error, kSuccess);
    EXPECT_TRUE(has_pending(0, riscv64::Interrupt::SupervisorTimer));
    // One in the future clears it.
    EXPECT_EQ(call(Extension::Timer, 0, {2000}).error, kSuccess);
    EXPECT_FALSE(has_pending(0, riscv64::Interrupt::SupervisorTimer));
    EXPECT_EQ(state(0).control.stimecmp, 2000u);
    EXPECT_EQ(state(1).control.stimecmp, kOnes) << "the timer is the caller's";
}

TEST_F(SbiTest, ipi_reaches_the_harts_of_the_mask) {
    start_all();
    EXPECT_EQ(call(Extension::Ipi, 0, {0b11, 1}).error, kSuccess);
    EXPECT_FALSE(has_pending(0, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_TRUE(has_pending(1, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_TRUE(has_pending(2, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_EQ(call(Extension::Ipi, 0, {0, kOnes}).error, kSuccess); // all
    EXPECT_TRUE(has_pending(0, riscv64::Interrupt::SupervisorSoftware));
}

TEST_F(SbiTest, hart_masks_are_checked) {
    start_all();
    for (const auto& [mask, base] : {std::pair<std::uint64_t, std::uint64_t>{0b1000, 0},
                                     {1, 3},
                                     {0b10, 2},
                                     {std::uint64_t{1} << 63, 1},
                                     {1, std::uint64_t{1} << 32},
                                     {1, kOnes - 1}}) {
        EXPECT_EQ(call(Extension::Ipi, 0, {mask, base}).error, kInvalidParameter) << mask << " " << base;
        EXPECT_EQ(call(Extension::RemoteFence, 1, {mask, base, 0, 0}).error, kInvalidParameter);
    }
    for (unsigned i = 0; i < 3; ++i)
        EXPECT_FALSE(has_pending(i, riscv64::Interrupt::SupervisorSoftware));
}

TEST_F(SbiTest, ipi_to_a_stopped_hart_is_lost) {
    EXPECT_EQ(call(Extension::Ipi, 0, {0b111, 0}).error, kSuccess);
    EXPECT_TRUE(has_pending(0, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_FALSE(has_pending(1, riscv64::Interrupt::SupervisorSoftware));
}

TEST_F(SbiTest, remote_fences_flush_the_range_or_everything) {
    start_all();
    for (unsigned i = 0; i < 3; ++i)
        hart(i).flushes.clear();
    EXPECT_EQ(call(Extension::RemoteFence, 1, {0b10, 0, 0x1000, 0x2000}).error, kSuccess);
    EXPECT_EQ(hart(1).flushes, (std::vector<Flush>{{0x1000, 0x2000}}));
    EXPECT_TRUE(hart(0).flushes.empty());
    EXPECT_EQ(call(Extension::RemoteFence, 2, {0b100, 0, 0, 0, 7}).error, kSuccess);
    EXPECT_EQ(hart(2).flushes, (std::vector<Flush>{{0, kOnes}}));
    EXPECT_EQ(call(Extension::RemoteFence, 1, {0b1, 0, 0x5000, kOnes}).error, kSuccess);
    EXPECT_EQ(hart(0).flushes, (std::vector<Flush>{{0x5000, kOnes}}));
    EXPECT_EQ(call(Extension::RemoteFence, 0, {0b111, 0}).error, kSuccess);
    EXPECT_EQ(hart(0).flushes.size(), 1u);
}

TEST_F(SbiTest, system_reset) {
    struct Row {
        std::uint64_t type, reason;
        const char* event;
    };
    for (const Row& row : {Row{0, 0, "off 0"}, {0, 1, "off 1"}, {1, 0, "reset"}, {2, 1, "reset"}}) {
        sbi.reset(0, kEntry, kDeviceTree);
        power.events.clear();
        call(Extension::SystemReset, 0, {row.type, row.reason});
        EXPECT_EQ(power.events, std::vector<std::string>{row.event});
        EXPECT_FALSE(sbi.may_run(0)) << "the call does not return";
    }
    sbi.reset(0, kEntry, kDeviceTree);
    EXPECT_TRUE(sbi.may_run(0));
    power.events.clear();
    for (const auto& [type, reason] :
         {std::pair<std::uint64_t, std::uint64_t>{3, 0}, {0, 2}, {0xF000'0000, 0}, {kOnes, 0}, {0, kOnes}})
        EXPECT_EQ(call(Extension::SystemReset, 0, {type, reason}).error, kInvalidParameter);
    EXPECT_TRUE(power.events.empty());
    EXPECT_TRUE(sbi.may_run(0));
}

TEST_F(SbiTest, debug_console_writes_from_memory) {
    const std::string text = "hello";
    std::memcpy(bytes.data() + 0x100, text.data(), text.size());
    const Answer answer = call(Extension::DebugConsole, 0, {5, kRam + 0x100, 0});
    EXPECT_EQ(answer.error, kSuccess);
    EXPECT_EQ(answer.value, 5u);
    EXPECT_EQ(call(Extension::DebugConsole, 2, {0x21}).error, kSuccess);
    EXPECT_EQ(console.output, "hello!");
    EXPECT_EQ(call(Extension::DebugConsole, 0, {0, kRam, 0}).value, 0u);
}

TEST_F(SbiTest, debug_console_may_write_less_than_asked) {
    const Answer answer = call(Extension::DebugConsole, 0, {kRamSize, kRam, 0});
    EXPECT_EQ(answer.error, kSuccess);
    EXPECT_GT(answer.value, 0u);
    EXPECT_EQ(answer.value, console.output.size());
}

TEST_F(SbiTest, debug_console_reads_into_memory) {
    console.input = "abc";
    EXPECT_EQ(call(Extension::DebugConsole, 1, {2, kRam + 0x200, 0}).value, 2u);
    EXPECT_EQ(std::memcmp(bytes.data() + 0x200, "ab\0", 3), 0);
    EXPECT_EQ(call(Extension::DebugConsole, 1, {100, kRam + 0x200, 0}).value, 1u);
    const Answer nothing = call(Extension::DebugConsole, 1, {100, kRam + 0x200, 0});
    EXPECT_EQ(nothing.error, kSuccess);
    EXPECT_EQ(nothing.value, 0u);
}

TEST_F(SbiTest, debug_console_buffers_must_lie_in_ram) {
    console.input = "x";
    struct Row {
        std::uint64_t length, low, high;
    };
    for (const Row& row : {Row{1, 0, 0},
                           {1, kRam - 1, 0},
                           {1, kRam + kRamSize, 0},
                           {2, kRam + kRamSize - 1, 0},
                           {kOnes, kRam, 0},
                           {kOnes - kRam + 2, kRam, 0},
                           {1, kRam, 1},
                           {1, 0x1000'0000, 0}})
        for (const std::uint64_t function : {0, 1})
            EXPECT_EQ(call(Extension::DebugConsole, function, {row.length, row.low, row.high}).error,
                      kInvalidParameter);
    EXPECT_TRUE(console.output.empty());
    EXPECT_EQ(console.input, "x");
}

} // namespace ashlar::jit::board::test
