// Translated code follows the guest's memory: self-modification, DMA, remapping, a full cache.
#include "jit/code_cache.h"

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

TEST(Code, StoreIntoTheRunningBlockTakesEffectAtTheNextInstruction) {
    Guest guest;
    // Given: x2 holds "addi x3, x0, 2", stored over the instruction that follows the store
    guest.state().x[2] = addi(3, 0, 2);
    guest.code(kRam, {auipc(1, 0), store(2, 2, 1, 8), addi(3, 0, 1), kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[3], 2u);
    EXPECT_EQ(guest.state().instret, 4u);
}

TEST(Code, PatchingInALoopStaysCoherent) {
    // A loop that rewrites the immediate of an addition in each round: adds 0, 1, ... 99.
    Guest guest;
    guest.state().x[5] = addi(3, 3, 0);
    guest.state().x[6] = 1u << 20;
    guest.state().x[7] = 100;
    guest.code(kRam, {auipc(1, 0), store(2, 5, 1, 8), addi(3, 3, 0), add(5, 5, 6), addi(7, 7, -1),
                      branch(1, 7, 0, -16), kWfi});
    EXPECT_EQ(guest.run(10000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[3], 99u * 100 / 2);
}

TEST(Code, AtomicsInvalidateCodeToo) {
    Guest guest;
    guest.state().x[2] = addi(3, 0, 2);
    guest.code(kRam, {auipc(1, 0), addi(1, 1, 16), amo(2, 1, 4, 1, 2), jal(0, 4), addi(3, 0, 1), kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[3], 2u);
    EXPECT_EQ(guest.state().x[4], addi(3, 0, 1));
}

TEST(Code, WritesOfDevicesAndLoadersInvalidate) {
    Guest guest;
    guest.code(kRam, {addi(1, 0, 1), kWfi});
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    guest.code(kRam, {addi(1, 0, 2)});
    guest.state().pc = kRam;
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[1], 2u);
    EXPECT_GE(guest.engine->statistics().blocks_invalidated, 1u);
}

TEST(Code, DataBesideCodeDoesNotDropTheCode) {
    // A loop that stores to its own page, 256 bytes behind its code.
    Guest guest;
    guest.code(kRam, {auipc(1, 0), addi(2, 0, 1000), store(3, 2, 1, 256), addi(2, 2, -1), branch(1, 2, 0, -8),
                      kWfi});
    EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 256), 1u);
    EXPECT_LE(guest.engine->statistics().tiers[0].units, 4u);
}

TEST(Code, InstructionAcrossPagesFollowsBoth) {
    Guest guest;
    const std::uint64_t at = kRam + 0x1ffe;
    guest.halves(at - 2, {0x0001}); // c.nop
    guest.put<std::uint32_t>(at, addi(1, 0, 0x123));
    guest.code(at + 4, {kWfi});
    guest.state().pc = at - 2;
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[1], 0x123u);
    EXPECT_EQ(guest.state().instret, 3u);
    // When the second page's half changes
    guest.put<std::uint16_t>(kRam + 0x2000, static_cast<std::uint16_t>(addi(1, 0, 0x456) >> 16));
    guest.state().pc = at - 2;
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[1], 0x456u);
}

TEST(Code, FullCacheStartsAnew) {
    // 2 MiB of straight-line code through a cache of 1 MiB, twice.
    Guest guest(8 << 20, {.code_cache_bytes = 1 << 20});
    constexpr std::uint64_t kCount = (2 << 20) / 4;
    for (std::uint64_t i = 0; i < kCount; ++i)
        guest.put<std::uint32_t>(kRam + 4 * i, addi(1, 1, 1));
    guest.code(kRam + 4 * kCount, {kWfi});
    for (std::uint64_t round = 1; round <= 2; ++round) {
        guest.state().pc = kRam;
        EXPECT_EQ(guest.run(2 * kCount), Stop::WaitForInterrupt);
        EXPECT_EQ(guest.state().x[1], round * kCount);
    }
}

TEST(Code, FlushCodeKeepsRunning) {
    Guest guest;
    guest.code(kRam, {addi(1, 1, 1), jal(0, -4)});
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(guest.run(10), Stop::Budget);
        guest.engine->flush_code();
    }
    EXPECT_EQ(guest.state().x[1], 50u);
}

TEST(Code, HartsShareTranslations) {
    Guest guest(1 << 20, {.harts = 2});
    guest.code(kRam, {addi(1, 1, 1), kWfi});
    EXPECT_EQ(guest.hart(0).run(10), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.hart(1).run(10), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state(1).x[1], 1u);
    EXPECT_LE(guest.engine->statistics().tiers[0].units, 2u); // two when the optimizer leaves out WFI
}

TEST(Code, ReservationIsBrokenByAnotherHart) {
    Guest guest(1 << 20, {.harts = 2});
    guest.code(kRam, {auipc(1, 1), amo(3, 2, 2, 1, 0), jal(0, 0), amo(3, 3, 3, 1, 2), kWfi});
    guest.code(kRam + 0x100, {auipc(1, 1), addi(1, 1, -0x100), store(3, 1, 1, 0), kWfi});
    guest.put<std::uint64_t>(kRam + 0x1000, 42);
    EXPECT_EQ(guest.hart(0).run(10), Stop::Budget);
    guest.state(1).pc = kRam + 0x100;
    EXPECT_EQ(guest.hart(1).run(10), Stop::WaitForInterrupt);
    guest.state(0).pc = kRam + 12;
    EXPECT_EQ(guest.hart(0).run(10), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state(0).x[2], 42u);
    EXPECT_EQ(guest.state(0).x[3], 1u); // failed
    // Undisturbed it succeeds, once.
    guest.code(kRam, {auipc(1, 1), amo(3, 2, 2, 1, 0), amo(3, 3, 3, 1, 0), amo(3, 3, 4, 1, 0), kWfi});
    guest.state(0).pc = kRam;
    EXPECT_EQ(guest.hart(0).run(10), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state(0).x[3], 0u);
    EXPECT_EQ(guest.state(0).x[4], 1u);
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 0x1000), 0u);
}

} // namespace

} // namespace ashlar::jit::test
