// Our driver against a device that keeps to the specification, in every way that it may; and against one that
// does not.
#include "drivers/virtio/block.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "drivers/virtio/mmio_transport.h"
#include "hosttests/virtio/simulated_disk.h"

namespace ashlar::virtio {
namespace {

using test::MmioFront;
using test::SimulatedDisk;
using test::SimulatedMachine;
namespace blk = test::blk;
using Kind = DiskRequest::Kind;

constexpr std::uint64_t kRegisters = 0xfe00'0000;
constexpr std::uint64_t kAllOfTheDisk =
    blk::kBlockSize | blk::kFlush | blk::kTopology | blk::kDiscard | blk::kWriteZeroes;

struct Collector final : DiskCompletions {
    void completed(std::uint32_t token, Status status) override {
        EXPECT_TRUE(results.emplace(token, status).second) << "completed twice";
    }
    std::map<std::uint32_t, Status> results;
};

class BlockTest : public testing::Test {
protected:
    BlockTest() {
        machine.attach(kRegisters, 0x200, front);
        machine.on_pause = [this] { disk.process(); };
        disk.features |= kAllOfTheDisk;
    }
    ~BlockTest() override {
        device.reset();
        EXPECT_EQ(machine.live_blocks, blocks_left);
    }
    Status open(const BlockOptions& options = {}) {
        device.reset();
        transport.emplace(MmioTransport::open(PhysicalAddress(kRegisters), 0x200, machine));
        EXPECT_TRUE(transport->ok());
        device.emplace(transport->value(), machine);
        return device->initialize(options);
    }
    DiskPiece buffer(std::size_t offset, std::uint32_t length) const {
        return {SimulatedMachine::kMemory + kData + offset, length};
    }
    std::byte* data(std::size_t offset = 0) { return machine.memory.data() + kData + offset; }
    void fill(std::size_t size, unsigned seed) {
        std::mt19937 random(seed);
        for (std::size_t i = 0; i < size; ++i)
            data()[i] = static_cast<std::byte>(random());
    }

