#include "jit/bare/disk.h"

#include <gtest/gtest.h>

#include "hosttests/bare/fake_hypervisor.h"

namespace ashlar::jit::bare {
namespace {

TEST(HypercallDisk, KnowsItsProperties) {
    FakeHypervisor fake;
    fake.disk.resize(8192);
    Hypervisor hypervisor(fake.windows);
    Result<HypercallDisk> disk = HypercallDisk::open(hypervisor, 0);
    ASSERT_TRUE(disk.ok());
    EXPECT_EQ(disk.value().capacity(), 8192u);
    EXPECT_FALSE(disk.value().read_only());
    EXPECT_EQ(disk.value().serial(), "fake");
    EXPECT_EQ(HypercallDisk::open(hypervisor, 1).error(), Error::NotFound);
}

TEST(HypercallDisk, SplitsLargeTransfers) {
    constexpr std::size_t kSize = (5 << 20) / 2 + 512;
    FakeHypervisor fake;
    fake.disk.resize(kSize + 512);
    Hypervisor hypervisor(fake.windows);
    Result<HypercallDisk> disk = HypercallDisk::open(hypervisor, 0);
    ASSERT_TRUE(disk.ok());
    std::vector<std::byte> data(kSize);
    for (std::size_t i = 0; i < kSize; ++i)
        data[i] = static_cast<std::byte>(i / 512 + i);
    fake.block_calls = 0;
    EXPECT_TRUE(disk.value().write(512, data).ok());
    EXPECT_EQ(fake.block_calls, 3u);
    std::vector<std::byte> back(kSize);
    EXPECT_TRUE(disk.value().read(512, back).ok());
    EXPECT_EQ(back, data);
}

TEST(HypercallDisk, ReportsFailuresAndForeignBuffers) {
    FakeHypervisor fake;
    fake.disk.resize(8192);
    Hypervisor hypervisor(fake.windows);
    Result<HypercallDisk> disk = HypercallDisk::open(hypervisor, 0);
    ASSERT_TRUE(disk.ok());
    std::byte buffer[512];
    fake.disk_fails = true;
    EXPECT_EQ(disk.value().read(0, buffer).error(), Error::Io);
    EXPECT_EQ(disk.value().flush().error(), Error::Io);

    const AddressWindows none;
    Hypervisor blind(none);
    EXPECT_EQ(blind.block_read(0, 0, buffer).error(), Error::OutOfRange);
}

} // namespace
} // namespace ashlar::jit::bare
