// What is read of one function: BARs, capabilities, MSI-X.
#include <gtest/gtest.h>

#include "drivers/pci/capabilities.h"
#include "drivers/pci/msix.h"
#include "hosttests/pci/fake_bus.h"

namespace ashlar::pci {
namespace {

using test::FakeBus;
using test::FakeFunction;

constexpr std::uint32_t kIo = 1, kMemory32 = 0, kMemory64 = 4, kPrefetchable = 8;
constexpr FunctionAddress kAt{0, 0, 3, 0};

FakeFunction make_disk() {
    FakeFunction disk{0x1af4, 0x1042, 1, 0};
    disk.set<std::uint16_t>(reg::kSubsystemVendor, 0x1af4);
    disk.set<std::uint16_t>(reg::kSubsystem, 0x1100);
    return disk;
}

TEST(Functions, SizesOfBarsWithoutDisturbingThem) {
    FakeBus bus;
    FakeFunction& disk = bus.add(3, 0, make_disk());
    disk.set<std::uint16_t>(reg::kCommand, reg::kCommandIo | reg::kCommandMemory | reg::kCommandMaster);
    disk.add_bar(0, 128, kIo, 0xc080);
    disk.add_bar(1, 4096, kMemory32, 0xfebd'1000);
    disk.add_bar(4, std::uint64_t{16} << 30, kMemory64 | kPrefetchable, std::uint64_t{32} << 30);
    const auto before = disk.bytes;
    const Function function = read_function(bus, kAt);
    EXPECT_EQ(disk.bytes, before);
    EXPECT_EQ(function.vendor, 0x1af4);
    EXPECT_EQ(function.device, 0x1042);
    EXPECT_EQ(function.subsystem, 0x1100);
    EXPECT_EQ(function.base_class, 1);
    EXPECT_EQ(function.bars[0].kind, Bar::Kind::Io);
    EXPECT_EQ(function.bars[0].address, 0xc080u);
    EXPECT_EQ(function.bars[0].size, 128u);
    EXPECT_EQ(function.bars[1].kind, Bar::Kind::Memory);
    EXPECT_EQ(function.bars[1].address, 0xfebd'1000u);
    EXPECT_EQ(function.bars[1].size, 4096u);
    EXPECT_FALSE(function.bars[1].wide || function.bars[1].prefetchable);
    EXPECT_EQ(function.bars[2].kind, Bar::Kind::None);
    EXPECT_EQ(function.bars[4].address, std::uint64_t{32} << 30);
    EXPECT_EQ(function.bars[4].size, std::uint64_t{16} << 30);
    EXPECT_TRUE(function.bars[4].wide && function.bars[4].prefetchable);
    EXPECT_EQ(function.bars[5].kind, Bar::Kind::None); // the upper half is no BAR
}

TEST(Functions, BarsThatMakeNoSenseAreNone) {
    FakeBus bus;
    FakeFunction& disk = bus.add(3, 0, make_disk());
    disk.add_bar(0, 4096, kMemory32, 0);
    disk.mask[reg::kBar0 + 2] = 0xf0; // a gap in the address bits
    disk.add_bar(1, 4096, kMemory32, 0xfebd'1000);
    disk.set<std::uint32_t>(reg::kBar0 + 4, 0xfebd'1000);
    disk.add_bar(5, 4096, kMemory32, 0);
    disk.set<std::uint32_t>(reg::kBar0 + 20, kMemory64); // without a register for the upper half
    const Function function = read_function(bus, kAt);
    EXPECT_EQ(function.bars[0].kind, Bar::Kind::None);
    EXPECT_TRUE(function.bars[1].assigned());
    EXPECT_EQ(function.bars[5].kind, Bar::Kind::None);
    FakeFunction& bridge = bus.add(4, 0, FakeFunction{0x8086, 0x29c0, 6, 0}); // to the CPU: left alone
    bridge.add_bar(0, 4096, kMemory32, 0xfebd'2000);
    EXPECT_EQ(read_function(bus, {0, 0, 4, 0}).bars[0].kind, Bar::Kind::None);
}

TEST(Functions, CapabilitiesAreFollowedWithinBounds) {
    FakeBus bus;
    FakeFunction& disk = bus.add(3, 0, make_disk());
    EXPECT_FALSE(find_capability(bus, kAt, capability::kMsi));
    disk.add_capability(0x40, capability::kMsi, {});
    disk.add_capability(0x60, capability::kExpress, {});
    EXPECT_EQ(find_capability(bus, kAt, capability::kMsi), 0x40);
    EXPECT_EQ(find_capability(bus, kAt, capability::kExpress), 0x60);
    EXPECT_FALSE(find_capability(bus, kAt, capability::kMsix));
    const Function function = read_function(bus, kAt);
    EXPECT_TRUE(function.msi && function.express);

    disk.set<std::uint8_t>(0x41, 0x60); // a loop
    unsigned steps = 0;
    for_each_capability(bus, kAt, [&](std::uint8_t, std::uint16_t) { return ++steps < 1000; });
    EXPECT_LE(steps, 48u);
    disk.set<std::uint8_t>(0x41, 0x04); // into the header
    EXPECT_FALSE(find_capability(bus, kAt, capability::kMsix));
}

TEST(Functions, ExtendedCapabilities) {
    FakeBus bus;
    FakeFunction& disk = bus.add(3, 0, make_disk());
    std::vector<std::pair<unsigned, unsigned>> seen;
    const auto collect = [&](std::uint16_t id, std::uint16_t offset) {
        seen.emplace_back(id, offset);
        return seen.size() < 5000;
    };
    for_each_extended_capability(bus, kAt, collect);
    EXPECT_TRUE(seen.empty());
    disk.set<std::uint32_t>(0x100, 0x0001u | 1u << 16 | 0x140u << 20);
    disk.set<std::uint32_t>(0x140, 0x000du | 1u << 16);
    for_each_extended_capability(bus, kAt, collect);
    EXPECT_EQ(seen, (std::vector<std::pair<unsigned, unsigned>>{{1, 0x100}, {0xd, 0x140}}));
    seen.clear();
    disk.set<std::uint32_t>(0x140, 0x000du | 1u << 16 | 0x100u << 20); // a loop
    for_each_extended_capability(bus, kAt, collect);
    EXPECT_LE(seen.size(), 480u);
}

class MsixTest : public testing::Test {
protected:
    MsixTest() {
        disk.add_bar(1, 4096, kMemory32, 0xfebd'1000);
        disk.add_bar(4, 16384, kMemory64, 0xfe00'0000);
    }
    // Words of the capability after its first 16 bits.
    std::optional<MsixLayout> read(std::uint16_t control, std::uint32_t table, std::uint32_t pending) {
        disk.set<std::uint8_t>(reg::kCapabilities, 0);
        std::vector<std::uint8_t> rest(10);
        store_le(rest.data(), control);
        store_le(rest.data() + 2, table);
        store_le(rest.data() + 6, pending);
        disk.add_capability(0x98, capability::kMsix, rest);
        return read_function(bus, kAt).msix;
    }
    FakeBus bus;
    FakeFunction& disk = bus.add(3, 0, make_disk());
};

TEST_F(MsixTest, TellsWhereTheVectorsAre) {
    const auto layout = read(63, 0x1000 | 4, 0x800 | 1);
    ASSERT_TRUE(layout);
    EXPECT_EQ(layout->vectors, 64);
    EXPECT_EQ(layout->table_bar, 4);
    EXPECT_EQ(layout->table_offset, 0x1000u);
    EXPECT_EQ(layout->pending_bar, 1);
    EXPECT_EQ(layout->pending_offset, 0x800u);
    EXPECT_EQ(layout->capability, 0x98);
}

TEST_F(MsixTest, TablesThatDoNotLieInABarAreNone) {
    EXPECT_TRUE(read(255, 0 | 1, 0 | 4));          // 256 * 16 bytes fill it
    EXPECT_FALSE(read(256, 0 | 1, 0 | 4));         // one too many
    EXPECT_FALSE(read(0, 0xff8 | 1, 0 | 4));       // half outside
    EXPECT_FALSE(read(0, 0xffff'fff8 | 1, 0 | 4)); // far outside
    EXPECT_FALSE(read(0, 0 | 2, 0 | 4));           // no BAR
    EXPECT_FALSE(read(0, 0 | 6, 0 | 4));           // no such BAR
    EXPECT_FALSE(read(0, 0 | 1, 0x4000 | 4));      // pending bits outside
    EXPECT_FALSE(read(0, 0 | 5, 0 | 4));           // the upper half of one
}

TEST_F(MsixTest, VectorsAreMaskedWhileTheyChange) {
    std::vector<std::uint32_t> words(4 * 4, 0);
    for (unsigned i = 3; i < words.size(); i += 4)
        words[i] = 1; // as after reset
    MsixTable table(reinterpret_cast<volatile std::byte*>(words.data()), 4);
    EXPECT_TRUE(table.masked(2));
    table.set(2, {0x1'fee0'1000, 0x4041});
    EXPECT_EQ(words[8], 0xfee0'1000u);
    EXPECT_EQ(words[9], 1u);
    EXPECT_EQ(words[10], 0x4041u);
    EXPECT_FALSE(table.masked(2));
    EXPECT_TRUE(table.masked(1));
    table.mask(2, true);
    EXPECT_TRUE(table.masked(2));
    EXPECT_EQ(words[10], 0x4041u);
}

TEST_F(MsixTest, TurningVectorsOnTurnsThePinOff) {
    ASSERT_TRUE(read(3, 0 | 1, 0x800 | 1));
    disk.mask[0x9b] = 0xc0;
    const Function function = read_function(bus, kAt);
    enable_msix(bus, function, true);
    EXPECT_EQ(disk.get<std::uint16_t>(0x9a), 0x8003);
    EXPECT_EQ(disk.get<std::uint16_t>(reg::kCommand) & reg::kCommandNoInterrupt, reg::kCommandNoInterrupt);
    enable_msix(bus, function, false);
    EXPECT_EQ(disk.get<std::uint16_t>(0x9a), 0x0003);
    EXPECT_EQ(disk.get<std::uint16_t>(reg::kCommand) & reg::kCommandNoInterrupt, 0);
}

TEST(Functions, AreDescribedInOneLine) {
    FakeBus bus;
    FakeFunction& disk = bus.add(3, 0, make_disk());
    disk.add_bar(0, 128, kIo, 0xc080);
    disk.add_bar(1, 4096, kMemory32, 0);
    disk.add_bar(4, 16384, kMemory64, 0x1'0000'0000);
    std::vector<std::uint8_t> rest(10);
    store_le(rest.data(), std::uint16_t{2});
    store_le(rest.data() + 2, std::uint32_t{1});
    store_le(rest.data() + 6, std::uint32_t{0x800 | 1});
    disk.add_capability(0x98, capability::kMsix, rest);
    test::TextSink sink;
    describe(sink, read_function(bus, kAt));
    EXPECT_EQ(sink.text,
              "00:03.0 1af4:1042 01.00.00 SCSI, bar0 io 0xc080+0x80, bar1 mem32 unassigned+0x1000, "
              "bar4 mem64 0x100000000+0x4000, msix 3");
    test::TextSink elsewhere;
    describe(elsewhere, FunctionAddress{2, 0x1f, 31, 7});
    EXPECT_EQ(elsewhere.text, "0002:1f:1f.7");
}

} // namespace
} // namespace ashlar::pci