    static constexpr std::size_t kData = 4 << 20; // the driver's own memory comes from below
    SimulatedMachine machine;
    SimulatedDisk disk{machine, 256};
    MmioFront front{disk};
    std::optional<Result<MmioTransport>> transport;
    std::optional<BlockDevice> device;
    int blocks_left = 0;
};

// ------------------------------------------------------------------------------------------ all formats

struct Manner {
    bool packed, indirect, events;
};

class FormatTest : public BlockTest, public testing::WithParamInterface<Manner> {
protected:
    FormatTest() {
        const auto& [packed, indirect, events] = GetParam();
        disk.features |= (packed ? feature::kPacked : 0) | (indirect ? feature::kIndirect : 0) |
                         (events ? feature::kEventIndex : 0);
        disk.largest_queue = 32;
        EXPECT_TRUE(open().ok());
        EXPECT_EQ(disk.packed(), packed);
        EXPECT_EQ(device->features() & feature::kIndirect, disk.features & feature::kIndirect);
    }
};

TEST_P(FormatTest, ReadsAndWrites) {
    fill(4096, 1);
    const std::array pieces{buffer(0, 1000), buffer(3000, 24), buffer(1000, 512)};
    ASSERT_TRUE(device->perform({Kind::Write, 512 * 9, 1536, pieces}).ok());
    EXPECT_EQ(std::memcmp(disk.content.data() + 512 * 9, data(), 1000), 0);
    EXPECT_EQ(std::memcmp(disk.content.data() + 512 * 9 + 1000, data(3000), 24), 0);
    EXPECT_EQ(std::memcmp(disk.content.data() + 512 * 9 + 1024, data(1000), 512), 0);
    const std::array whole{buffer(8192, 4096)};
    ASSERT_TRUE(device->perform({Kind::Read, 512 * 8, 4096, whole}).ok());
    EXPECT_EQ(std::memcmp(disk.content.data() + 512 * 8, data(8192), 4096), 0);
    ASSERT_TRUE(device->perform({Kind::Flush}).ok());
    EXPECT_EQ(disk.flushes, 1u);
    EXPECT_TRUE(device->idle());
}

TEST_P(FormatTest, IdentifiesAndErases) {
    const auto identity = device->identify();
    ASSERT_TRUE(identity.ok());
    EXPECT_EQ(std::string_view(identity.value().data(), 20), "SIMULATED-0123456789");
    // In parts that the device takes: 16 sectors, 8 sectors.
    ASSERT_TRUE(device->perform({Kind::Discard, 0, 512 * 40}).ok());
    EXPECT_EQ(disk.discards, 3u);
    ASSERT_TRUE(device->perform({Kind::WriteZeroes, 512 * 100, 512 * 20, {}, true}).ok());
    EXPECT_EQ(disk.discards, 6u);
    EXPECT_EQ(disk.content[512 * 40 - 1], std::byte{0});
    EXPECT_NE(disk.content[512 * 40], std::byte{0});
    EXPECT_EQ(disk.content[512 * 120 - 1], std::byte{0});
    EXPECT_EQ(device->perform({Kind::Discard, 512 * 250, 512 * 7}).error(), Error::OutOfRange);
    EXPECT_EQ(device->perform({Kind::WriteZeroes, 512 * 300, ~std::uint64_t{511}}).error(),
              Error::OutOfRange);
}

// Many in flight, completed in any order, around the rings many times: every byte is where it belongs.
TEST_P(FormatTest, ManyInFlightInAnyOrder) {
    disk.holds = true;
    std::mt19937 random(7);
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random()) % limit; };
    struct Expected {
        std::uint64_t sector;
        std::size_t at;
    };
    std::map<std::uint32_t, Expected> reads;
    unsigned completed = 0, most = 0;
    for (unsigned round = 0; round < 3000; ++round) {
        const std::uint64_t sector = below(200);
        const std::size_t at = 4096 * (round % 64); // more than can be in flight
        std::vector<DiskPiece> pieces;
        std::uint32_t done = 0;
        for (const unsigned count = 1 + below(4); pieces.size() < count; done += pieces.back().length)
            pieces.push_back(buffer(at + done, pieces.size() + 1 == count ? 2048 - done : 1 + below(500)));
        const auto token = device->start(0, {Kind::Read, sector * 512, 2048, pieces});
        if (token.ok()) {
            ASSERT_TRUE(reads.emplace(token.value(), Expected{sector, at}).second) << "token is in use";
            most = std::max<unsigned>(most, static_cast<unsigned>(reads.size()));
        } else {
            ASSERT_EQ(token.error(), Error::Busy);
        }
        if (below(3) == 0)
            device->submit(0);
        disk.take_available();
        while (!disk.waiting.empty() && (below(3) != 0 || !token.ok()))
            disk.complete(below(static_cast<unsigned>(disk.waiting.size())));
        Collector collector;
        ASSERT_TRUE(device->poll(0, collector).ok());
        for (const auto& [done_token, status] : collector.results) {
            ASSERT_TRUE(status.ok());
            const Expected& expected = reads.at(done_token);
            ASSERT_EQ(std::memcmp(data(expected.at), disk.content.data() + expected.sector * 512, 2048), 0);
            reads.erase(done_token);
            ++completed;
        }
    }
    EXPECT_GT(completed, 2000u);
    EXPECT_GT(most, 4u);
}

TEST_P(FormatTest, NotifiesNoMoreThanTheDeviceWants) {
    const std::array piece{buffer(0, 512)};
    Collector collector;
    const auto start_three = [&] {
        for (unsigned i = 0; i < 3; ++i)
            ASSERT_TRUE(device->start(0, {Kind::Read, 512 * i, 512, piece}).ok());
    };
    start_three();
    device->submit(0);
    device->submit(0); // nothing new
    EXPECT_EQ(disk.queues[0].notifications, 1u);
    ASSERT_TRUE(device->poll(0, collector).ok());
    EXPECT_EQ(collector.results.size(), 3u);

    if (GetParam().events)
        disk.event_index_far = true;
    else
        disk.suppresses_notifications = true;
    disk.take_available(); // tells so
    start_three();
    device->submit(0);
    EXPECT_EQ(disk.queues[0].notifications, 1u);
    disk.process(); // the device has looked by itself
    collector.results.clear();
    ASSERT_TRUE(device->poll(0, collector).ok());
    EXPECT_EQ(collector.results.size(), 3u);
}

