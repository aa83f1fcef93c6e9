#include "jit/board/virtio_mmio.h"

#include <gtest/gtest.h>

#include <random>

#include "virtio_driver.h"

namespace ashlar::jit::board {
namespace {

using test::kIndirect;
using test::kNext;
using test::kWrite;
using test::RawDescriptor;
using VirtioMmioTest = test::VirtioTest;

TEST_F(VirtioMmioTest, Identifies) {
    EXPECT_EQ(read(0), 0x7472'6976u);
    EXPECT_EQ(read(4), 2u);
    EXPECT_EQ(read(8), 2u);
    EXPECT_EQ(read(0x34), 256u);
    EXPECT_EQ(read(0xfc), 0u);
    EXPECT_EQ(read(0xb0), 0xffff'ffffu);
    EXPECT_EQ(slot.read(0, 1).value(), 0u); // control registers are 32 bits wide
    write(0x30, 1);
    EXPECT_EQ(read(0x34), 0u); // one queue
}

TEST_F(VirtioMmioTest, AnEmptySlotHasDeviceIdZero) {
    VirtioMmio empty(ram.memory, InterruptWire(controller, 2), nullptr);
    EXPECT_EQ(empty.read(0, 4).value(), 0x7472'6976u);
    EXPECT_EQ(empty.read(8, 4).value(), 0u);
    EXPECT_TRUE(empty.write(0x70, 4, 1).ok());
    EXPECT_EQ(empty.read(0x70, 4).value(), 0u);
    EXPECT_EQ(empty.read(0x100, 4).value(), 0u);
}

TEST_F(VirtioMmioTest, RefusesFeaturesThatWereNotOfferedAndLegacyDrivers) {
    negotiate(kVersion1Feature | 1u << 27);
    EXPECT_EQ(read(0x70), 3u);
    negotiate(0);
    EXPECT_EQ(read(0x70), 3u);
    negotiate(kVersion1Feature);
    EXPECT_EQ(read(0x70), 11u);
}

TEST_F(VirtioMmioTest, FeaturesAreFrozenOnceAccepted) {
    start(kVersion1Feature);
    write(0x24, 0);
    write(0x20, kIndirectFeature);
    put(kDescriptors, 0, {kTable, 16, kIndirect, 0});
    offer(0);
    notify();
    EXPECT_TRUE(needs_reset());
}

TEST_F(VirtioMmioTest, ServesNothingBeforeDriverOk) {
    negotiate(kVersion1Feature);
    set_up_queue(8, kDescriptors, kDriver, kDevice);
    submit(0, 0, 512, true);
    EXPECT_EQ(used_index(), 0u);
    write(0x70, 15);
    notify();
    EXPECT_EQ(used_index(), 1u);
}

TEST_F(VirtioMmioTest, ResetForgetsEverything) {
    start(kVersion1Feature);
    submit(0, 0, 512, true);
    EXPECT_TRUE(irq());
    write(0x70, 0);
    EXPECT_FALSE(irq());
    EXPECT_EQ(read(0x70), 0u);
    EXPECT_EQ(read(0x44), 0u);
    EXPECT_EQ(read(0x60), 0u);
    start(kVersion1Feature);
    ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kDevice + 2), std::uint16_t{0}).ok());
    submit(0, 1, 512, true);
    EXPECT_EQ(used_index(), 1u);
}

TEST_F(VirtioMmioTest, IndirectDescriptors) {
    start(kVersion1Feature | kIndirectFeature);
    put_header(0, 9);
    put(kTable, 0, {kHeader, 16, kNext, 1});
    put(kTable, 1, {kData, 512, kNext | kWrite, 2});
    put(kTable, 2, {kStatus, 1, kWrite, 0});
    put(kDescriptors, 5, {kTable, 48, kIndirect, 0});
    offer(5);
    notify();
    EXPECT_EQ(status_byte(), 0u);
    EXPECT_EQ(std::memcmp(at(kData), disk.content.data() + 9 * 512, 512), 0);
    EXPECT_EQ(ram.memory.load<std::uint32_t>(GuestPhysicalAddress(kDevice + 4)).value(), 5u); // the head
}

TEST_F(VirtioMmioTest, SeveralRequestsShareAnInterruptAndTheRingWraps) {
    start(kVersion1Feature, 4);
    for (unsigned round = 0; round < 10; ++round) {
        put_header(0, round);
        put(kDescriptors, 0, {kHeader, 16, kNext, 1});
        put(kDescriptors, 1, {kData, 512, kNext | kWrite, 2});
        put(kDescriptors, 2, {kStatus, 1, kWrite, 0});
        offer(0);
        offer(0);
        notify();
        EXPECT_TRUE(irq());
        write(0x64, 1);
    }
    EXPECT_EQ(used_index(), 20u);
    EXPECT_FALSE(needs_reset());
}

TEST_F(VirtioMmioTest, TheDriverCanTurnInterruptsOff) {
    start(kVersion1Feature);
    ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kDriver), std::uint16_t{1}).ok());
    submit(0, 0, 512, true);
    EXPECT_EQ(used_index(), 1u);
    EXPECT_FALSE(irq());
}

