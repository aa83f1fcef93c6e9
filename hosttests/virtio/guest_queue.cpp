#include "drivers/virtio/guest_queue.h"

#include "hosttests/virtio/shadowed_vm.h"

namespace ashlar::virtio {
namespace {

using test::Driver, test::ScatteredRam;
constexpr std::uint16_t kNext = descriptor::kNext, kWrite = descriptor::kWrite,
                        kTableFlag = descriptor::kIndirect;

class GuestQueueTest : public testing::Test {
protected:
    GuestQueueTest() { enable(feature::kVersion1 | feature::kIndirect); }
    void enable(std::uint64_t features) {
        ASSERT_TRUE(queue.enable(window, driver.addresses(), features).ok());
    }
    void expect_malformed(const char* what) {
        const auto chain = queue.pop();
        EXPECT_TRUE(!chain.ok() && chain.error() == Error::Malformed) << what;
    }

    ScatteredRam ram;
    GuestWindow window{ram, ScatteredRam::kBase, ScatteredRam::kSize};
    Driver driver{ram, 8};
    GuestQueue queue;
};

TEST_F(GuestQueueTest, TakesChainsInTheOrderOfferedAndGivesThemBackInAnother) {
    driver.request(0, block::kRead, 1, 512);
    driver.request(4, block::kWrite, 2, 1024);
    const GuestChain first = *queue.pop().value();
    EXPECT_EQ(first.head, 0u);
    ASSERT_EQ(first.readable.size(), 1u);
    ASSERT_EQ(first.writable.size(), 2u);
    EXPECT_EQ(first.writable[0].address, Driver::kData);
    EXPECT_EQ(first.writable[0].length, 512u);
    const GuestChain second = *queue.pop().value();
    EXPECT_EQ(second.head, 4u);
    EXPECT_EQ(second.readable.size(), 2u);
    EXPECT_FALSE(queue.pop().value().has_value());
    queue.push(4, 1);
    queue.push(0, 513);
    EXPECT_EQ(driver.used_index(), 2u);
    EXPECT_EQ(driver.used_head(0), 4u);
    EXPECT_EQ(driver.used_head(1), 0u);
    EXPECT_EQ(driver.used_length(1), 513u);
}

TEST_F(GuestQueueTest, TakesTablesOfDescriptors) {
    driver.descriptor(0, Driver::kHeader, 16, kNext, 1, Driver::kTable);
    driver.descriptor(1, Driver::kData, 4096, kWrite, 0, Driver::kTable);
    driver.descriptor(5, Driver::kTable, 32, kTableFlag);
    driver.offer(5);
    const GuestChain chain = *queue.pop().value();
    EXPECT_EQ(chain.head, 5u);
    EXPECT_EQ(chain.readable.size(), 1u);
    EXPECT_EQ(chain.writable.size(), 1u);
}

TEST_F(GuestQueueTest, RefusesQueuesThatDoNotLieInRam) {
    constexpr std::uint64_t kEnd = ScatteredRam::kBase + ScatteredRam::kSize, kFar = ~std::uint64_t{0};
    const QueueAddresses good = driver.addresses();
    const auto refused = [&](QueueAddresses queue_addresses) {
        return queue.enable(window, queue_addresses, feature::kVersion1).ok() == false && !queue.enabled();
    };
    for (const int size : {0, 3, 6, 7, 129, 256, 0x8000, 0xffff}) {
        QueueAddresses bad = good;
        bad.size = static_cast<std::uint16_t>(size);
        EXPECT_TRUE(refused(bad)) << size;
    }
    for (const std::uint64_t address :
         {std::uint64_t{0}, ScatteredRam::kBase - 16, kEnd - 16, kEnd, kFar & ~std::uint64_t{15}}) {
        EXPECT_TRUE(refused({8, address, good.driver, good.device})) << address;
        EXPECT_TRUE(refused({8, good.descriptors, address, good.device})) << address;
        EXPECT_TRUE(refused({8, good.descriptors, good.driver, address})) << address;
    }
    EXPECT_TRUE(refused({8, good.descriptors + 8, good.driver, good.device}));
    EXPECT_TRUE(refused({8, good.descriptors, good.driver + 1, good.device}));
    EXPECT_TRUE(refused({8, good.descriptors, good.driver, good.device + 2}));
    EXPECT_FALSE(refused({8, kEnd - 128, good.driver, good.device})); // the last that fits
}

TEST_F(GuestQueueTest, RefusesBuffersOutOfRam) {
    constexpr std::uint64_t kEnd = ScatteredRam::kBase + ScatteredRam::kSize;
    for (const auto& [address, length] : std::initializer_list<std::pair<std::uint64_t, std::uint32_t>>{
             {0, 16},
             {ScatteredRam::kBase - 1, 2},
             {kEnd - 1, 2},
             {kEnd, 1},
             {kEnd + 1, 0},
             {0x40'0000'0000, 16}, // the VM's own kernel
             {~std::uint64_t{0}, 1},
             {~std::uint64_t{0} - 7, 16}, // wraps
             {ScatteredRam::kBase, ~0u},
             {~std::uint64_t{0xffff'ffff}, ~0u}}) {
        enable(feature::kVersion1);
        driver.ram.store(Driver::kDriver + 2, std::uint16_t{0});
        driver.descriptor(0, address, length);
        driver.offer(0);
        expect_malformed("out of RAM");
    }
}

TEST_F(GuestQueueTest, RefusesLoops) {
    driver.descriptor(0, Driver::kHeader, 16, kNext, 0);
    driver.offer(0);
    expect_malformed("a descriptor after itself");
}

TEST_F(GuestQueueTest, RefusesLongLoops) {
    for (std::uint16_t i = 0; i < 8; ++i)
        driver.descriptor(i, Driver::kHeader, 16, kNext, static_cast<std::uint16_t>((i + 1) % 8));
    driver.offer(3);
    expect_malformed("all of them in a ring");
}

TEST_F(GuestQueueTest, RefusesDescriptorsThatAreNotThere) {
    driver.descriptor(0, Driver::kHeader, 16, kNext, 8);
    driver.offer(0);
    expect_malformed("next beyond the queue");
}

TEST_F(GuestQueueTest, RefusesHeadsThatAreNotThere) {
    driver.offer(8);
    expect_malformed("head beyond the queue");
}

TEST_F(GuestQueueTest, RefusesReadableAfterWritable) {
    driver.descriptor(0, Driver::kHeader, 16, kNext | kWrite, 1);
    driver.descriptor(1, Driver::kData, 16);
    driver.offer(0);
    expect_malformed("mixed");
}

TEST_F(GuestQueueTest, RefusesWrongTables) {
    struct Case {
        const char* what;
        std::uint64_t address;
        std::uint32_t length;
        std::uint16_t flags;
    };
    constexpr std::uint64_t kEnd = ScatteredRam::kBase + ScatteredRam::kSize;
    for (const Case& c :
         {Case{"empty", Driver::kTable, 0, kTableFlag}, Case{"half an entry", Driver::kTable, 24, kTableFlag},
          Case{"longer than the queue", Driver::kTable, 9 * 16, kTableFlag},
          Case{"huge", Driver::kTable, 0xffff'fff0, kTableFlag},
          Case{"out of RAM", kEnd - 16, 32, kTableFlag},
          Case{"wrapping", ~std::uint64_t{0xf}, 32, kTableFlag},
          Case{"with a next", Driver::kTable, 16, kTableFlag | kNext}}) {
        enable(feature::kVersion1 | feature::kIndirect);
        driver.ram.store(Driver::kDriver + 2, std::uint16_t{0});
        driver.descriptor(0, Driver::kHeader, 16, 0, 0, Driver::kTable);
        driver.descriptor(0, c.address, c.length, c.flags);
        driver.offer(0);
        expect_malformed(c.what);
    }
}

TEST_F(GuestQueueTest, RefusesTablesInTables) {
    driver.descriptor(0, Driver::kTable, 16, kTableFlag, 0, Driver::kTable);
    driver.descriptor(0, Driver::kTable, 16, kTableFlag);
    driver.offer(0);
    expect_malformed("a table in itself");
}

TEST_F(GuestQueueTest, RefusesNextBeyondATable) {
    driver.descriptor(0, Driver::kHeader, 16, kNext, 2, Driver::kTable);
    driver.descriptor(0, Driver::kTable, 32, kTableFlag);
    driver.offer(0);
    expect_malformed("next beyond the table");
}

TEST_F(GuestQueueTest, RefusesTablesThatWereNotAgreedOn) {
    enable(feature::kVersion1);
    driver.descriptor(0, Driver::kHeader, 16, 0, 0, Driver::kTable);
    driver.descriptor(0, Driver::kTable, 16, kTableFlag);
    driver.offer(0);
    expect_malformed("not agreed on");
}

TEST_F(GuestQueueTest, RefusesIndicesThatJump) {
    driver.request(0, block::kRead, 0, 512);
    driver.ram.store(Driver::kDriver + 2, std::uint16_t{9});
    expect_malformed("more than the queue has");
    driver.ram.store(Driver::kDriver + 2, std::uint16_t{0xffff});
    expect_malformed("back");
}

TEST_F(GuestQueueTest, RefusesWhatItHasNotGivenBack) {
    driver.request(0, block::kRead, 0, 512);
    ASSERT_TRUE(queue.pop().value().has_value());
    driver.offer(0);
    expect_malformed("twice the same");
    // Nor more than there are descriptors, given what is outstanding.
    driver.ram.store(Driver::kDriver + 2, std::uint16_t{9});
    expect_malformed("too many");
}

// What the driver writes to the device's ring is not believed.
TEST_F(GuestQueueTest, TheUsedIndexIsItsOwn) {
    driver.request(0, block::kRead, 0, 512);
    ASSERT_TRUE(queue.pop().value().has_value());
    driver.ram.store(Driver::kDevice + 2, std::uint16_t{0x1234});
    queue.push(0, 1);
    EXPECT_EQ(driver.used_index(), 1u);
    EXPECT_EQ(driver.used_head(0), 0u);
}

TEST_F(GuestQueueTest, IndicesWrapAround) {
    for (unsigned i = 0; i < 70'000; ++i) {
        driver.request(static_cast<std::uint16_t>(i % 6), block::kRead, i, 512);
        const auto chain = queue.pop();
        ASSERT_TRUE(chain.ok() && chain.value());
        queue.push(chain.value()->head, 1);
    }
    EXPECT_EQ(driver.used_index(), static_cast<std::uint16_t>(70'000));
}

TEST_F(GuestQueueTest, InterruptsAreWantedUnlessTheDriverSaysNo) {
    EXPECT_FALSE(queue.interrupt_wanted());
    for (const bool no : {false, true}) {
        driver.request(0, block::kRead, 0, 512);
        ASSERT_TRUE(queue.pop().value().has_value());
        driver.ram.store(Driver::kDriver, static_cast<std::uint16_t>(no ? 1 : 0));
        queue.push(0, 1);
        EXPECT_EQ(queue.interrupt_wanted(), !no);
        EXPECT_FALSE(queue.interrupt_wanted()); // it was said
    }
}

TEST_F(GuestQueueTest, EventIndicesSayWhenToTell) {
    enable(feature::kVersion1 | feature::kEventIndex);
    const std::uint64_t used_event = Driver::kDriver + 4 + 2 * 8, avail_event = Driver::kDevice + 4 + 8 * 8;
    driver.ram.store(used_event, std::uint16_t{1}); // with the second
    for (std::uint16_t i = 0; i < 2; ++i)
        driver.request(static_cast<std::uint16_t>(3 * i), block::kRead, 0, 512);
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(queue.pop().value().has_value());
    EXPECT_FALSE(queue.pop().value().has_value());
    EXPECT_EQ(driver.ram.load<std::uint16_t>(avail_event), 2u);
    queue.push(0, 1);
    EXPECT_FALSE(queue.interrupt_wanted());
    queue.push(3, 1);
    EXPECT_TRUE(queue.interrupt_wanted());
}

} // namespace
} // namespace ashlar::virtio