TEST_P(FormatTest, RecoversFromAReset) {
    const std::array piece{buffer(0, 512)};
    disk.holds = true;
    for (unsigned i = 0; i < 3; ++i)
        ASSERT_TRUE(device->start(0, {Kind::Read, 512 * i, 512, piece}).ok());
    device->submit(0);
    disk.complete(1);
    disk.status |= status::kNeedsReset;
    Collector collector;
    ASSERT_TRUE(device->poll(0, collector).ok());
    EXPECT_EQ(collector.results.size(), 1u);
    collector.results.clear();
    ASSERT_TRUE(device->recover(collector).ok());
    EXPECT_EQ(collector.results.size(), 2u);
    for (const auto& [token, status] : collector.results)
        EXPECT_EQ(status.error(), Error::Io);
    disk.holds = false;
    for (unsigned i = 0; i < 100; ++i)
        ASSERT_TRUE(device->perform({Kind::Read, 512 * i, 512, piece}).ok());
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatTest,
                         testing::Values(Manner{false, false, false}, Manner{false, true, false},
                                         Manner{false, false, true}, Manner{false, true, true},
                                         Manner{true, false, false}, Manner{true, true, false},
                                         Manner{true, false, true}, Manner{true, true, true}),
                         [](const auto& manner) {
                             return std::string(manner.param.packed ? "Packed" : "Split") +
                                    (manner.param.indirect ? "Indirect" : "") +
                                    (manner.param.events ? "Events" : "");
                         });

// ------------------------------------------------------------------------------------------ what the device
// offers

TEST_F(BlockTest, KnowsItsProperties) {
    disk.features |= blk::kSizeMax | blk::kSegmentMax;
    disk.block_size = 4096;
    disk.size_max = 65536;
    disk.segment_max = 5;
    ASSERT_TRUE(open().ok());
    const DiskProperties& is = device->properties();
    EXPECT_EQ(is.capacity, 256u * 512);
    EXPECT_EQ(is.block_size, 4096u);
    EXPECT_EQ(is.physical_block, 8192u);
    EXPECT_EQ(is.minimum_io, 8192u);
    EXPECT_EQ(is.optimal_io, 32768u);
    EXPECT_EQ(is.largest_piece, 65536u);
    EXPECT_EQ(is.most_pieces, 5u);
    EXPECT_EQ(is.largest_discard, 8192u);
    EXPECT_EQ(is.largest_write_zeroes, 4096u);
    EXPECT_TRUE(is.can_flush && is.can_discard && is.can_write_zeroes);
    EXPECT_FALSE(is.read_only);
}

TEST_F(BlockTest, RefusesWhatTheDiskCannotDo) {
    disk.features = feature::kVersion1 | blk::kReadOnly | blk::kBlockSize | blk::kSizeMax;
    disk.block_size = 4096;
    disk.size_max = 4096;
    ASSERT_TRUE(open().ok());
    const std::array one{buffer(0, 4096)}, small{buffer(0, 512)}, large{buffer(0, 8192)};
    const std::array empty{buffer(0, 0), buffer(0, 4096)};
    EXPECT_TRUE(device->perform({Kind::Read, 4096, 4096, one}).ok());
    EXPECT_EQ(device->perform({Kind::Write, 0, 4096, one}).error(), Error::Denied);
    EXPECT_EQ(device->perform({Kind::Discard, 0, 4096}).error(), Error::Denied);
    EXPECT_EQ(device->perform({Kind::Flush}).error(), Error::Unsupported);
    EXPECT_EQ(device->perform({Kind::Read, 512, 4096, one}).error(), Error::Misaligned);
    EXPECT_EQ(device->perform({Kind::Read, 0, 512, small}).error(), Error::Misaligned);
    EXPECT_EQ(device->perform({Kind::Read, 256 * 512, 4096, one}).error(), Error::OutOfRange);
    EXPECT_EQ(device->perform({Kind::Read, ~std::uint64_t{4095}, 8192, large}).error(), Error::OutOfRange);
    EXPECT_EQ(device->perform({Kind::Read, 0, 0, {}}).error(), Error::OutOfRange);
    EXPECT_EQ(device->perform({Kind::Read, 0, 8192, large}).error(), Error::InvalidArgument); // size_max
    EXPECT_EQ(device->perform({Kind::Read, 0, 8192, one}).error(), Error::InvalidArgument);   // too few bytes
    EXPECT_EQ(device->perform({Kind::Read, 0, 4096, empty}).error(), Error::InvalidArgument);
    const std::vector<DiskPiece> many(Queue::kMaxPieces, buffer(0, 4096));
    EXPECT_EQ(device->perform({Kind::Read, 0, 4096 * Queue::kMaxPieces, many}).error(),
              Error::InvalidArgument);
}

