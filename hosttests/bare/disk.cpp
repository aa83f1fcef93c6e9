#include "jit/bare/disk.h"

#include <gtest/gtest.h>

#include "hosttests/bare/fake_hypervisor.h"

namespace ashlar::jit::bare {
namespace {

TEST(HypercallDisk, KnowsItsProperties) {
    FakeHypervisor fake;
    fake.disk.resize(8192);
    Hypervisor hypervisor(fake.windows);
    HypercallDisk disk(hypervisor, 0, hypervisor.block_information(0).value());
    EXPECT_EQ(disk.capacity(), 8192u);
    EXPECT_FALSE(disk.read_only());
    EXPECT_EQ(disk.serial(), "fake");
    EXPECT_EQ(hypervisor.block_information(1).error(), Error::NotFound);
}

TEST(HypercallDisk, SplitsLargeTransfers) {
    constexpr std::size_t kSize = (5 << 20) / 2 + 512;
    FakeHypervisor fake;
    fake.disk.resize(kSize + 512);
    Hypervisor hypervisor(fake.windows);
    HypercallDisk disk(hypervisor, 0, hypervisor.block_information(0).value());
    std::vector<std::byte> data(kSize);
    for (std::size_t i = 0; i < kSize; ++i)
        data[i] = static_cast<std::byte>(i / 512 + i);
    fake.block_calls = 0;
    EXPECT_TRUE(disk.write(512, data).ok());
    EXPECT_EQ(fake.block_calls, 3u);
    std::vector<std::byte> back(kSize);
    EXPECT_TRUE(disk.read(512, back).ok());
    EXPECT_EQ(back, data);
}

TEST(HypercallDisk, ReportsFailuresAndForeignBuffers) {
    FakeHypervisor fake;
    fake.disk.resize(8192);
    Hypervisor hypervisor(fake.windows);
    HypercallDisk disk(hypervisor, 0, hypervisor.block_information(0).value());
    std::byte buffer[512];
    fake.disk_fails = true;
    EXPECT_EQ(disk.read(0, buffer).error(), Error::Io);
    EXPECT_EQ(disk.flush().error(), Error::Io);

    const AddressWindows none;
    Hypervisor blind(none);
    EXPECT_EQ(blind.block_read(0, 0, buffer).error(), Error::OutOfRange);
}

} // namespace
} // namespace ashlar::jit::bare