TEST_F(VirtioMmioTest, EventIndexAsksAndTellsWhen) {
    start(kVersion1Feature | kEventIndex);
    const GuestPhysicalAddress used_event(kDriver + 4 + 2 * 8), avail_event(kDevice + 4 + 8 * 8);
    ASSERT_TRUE(ram.memory.store(used_event, std::uint16_t{1}).ok()); // interrupt at the second buffer
    submit(0, 0, 512, true);
    EXPECT_FALSE(irq());
    EXPECT_EQ(ram.memory.load<std::uint16_t>(avail_event).value(), 1u); // notify for the next one
    submit(0, 0, 512, true);
    EXPECT_TRUE(irq());
    EXPECT_EQ(ram.memory.load<std::uint16_t>(avail_event).value(), 2u);
    write(0x64, 1);
    submit(0, 0, 512, true);
    EXPECT_FALSE(irq());
}

// ------------------------------------------------------------------------------------------ hostile rings

class HostileRingTest : public test::VirtioTest {
protected:
    // A chain in descriptors 0 and up, head 0.
    void expect_refused(const std::vector<RawDescriptor>& chain, const char* what) {
        start(kVersion1Feature | kIndirectFeature);
        put_header(0, 0);
        for (unsigned i = 0; i < chain.size(); ++i)
            put(kDescriptors, i, chain[i]);
        ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kDevice + 2), std::uint16_t{0}).ok());
        offer(0);
        notify();
        EXPECT_TRUE(needs_reset()) << what;
        EXPECT_EQ(read(0x60), 2u) << what;
        EXPECT_TRUE(irq()) << what;
        EXPECT_EQ(used_index(), 0u) << what;
        notify(); // nothing happens before a reset
        EXPECT_EQ(used_index(), 0u) << what;
    }
    const RawDescriptor header{kHeader, 16, kNext, 1};
    const RawDescriptor status{kStatus, 1, kWrite, 0};
};