TEST_F(BlockTest, StatusOfRequestsComesBack) {
    ASSERT_TRUE(open().ok());
    disk.holds = true;
    const std::array piece{buffer(0, 512)};
    const std::vector<std::pair<std::uint8_t, std::optional<Error>>> expected{
        {0, {}}, {1, Error::Io}, {2, Error::Unsupported}, {3, Error::Malformed}, {0xee, Error::Malformed}};
    for (const auto& [byte, error] : expected) {
        const auto token = device->start(0, {Kind::Read, 0, 512, piece});
        ASSERT_TRUE(token.ok());
        device->submit(0);
        disk.complete(0, byte);
        Collector collector;
        ASSERT_TRUE(device->poll(0, collector).ok());
        const Status status = collector.results.at(token.value());
        EXPECT_EQ(status.ok(), !error);
        EXPECT_TRUE(!error || status.error() == *error);
    }
}

TEST_F(BlockTest, SpreadsOverSeveralQueues) {
    disk.features |= blk::kMultiQueue | feature::kIndirect;
    disk.queues.resize(3);
    ASSERT_TRUE(open().ok());
    ASSERT_EQ(device->queue_count(), 3u);
    const std::array piece{buffer(0, 512)};
    Collector collector;
    for (unsigned queue = 0; queue < 3; ++queue) {
        ASSERT_TRUE(device->start(queue, {Kind::Read, 512 * queue, 512, piece}).ok());
        device->submit(queue);
        EXPECT_EQ(disk.queues[queue].notifications, 1u);
        EXPECT_FALSE(device->idle());
        ASSERT_TRUE(device->poll(queue, collector).ok());
    }
    EXPECT_EQ(collector.results.size(), 3u);
    ASSERT_TRUE(open({.most_queues = 2}).ok());
    EXPECT_EQ(device->queue_count(), 2u);
    disk.queues.resize(10);
    ASSERT_TRUE(open().ok());
    EXPECT_EQ(device->queue_count(), unsigned{BlockDevice::kMaxQueues});
}

TEST_F(BlockTest, TakesQueuesAsLargeAsTheyAre) {
    for (const auto& [largest, expected] :
         std::vector<std::pair<std::uint16_t, std::uint16_t>>{{1024, Queue::kMaxSize}, {100, 64}, {4, 4}}) {
        disk.largest_queue = largest;
        ASSERT_TRUE(open().ok());
        EXPECT_EQ(device->queue_size(), expected);
        const std::array piece{buffer(0, 512)};
        EXPECT_TRUE(device->perform({Kind::Read, 0, 512, piece}).ok());
    }
    disk.largest_queue = 2;
    EXPECT_EQ(open().error(), Error::Unsupported);
    disk.features |= feature::kIndirect;
    EXPECT_TRUE(open().ok());
    ASSERT_TRUE(open({.without_features = feature::kPacked, .largest_queue = 1}).ok());
    EXPECT_EQ(device->queue_size(), 1u);
    const std::array piece{buffer(0, 512)};
    EXPECT_TRUE(device->perform({Kind::Read, 0, 512, piece}).ok());
}

