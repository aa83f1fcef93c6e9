// Several users of one disk: shares, errors, a disk that gives up.
#include "drivers/virtio/shared_disk.h"

#include <gtest/gtest.h>

#include "drivers/virtio/mmio_transport.h"
#include "hosttests/virtio/simulated_disk.h"

namespace ashlar::virtio {
namespace {

using test::MmioFront, test::SimulatedDisk, test::SimulatedMachine;
using Kind = DiskRequest::Kind;

constexpr std::uint64_t kRegisters = 0xfe00'0000;

struct User final : DiskUser {
    void completed(std::uint16_t tag, Status status) override { results.emplace_back(tag, status.ok()); }
    void settle() override { ++settled; }
    Status read(std::uint64_t offset, std::uint16_t tag) {
        const DiskPiece piece{SimulatedMachine::kMemory + (4 << 20) + offset, 512};
        const Status status = port->start({Kind::Read, offset, 512, {&piece, 1}}, tag);
        port->submit();
        return status;
    }
    DiskPort* port = nullptr;
    std::vector<std::pair<std::uint16_t, bool>> results;
    unsigned settled = 0;
};

class SharedDiskTest : public testing::Test {
protected:
    SharedDiskTest() {
        machine.attach(kRegisters, 0x200, front);
        machine.on_pause = [this] { model.process(); };
        model.largest_queue = 8;
        model.features |= feature::kIndirect;
        transport.emplace(MmioTransport::open(PhysicalAddress(kRegisters), 0x200, machine));
        EXPECT_TRUE(transport->ok());
        device.emplace(transport->value(), machine);
        EXPECT_TRUE(device->initialize().ok());
        disk.emplace(*device, machine);
        for (User* const user : {&one, &two})
            user->port = disk->join(*user).value();
        model.holds = true;
    }
    void fill(User& user, unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            EXPECT_TRUE(user.read(512 * i, static_cast<std::uint16_t>(i)).ok()) << i;
    }

    SimulatedMachine machine;
    SimulatedDisk model{machine, 256};
    MmioFront front{model};
    std::optional<Result<MmioTransport>> transport;
    std::optional<BlockDevice> device;
    std::optional<SharedDisk> disk;
    User one, two;
};

TEST_F(SharedDiskTest, NobodyGetsMoreThanItsShare) {
    fill(one, 4);
    const Status more = one.read(0, 9);
    EXPECT_TRUE(!more.ok() && more.error() == Error::Busy);
    fill(two, 4);
    EXPECT_TRUE(disk->busy());
    EXPECT_EQ(disk->in_flight_of(one), 4u);
}

TEST_F(SharedDiskTest, AnswersReachWhoAsked) {
    fill(one, 2);
    fill(two, 1);
    model.take_available();
    model.complete(2); // two's
    model.complete(0, block::kIoError);
    disk->poll();
    EXPECT_EQ(one.results, (std::vector<std::pair<std::uint16_t, bool>>{{0, false}}));
    EXPECT_EQ(two.results, (std::vector<std::pair<std::uint16_t, bool>>{{0, true}}));
    EXPECT_EQ(one.settled, 1u);
    EXPECT_EQ(two.settled, 1u); // there may be room now
    disk->poll();
    EXPECT_EQ(one.settled, 1u);
    EXPECT_TRUE(disk->armed());
    model.complete(0);
    disk->poll();
    EXPECT_FALSE(disk->busy());
}

TEST_F(SharedDiskTest, ASilentDiskIsResetAndWorksOn) {
    fill(one, 1);
    fill(two, 1);
    const unsigned resets = model.resets;
    for (int i = 0; i < 20; ++i) {
        machine.now += 1'000'000'000;
        disk->poll();
    }
    EXPECT_EQ(model.resets, resets);
    for (int i = 0; i < 11; ++i) {
        machine.now += 1'000'000'000;
        disk->poll();
    }
    EXPECT_GT(model.resets, resets);
    EXPECT_EQ(one.results, (std::vector<std::pair<std::uint16_t, bool>>{{0, false}}));
    EXPECT_EQ(two.results, (std::vector<std::pair<std::uint16_t, bool>>{{0, false}}));
    model.holds = false;
    ASSERT_TRUE(one.read(0, 5).ok());
    model.process();
    disk->poll();
    ASSERT_EQ(one.results.size(), 2u);
    EXPECT_EQ(one.results[1], (std::pair<std::uint16_t, bool>{5, true}));
}

TEST_F(SharedDiskTest, ADiskThatAsksForAResetGetsIt) {
    fill(one, 1);
    model.status |= status::kNeedsReset;
    machine.now += 1'000'000'000;
    disk->poll();
    EXPECT_EQ(one.results, (std::vector<std::pair<std::uint16_t, bool>>{{0, false}}));
    EXPECT_TRUE(one.read(0, 1).ok());
}

TEST_F(SharedDiskTest, ADiskThatBreaksTheRulesIsReset) {
    fill(one, 1);
    model.take_available();
    model.push_used(0, 7, 0, 1); // is not in flight
    disk->poll();
    EXPECT_EQ(one.results, (std::vector<std::pair<std::uint16_t, bool>>{{0, false}}));
    EXPECT_TRUE(one.read(0, 1).ok());
}

TEST_F(SharedDiskTest, ADiskThatDoesNotResetIsSaidSo) {
    fill(one, 1);
    model.never_resets = true;
    const Status status = disk->reset();
    EXPECT_TRUE(!status.ok() && status.error() == Error::Io);
    EXPECT_FALSE(disk->busy()); // as far as users are concerned
    EXPECT_FALSE(one.read(0, 1).ok());
    model.never_resets = false;
}

TEST_F(SharedDiskTest, UsersComeAndGo) {
    std::array<User, SharedDisk::kMaxUsers - 2> others;
    for (User& user : others)
        EXPECT_TRUE(disk->join(user).ok());
    User late;
    EXPECT_FALSE(disk->join(late).ok());
    disk->leave(others[3]);
    EXPECT_TRUE(disk->join(late).ok());
}

} // namespace
} // namespace ashlar::virtio