TEST_F(HostileRingTest, BadDescriptors) {
    expect_refused({header, {kData, 512, kNext | kWrite, 0}}, "loop");
    expect_refused({{kHeader, 16, kNext, 0}}, "self loop");
    expect_refused({header, {kData, 512, kNext | kWrite, 8}}, "next out of the table");
    expect_refused({header, {kData, 512, kNext | kWrite, 0xffff}}, "next far out of the table");
    expect_refused({header, {0x1000, 512, kNext | kWrite, 2}, status}, "below RAM");
    expect_refused({header, {kRam + (1 << 20) - 511, 512, kNext | kWrite, 2}, status}, "past the end of RAM");
    expect_refused({header, {~std::uint64_t{0} - 10, 512, kNext | kWrite, 2}, status}, "wraps");
    expect_refused({header, {kData, 0xffff'ffff, kNext | kWrite, 2}, status}, "longer than RAM");
    expect_refused({{kHeader, 16, kNext, 1}, {kData, 512, kNext | kWrite, 2}, {kData, 512, 0, 0}},
                   "readable after writable");
    expect_refused({{kHeader, 16, 0, 0}}, "no status byte");
    expect_refused({{kHeader, 15, kNext, 1}, status}, "short header");
    expect_refused({{kStatus, 1, kWrite, 0}}, "no header");
}

TEST_F(HostileRingTest, BadIndirectTables) {
    for (const std::uint32_t length : {0u, 8u, 17u, 16u * 9, 0xffff'fff0u})
        expect_refused({{kTable, length, kIndirect, 0}}, "length");
    expect_refused({{kRam + (1 << 20) - 8, 16, kIndirect, 0}}, "outside RAM");
    expect_refused({{kTable, 16, kIndirect | kNext, 1}, status}, "with next");
    put(kTable, 0, {kTable, 16, kIndirect, 0});
    expect_refused({{kTable, 16, kIndirect, 0}}, "nested");
    put(kTable, 0, {kHeader, 16, kNext, 1});
    expect_refused({{kTable, 16, kIndirect, 0}}, "next out of the indirect table");
    put(kTable, 0, {kHeader, 16, kNext, 0});
    expect_refused({{kTable, 16, kIndirect, 0}}, "loop in the indirect table");
}

TEST_F(HostileRingTest, BadAvailableRing) {
    start(kVersion1Feature);
    ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kDriver + 2), std::uint16_t{9}).ok());
    notify();
    EXPECT_TRUE(needs_reset()) << "more than the queue holds";
    start(kVersion1Feature);
    offer(8);
    notify();
    EXPECT_TRUE(needs_reset()) << "head out of the table";
}

TEST_F(HostileRingTest, BadQueueLayouts) {
    const auto refused = [this](std::uint32_t size, std::uint64_t descriptors, std::uint64_t driver,
                                std::uint64_t device) {
        negotiate(kVersion1Feature);
        set_up_queue(size, descriptors, driver, device);
        const bool result = needs_reset() && read(0x44) == 0;
        write(0x70, 0);
        return result;
    };
    EXPECT_TRUE(refused(0, kDescriptors, kDriver, kDevice));
    EXPECT_TRUE(refused(7, kDescriptors, kDriver, kDevice));
    EXPECT_TRUE(refused(512, kDescriptors, kDriver, kDevice));
    EXPECT_TRUE(refused(0x1'0008, kDescriptors, kDriver, kDevice));
    EXPECT_TRUE(refused(8, kDescriptors + 8, kDriver, kDevice));
    EXPECT_TRUE(refused(8, kDescriptors, kDriver + 1, kDevice));
    EXPECT_TRUE(refused(8, kDescriptors, kDriver, kDevice + 2));
    EXPECT_TRUE(refused(8, 0, kDriver, kDevice));
    EXPECT_TRUE(refused(8, kDescriptors, kRam + (1 << 20) - 8, kDevice));
    EXPECT_TRUE(refused(8, kDescriptors, kDriver, ~std::uint64_t{0} & ~std::uint64_t{3}));
    EXPECT_FALSE(refused(256, kDescriptors, kDriver, kDevice));
}

TEST_F(HostileRingTest, SurvivesRandomRings) {
    std::mt19937 random(7);
    const auto below = [&random](std::uint32_t limit) {
        return static_cast<std::uint32_t>(random()) % limit;
    };
    const std::uint64_t bases[] = {kHeader, kData, kTable, kDescriptors, kDevice, kRam + (1 << 20) - 600};
    for (int round = 0; round < 5000; ++round) {
        start(kVersion1Feature | kIndirectFeature | (round % 2 != 0 ? kEventIndex : 0));
        put_header(below(16), below(70));
        for (unsigned i = 0; i < 8; ++i)
            for (const std::uint64_t table : {kDescriptors, kTable})
                put(table, i,
                    {bases[below(6)] + below(64), below(4) == 0 ? 16 * below(9) : below(1100),
                     static_cast<std::uint16_t>(below(8)), static_cast<std::uint16_t>(below(9))});
        for (unsigned i = 0; i < 4; ++i)
            offer(static_cast<std::uint16_t>(below(9)));
        notify();
        std::memset(at(kDriver), 0, 0x100);
        std::memset(at(kDevice), 0, 0x100);
    }
}

} // namespace
} // namespace ashlar::jit::board