TEST_F(BlockTest, RefusesDevicesThatItCannotDrive) {
    disk.features = kAllOfTheDisk;
    EXPECT_EQ(open().error(), Error::Unsupported); // legacy
    disk.features |= feature::kVersion1;
    disk.refuses_features = true;
    EXPECT_EQ(open().error(), Error::Io);
    disk.refuses_features = false;
    for (const std::uint32_t size : {0u, 256u, 1000u, 131072u}) {
        disk.block_size = size;
        EXPECT_EQ(open().error(), Error::Unsupported) << size;
    }
    disk.block_size = 512;
    machine.allocations_left = 0;
    EXPECT_EQ(open().error(), Error::OutOfMemory);
    machine.allocations_left = 1;
    EXPECT_EQ(open().error(), Error::OutOfMemory);
    machine.allocations_left = 1000;
    EXPECT_TRUE(open().ok());
}

// ------------------------------------------------------------------------------------------ devices that
// misbehave

class HostileDeviceTest : public BlockTest, public testing::WithParamInterface<bool> {
protected:
    HostileDeviceTest() {
        disk.features |= feature::kIndirect | (GetParam() ? feature::kPacked : 0);
        disk.largest_queue = 8;
        disk.holds = true;
        EXPECT_TRUE(open().ok());
        const std::array piece{buffer(0, 512)};
        for (unsigned i = 0; i < 2; ++i) {
            const auto token = device->start(0, {Kind::Read, 512 * i, 512, piece});
            EXPECT_TRUE(token.ok());
            tokens.push_back(token.value());
        }
        device->submit(0);
    }
    // The device is out of order, both requests fail, and a new start makes all well.
    void expect_broken() {
        Collector collector;
        EXPECT_EQ(device->poll(0, collector).error(), Error::Malformed);
        const std::array piece{buffer(0, 512)};
        EXPECT_EQ(device->start(0, {Kind::Read, 0, 512, piece}).error(), Error::Io);
        EXPECT_EQ(device->poll(0, collector).error(), Error::Io);
        ASSERT_TRUE(device->recover(collector).ok());
        EXPECT_EQ(collector.results.size(), 2u);
        disk.holds = false;
        EXPECT_TRUE(device->perform({Kind::Read, 512, 512, piece}).ok());
        EXPECT_EQ(std::memcmp(data(), disk.content.data() + 512, 512), 0);
    }
    std::vector<std::uint32_t> tokens;
};

TEST_P(HostileDeviceTest, ReturnsWhatIsNotInFlight) {
    disk.push_used(0, 5, 513, 1);
    expect_broken();
}

TEST_P(HostileDeviceTest, ReturnsWhatThereIsNot) {
    for (const std::uint32_t id : {8u, 127u, 0xffffu, 0x1'0000u, 0xffff'ffffu}) {
        if (GetParam() && id > 0xffff)
            continue;
        SCOPED_TRACE(id);
        disk.push_used(0, id, 1, 1);
        Collector collector;
        EXPECT_EQ(device->poll(0, collector).error(), Error::Malformed);
        ASSERT_TRUE(device->recover(collector).ok());
        const std::array piece{buffer(0, 512)};
        for (unsigned i = 0; i < 2; ++i)
            ASSERT_TRUE(device->start(0, {Kind::Read, 512 * i, 512, piece}).ok());
        device->submit(0);
    }
}

TEST_P(HostileDeviceTest, ReturnsTheSameTwice) {
    const std::uint16_t id = disk.waiting[0].id;
    disk.push_used(0, id, 513, 1);
    disk.push_used(0, id, 513, 1);
    Collector collector;
    EXPECT_EQ(device->poll(0, collector).error(), Error::Malformed);
    EXPECT_EQ(collector.results.size(), 1u);
    ASSERT_TRUE(device->recover(collector).ok());
    EXPECT_EQ(collector.results.size(), 2u);
}

TEST_P(HostileDeviceTest, SaysThatItWroteMoreThanThereIs) {
    disk.push_used(0, disk.waiting[0].id, 514, 1);
    expect_broken();
}

TEST_P(HostileDeviceTest, JumpsAhead) {
    if (GetParam()) { // there is no index: descriptors that nobody has offered are marked as used
        disk.push_used(0, disk.waiting[0].id, 513, 1);
        disk.push_used(0, disk.waiting[1].id, 513, 1);
        disk.push_used(0, disk.waiting[1].id, 513, 1);
        Collector collector;
        EXPECT_TRUE(device->poll(0, collector).ok()); // nothing is in flight any more
        EXPECT_EQ(collector.results.size(), 2u);
        return;
    }
    const QueueAddresses& at = disk.queues[0].addresses;
    store_le(machine.at(at.device + 2, 2), std::uint16_t{3}); // of two
    expect_broken();
}

