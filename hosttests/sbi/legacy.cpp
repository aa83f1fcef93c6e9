// The legacy calls: only a0 returns, and hart masks lie in virtual memory.
#include "hosttests/sbi/sbi_fixture.h"

namespace ashlar::jit::board::test {

using sbi::Extension;

TEST_F(SbiTest, legacy_console) {
    EXPECT_EQ(call(Extension::LegacyConsolePutchar, 0, {'A'}).error, 0);
    EXPECT_EQ(console.output, "A");
    EXPECT_EQ(call(Extension::LegacyConsoleGetchar, 0).error, -1);
    console.input = "\xE9z";
    EXPECT_EQ(call(Extension::LegacyConsoleGetchar, 0).error, 0xE9);
    const Answer answer = call(Extension::LegacyConsoleGetchar, 0, {1, 0x1234});
    EXPECT_EQ(answer.error, 'z');
    EXPECT_EQ(answer.value, 0x1234u) << "a1 is preserved";
}

TEST_F(SbiTest, legacy_timer_and_shutdown) {
    EXPECT_EQ(call(Extension::LegacySetTimer, 0, {77}).error, 0);
    EXPECT_EQ(state(0).control.stimecmp, 77u);
    EXPECT_TRUE(has_pending(0, riscv64::Interrupt::SupervisorTimer));
    call(Extension::LegacyShutdown, 0);
    EXPECT_EQ(power.events, std::vector<std::string>{"off 0"});
    EXPECT_FALSE(sbi.may_run(0));
}

TEST_F(SbiTest, legacy_ipi_by_mask_in_memory) {
    start_all();
    constexpr std::uint64_t kMask = kRam + 0x101; // need not be aligned
    bytes[0x101] = std::byte{0b010};
    EXPECT_EQ(call(Extension::LegacySendIpi, 0, {kMask}).error, 0);
    EXPECT_FALSE(has_pending(0, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_TRUE(has_pending(1, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_EQ(call(Extension::LegacyClearIpi, 0, {}, 1).error, 0);
    EXPECT_FALSE(has_pending(1, riscv64::Interrupt::SupervisorSoftware));
    // A null pointer means every hart.
    EXPECT_EQ(call(Extension::LegacySendIpi, 0, {0}).error, 0);
    for (unsigned i = 0; i < 3; ++i)
        EXPECT_TRUE(has_pending(i, riscv64::Interrupt::SupervisorSoftware));
}

TEST_F(SbiTest, legacy_fences) {
    start_all();
    bytes[0x100] = std::byte{0b100};
    for (unsigned i = 0; i < 3; ++i)
        hart(i).flushes.clear();
    EXPECT_EQ(call(Extension::LegacyRemoteFenceI, 0, {kRam + 0x100}).error, 0);
    EXPECT_EQ(call(Extension::LegacyRemoteSfenceVma, 0, {kRam + 0x100, 0x4000, 0x1000}).error, 0);
    EXPECT_EQ(call(Extension::LegacyRemoteSfenceVmaAsid, 0, {kRam + 0x100, 0, 0, 3}).error, 0);
    EXPECT_EQ(hart(2).flushes,
              (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0x4000, 0x1000}, {0, kOnes}}));
    EXPECT_TRUE(hart(1).flushes.empty());
}

TEST_F(SbiTest, legacy_masks_are_translated_and_checked) {
    start_all();
    // Outside memory, at its end, and naming a hart that does not exist
    for (const std::uint64_t address : {std::uint64_t{8}, kRam + kRamSize - 4, kOnes - 3})
        EXPECT_EQ(call(Extension::LegacySendIpi, 0, {address}).error, kInvalidParameter);
    bytes[0x100] = std::byte{0b1000};
    EXPECT_EQ(call(Extension::LegacySendIpi, 0, {kRam + 0x100}).error, kInvalidParameter);
    // Given paging that maps virtual 0x10'0000'0000 to RAM by a superpage, and a mask there
    bytes[0x200] = std::byte{0b010};
    const std::uint64_t leaf = kRam >> 12 << 10 | 0xC7; // D, A, W, R, V
    ASSERT_TRUE(memory.store(GuestPhysicalAddress(kRam + 0x4000 + 64 * 8), leaf).ok());
    state(0).control.satp = std::uint64_t{8} << 60 | (kRam + 0x4000) >> 12;
    // Then the mask is found through it, and a physical address no longer works
    EXPECT_EQ(call(Extension::LegacySendIpi, 0, {0x10'0000'0200}).error, 0);
    EXPECT_TRUE(has_pending(1, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_FALSE(has_pending(2, riscv64::Interrupt::SupervisorSoftware));
    EXPECT_EQ(call(Extension::LegacySendIpi, 0, {kRam + 0x200}).error, kInvalidParameter);
}

} // namespace ashlar::jit::board::test
