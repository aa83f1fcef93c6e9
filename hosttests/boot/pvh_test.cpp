#include "arch/x86_64/boot/boot_protocol.h"

#include <gtest/gtest.h>

#include "hosttests/boot/memory.h"

namespace ashlar::arch {
namespace {

using kernel::BootInformation;
using kernel::MemoryRange;

constexpr std::uint64_t kInfo = 0x1000, kModules = 0x2000, kLine = 0x3000, kMap = 0x4000;

class PvhTest : public testing::Test {
protected:
    PvhTest() {
        memory.put(kInfo, std::uint32_t{0x336ec578});
        memory.put(kInfo + 4, std::uint32_t{1}); // version
        memory.put(kInfo + 16, kModules);
        memory.put(kInfo + 24, kLine);
        memory.put(kInfo + 32, std::uint64_t{0xf0000}); // RSDP
        memory.put(kInfo + 40, kMap);
        memory.put_text(kLine, "selftest=none verbose");
    }
    void put_module(std::uint64_t base, std::uint64_t size) {
        memory.put(kInfo + 12, std::uint32_t{1});
        memory.put(kModules, base);
        memory.put(kModules + 8, size);
    }
    void add_range(std::uint64_t base, std::uint64_t size, std::uint32_t type) {
        memory.put(kMap + 24 * entries, base);
        memory.put(kMap + 24 * entries + 8, size);
        memory.put(kMap + 24 * entries + 16, type);
        memory.put(kInfo + 48, ++entries);
    }
    Status read(std::uint64_t at = kInfo) { return read_pvh(memory, PhysicalAddress(at), boot); }

    BootMemory memory;
    BootInformation boot{};
    std::uint32_t entries = 0;
};

TEST_F(PvhTest, ReadsEverything) {
    add_range(0, 0xa0000, 1);
    add_range(0xf0000, 0x10000, 2);
    add_range(0x10'0000, 0x1000'0000, 3);
    add_range(0x2000'0000, 0x1000, 4);
    add_range(0x2000'1000, 0x1000, 5);
    put_module(0x100'0000, 0x1234);

    ASSERT_TRUE(read().ok());

    EXPECT_EQ(boot.protocol, "PVH");
    EXPECT_EQ(boot.command_line, "selftest=none verbose");
    EXPECT_EQ(boot.acpi_rsdp, PhysicalAddress(0xf0000));
    EXPECT_EQ(boot.bundle, PhysicalAddress(0x100'0000));
    EXPECT_EQ(boot.bundle_size, 0x1234u);
    ASSERT_EQ(boot.range_count, 5u);
    using Kind = MemoryRange::Kind;
    const Kind kinds[] = {Kind::Usable, Kind::Reserved, Kind::AcpiReclaimable, Kind::AcpiNvs, Kind::Unusable};
    for (std::size_t i = 0; i < 5; ++i)
        EXPECT_EQ(boot.ranges[i].kind, kinds[i]);
    EXPECT_EQ(boot.ranges[1].base, PhysicalAddress(0xf0000));
    EXPECT_EQ(boot.ranges[1].size, 0x10000u);
}

TEST_F(PvhTest, WithoutModuleThereIsNoBundle) {
    put_module(0x100'0000, 0x1234);
    memory.put(kInfo + 12, std::uint32_t{0});
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.bundle_size, 0u);
}

TEST_F(PvhTest, RefusesAWrongMagicAndAddressesOutsideOfMemory) {
    EXPECT_FALSE(read(0xffff).ok());
    EXPECT_FALSE(read(~std::uint64_t{0}).ok());
    memory.put(kInfo, std::uint32_t{0});
    const Status status = read();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error(), Error::Malformed);
}

TEST_F(PvhTest, RefusesVersionWithoutMemoryMap) {
    memory.put(kInfo + 4, std::uint32_t{0});
    const Status status = read();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error(), Error::Unsupported);
}

TEST_F(PvhTest, RefusesAMapOutsideOfMemory) {
    memory.put(kInfo + 48, ~std::uint32_t{0});
    EXPECT_FALSE(read().ok());
    memory.put(kInfo + 48, std::uint32_t{1});
    memory.put(kInfo + 40, ~std::uint64_t{0});
    EXPECT_FALSE(read().ok());
}

TEST_F(PvhTest, RefusesAModuleListOutsideOfMemory) {
    put_module(0x100'0000, 0x1234);
    memory.put(kInfo + 16, std::uint64_t{0xfff0});
    EXPECT_FALSE(read().ok());
}

TEST_F(PvhTest, IgnoresModuleThatIsEmptyOrWraps) {
    put_module(0x100'0000, 0);
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.bundle_size, 0u);
    put_module(~std::uint64_t{0} - 0xfff, 0x2000);
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.bundle_size, 0u);
}

TEST_F(PvhTest, IgnoresRangesThatAreEmptyOrWrap) {
    add_range(0x1000, 0, 1);
    add_range(~std::uint64_t{0} - 0xfff, 0x2000, 1);
    add_range(0x1000, 0x1000, 1);
    ASSERT_TRUE(read().ok());
    ASSERT_EQ(boot.range_count, 1u);
    EXPECT_EQ(boot.ranges[0].base, PhysicalAddress(0x1000));
}

TEST_F(PvhTest, CountsRangesBeyondCapacity) {
    for (std::size_t i = 0; i < BootInformation::kMaxRanges + 7; ++i)
        add_range(i * 0x1000, 0x1000, 1);
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.range_count, BootInformation::kMaxRanges);
    EXPECT_EQ(boot.ranges_dropped, 7u);
    // What must not be used is kept all the same: the smallest usable range makes room.
    boot.ranges[3].size = 0x800;
    boot.add_range(PhysicalAddress(0x5000), 0x1000, MemoryRange::Kind::Reserved);
    EXPECT_EQ(boot.ranges_dropped, 8u);
    EXPECT_EQ(boot.ranges[3].base, PhysicalAddress(0x5000));
    EXPECT_EQ(boot.ranges[3].kind, MemoryRange::Kind::Reserved);
}

TEST_F(PvhTest, RangesOutOfReachAreCutOff) {
    using Kind = MemoryRange::Kind;
    boot.add_range(PhysicalAddress(0x8000), 0x1000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x1000), 0x1000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x3000), 0x3000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x9000), 0x1000, Kind::Reserved);
    EXPECT_EQ(boot.limit_ranges(PhysicalAddress(0x4000)), 0x3000u);
    ASSERT_EQ(boot.range_count, 2u);
    EXPECT_EQ(boot.ranges[0].base, PhysicalAddress(0x1000));
    EXPECT_EQ(boot.ranges[1].size, 0x1000u);
    EXPECT_EQ(boot.limit_ranges(PhysicalAddress(0x4000)), 0u);
}

TEST_F(PvhTest, CommandLineIsCutWhereItsSpaceEnds) {
    memory.put_text(kLine, std::string(0xff0, 'x'));
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.command_line, std::string(1024, 'x'));
}

TEST_F(PvhTest, GoesWithoutCommandLineThatCannotBeRead) {
    memory.put(kInfo + 24, ~std::uint64_t{0});
    ASSERT_TRUE(read().ok());
    EXPECT_TRUE(boot.command_line.empty());
    memory.put(kInfo + 24, std::uint64_t{0});
    ASSERT_TRUE(read().ok());
    EXPECT_TRUE(boot.command_line.empty());
}

} // namespace
} // namespace ashlar::arch