TEST_P(HostileDeviceTest, WritesAllOverItsRings) {
    std::mt19937 random(3);
    unsigned broken = 0;
    for (unsigned round = 0; round < 2000; ++round) {
        const QueueAddresses& at = disk.queues[0].addresses;
        disk.take_available();
        while (!disk.waiting.empty())
            disk.complete(0);
        for (unsigned i = 0; i < 4; ++i) {
            const std::uint64_t base = std::array{at.descriptors, at.driver, at.device}[random() % 3];
            store_le(machine.at(base + random() % 64, 1), static_cast<std::uint8_t>(random()));
        }
        Collector collector;
        const Status polled = device->poll(0, collector);
        ASSERT_LE(collector.results.size(), 8u);
        if (!polled.ok() || round % 8 == 7) {
            ++broken;
            ASSERT_TRUE(device->recover(collector).ok());
            ASSERT_TRUE(device->idle());
        }
        const std::array piece{buffer(0, 512)};
        // The simulated device checks the driver's ring, so it begins with a whole one.
        ASSERT_TRUE(device->recover(collector).ok());
        for (unsigned i = 0; i < 1 + random() % 3; ++i)
            ASSERT_TRUE(device->start(0, {Kind::Read, 512 * i, 512, piece}).ok());
    }
    EXPECT_GT(broken, 100u);
}

INSTANTIATE_TEST_SUITE_P(Formats, HostileDeviceTest, testing::Values(false, true),
                         [](const auto& packed) { return packed.param ? "Packed" : "Split"; });

TEST_F(BlockTest, GivesUpOnADeviceThatDoesNotAnswer) {
    ASSERT_TRUE(open().ok());
    disk.holds = true;
    const std::array piece{buffer(0, 512)};
    EXPECT_EQ(device->perform({Kind::Read, 0, 512, piece}).error(), Error::Io);
    EXPECT_GE(machine.now, 30'000'000'000u);
    EXPECT_EQ(device->perform({Kind::Read, 0, 512, piece}).error(), Error::Io); // at once
    disk.holds = false;
    Collector collector;
    ASSERT_TRUE(device->recover(collector).ok());
    EXPECT_TRUE(device->perform({Kind::Read, 0, 512, piece}).ok());
}

TEST_F(BlockTest, GivesUpSoonWhenTheDeviceSaysThatItNeedsAReset) {
    ASSERT_TRUE(open().ok());
    disk.holds = true;
    machine.on_pause = [this] { disk.status |= status::kNeedsReset; };
    const std::array piece{buffer(0, 512)};
    EXPECT_EQ(device->perform({Kind::Read, 0, 512, piece}).error(), Error::Io);
    EXPECT_LT(machine.now, 1'000'000'000u);
    EXPECT_EQ(device->identify().error(), Error::Io);
}

TEST_F(BlockTest, MemoryOfADeviceThatDoesNotResetIsNotGivenBack) {
    ASSERT_TRUE(open().ok());
    const int blocks = machine.live_blocks;
    EXPECT_GT(blocks, 0);
    disk.never_resets = true;
    Collector collector;
    EXPECT_EQ(device->recover(collector).error(), Error::Io);
    device.reset();
    EXPECT_EQ(machine.live_blocks, blocks);
    blocks_left = blocks;
}

TEST_F(BlockTest, ADeviceThatGrowsAcrossAResetFindsRoom) {
    disk.largest_queue = 4;
    ASSERT_TRUE(open().ok());
    disk.largest_queue = 128;
    Collector collector;
    ASSERT_TRUE(device->recover(collector).ok());
    EXPECT_EQ(device->queue_size(), 128u);
    const std::array piece{buffer(0, 512)};
    EXPECT_TRUE(device->perform({Kind::Read, 0, 512, piece}).ok());
}

} // namespace
} // namespace ashlar::virtio
