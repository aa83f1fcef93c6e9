// From the RSDP to the tables: what is found, what is left out, what is refused.
#include "drivers/acpi/tables.h"

#include <gtest/gtest.h>

#include "hosttests/acpi/images.h"

namespace ashlar::acpi {
namespace {

constexpr std::uint64_t kRsdp = 0x1000, kRoot = 0x2000, kFirst = 0x3000, kSecond = 0x4000;
constexpr PhysicalAddress kSearch{};

// A MADT with one processor of that APIC identifier.
Image madt(std::uint8_t apic_id) {
    Image body;
    body.add(std::uint32_t{0xfee0'0000}).add(std::uint32_t{1});
    body.add(std::uint8_t{0}).add(std::uint8_t{8}).add(std::uint8_t{0}).add(apic_id).add(std::uint32_t{1});
    return table("APIC", body);
}
Image slit() {
    return table("SLIT", Image().add(std::uint64_t{1}).add(std::uint8_t{10}));
}

class TablesTest : public testing::Test {
protected:
    void put_rsdt(std::initializer_list<std::uint32_t> addresses) {
        Image body;
        for (const std::uint32_t address : addresses)
            body.add(address);
        memory.put(kRsdp, rsdp(kRoot));
        memory.put(kRoot, table("RSDT", body));
    }
    void put_xsdt(std::initializer_list<std::uint64_t> addresses) {
        Image body;
        for (const std::uint64_t address : addresses)
            body.add(address);
        memory.put(kRsdp, rsdp(0, kRoot));
        memory.put(kRoot, table("XSDT", body));
    }
    Result<Tables> read(PhysicalAddress at = PhysicalAddress(kRsdp)) {
        return read_tables(memory, at, diagnostics);
    }
    bool complains() const { return diagnostics.view().find("left out") != std::string_view::npos; }

    Memory memory;
    BufferSink<4096> diagnostics;
};

TEST_F(TablesTest, FollowsTheRsdt) {
    put_rsdt({kFirst, kSecond});
    memory.put(kFirst, madt(7));
    memory.put(kSecond, slit());

    const Result<Tables> tables = read();

    ASSERT_TRUE(tables.ok());
    EXPECT_TRUE(tables.value().has_slit);
    ASSERT_EQ(tables.value().cpus.count, 1u);
    EXPECT_EQ(tables.value().cpus.items[0].apic_id, 7u);
    EXPECT_TRUE(diagnostics.view().empty());
}

TEST_F(TablesTest, FollowsTheXsdtRatherThanTheRsdt) {
    put_xsdt({kFirst});
    memory.put(kRsdp, rsdp(0x8000, kRoot)); // nothing lies at 0x8000
    memory.put(kFirst, madt(7));

    const Result<Tables> tables = read();

    ASSERT_TRUE(tables.ok());
    EXPECT_EQ(tables.value().cpus.count, 1u);
}

TEST_F(TablesTest, FallsBackToTheRsdtWhenTheLongChecksumIsWrong) {
    put_rsdt({kFirst});
    Image pointer = rsdp(kRoot, 0x8000);
    pointer.set(33, std::uint8_t{0x55});
    memory.put(kRsdp, pointer);
    memory.put(kFirst, madt(7));

    const Result<Tables> tables = read();

    ASSERT_TRUE(tables.ok());
    EXPECT_EQ(tables.value().cpus.count, 1u);
}

TEST_F(TablesTest, SearchesTheBiosArea) {
    put_rsdt({kFirst});
    memory.put(kFirst, madt(7));
    for (const std::uint64_t at : {0xe0000u, 0xf1230u, 0xfffe0u}) {
        memory.put(at, rsdp(kRoot));
        EXPECT_TRUE(read(kSearch).ok()) << std::hex << at;
        memory.put(at, Image().zeros(20));
    }
}

TEST_F(TablesTest, SearchWantsAlignmentAndChecksum) {
    put_rsdt({});
    memory.put(0xe0008, rsdp(kRoot));
    memory.put(0xe0100, rsdp(kRoot).set(8, std::uint8_t{0x77}));
    ASSERT_FALSE(read(kSearch).ok());
    EXPECT_EQ(read(kSearch).error(), Error::NotFound);
}

TEST_F(TablesTest, SearchWithoutBiosAreaFails) {
    Memory small(0x8000);
    const Result<Tables> tables = read_tables(small, kSearch, diagnostics);
    ASSERT_FALSE(tables.ok());
    EXPECT_EQ(tables.error(), Error::OutOfRange);
}

TEST_F(TablesTest, RefusesABrokenRsdp) {
    put_rsdt({});
    memory.put(kRsdp, rsdp(kRoot).set(8, std::uint8_t{0x77}));
    EXPECT_FALSE(read().ok());
    memory.put(kRsdp, Image().zeros(36));
    EXPECT_FALSE(read().ok());
    EXPECT_FALSE(read(PhysicalAddress(0xffff8)).ok()); // its end lies beyond memory
    EXPECT_FALSE(read(PhysicalAddress(~std::uint64_t{0})).ok());
}

TEST_F(TablesTest, RefusesABrokenRoot) {
    memory.put(kRsdp, rsdp(kRoot));
    memory.put(kRoot, table("XSDT", {})); // which is not what an RSDP of revision 0 points to
    EXPECT_FALSE(read().ok());
    memory.put(kRoot, table("RSDT", {}).set(9, std::uint8_t{0x77}));
    EXPECT_FALSE(read().ok());
    memory.put(kRsdp, rsdp(0xffff'fff0));
    EXPECT_FALSE(read().ok());
}

TEST_F(TablesTest, LeavesOutATableWithAWrongChecksum) {
    put_rsdt({kFirst, kSecond});
    memory.put(kFirst, madt(7).set(9, std::uint8_t{0x77}));
    memory.put(kSecond, slit());

    const Result<Tables> tables = read();

    ASSERT_TRUE(tables.ok());
    EXPECT_FALSE(tables.value().has_madt);
    EXPECT_TRUE(tables.value().has_slit);
    EXPECT_NE(diagnostics.view().find("table at 0x3000 left out: malformed"), std::string_view::npos)
        << diagnostics.view();
}

TEST_F(TablesTest, LeavesOutATableWhoseLengthIsAbsurd) {
    for (const std::uint32_t length : {0u, 1u, 35u, 0x10'0001u, 0xffff'ffffu, 0xf'ffffu}) {
        put_rsdt({kFirst});
        memory.put(kFirst, madt(7).set(4, length));
        diagnostics.clear();
        const Result<Tables> tables = read();
        ASSERT_TRUE(tables.ok()) << length;
        EXPECT_FALSE(tables.value().has_madt) << length;
        EXPECT_TRUE(complains()) << length;
    }
}

TEST_F(TablesTest, LeavesOutATableOutsideOfMemory) {
    put_xsdt({0, 0xffff0, 0x10'0000, ~std::uint64_t{0}, ~std::uint64_t{35}, kFirst});
    memory.put(kFirst, madt(7));

    const Result<Tables> tables = read();

    ASSERT_TRUE(tables.ok());
    EXPECT_EQ(tables.value().cpus.count, 1u);
    EXPECT_TRUE(complains());
}

TEST_F(TablesTest, IgnoresHalfAnEntryAtTheRootsEnd) {
    memory.put(kRsdp, rsdp(kRoot));
    memory.put(kRoot, table("RSDT", Image().add(std::uint32_t{kFirst}).zeros(3)));
    memory.put(kFirst, madt(7));
    ASSERT_TRUE(read().ok());
    EXPECT_TRUE(diagnostics.view().empty());
}

TEST_F(TablesTest, SurvivesEveryByteBeingWrong) {
    put_xsdt({kFirst, kSecond});
    memory.put(kSecond, slit());
    const Image good = madt(7);
    for (std::size_t offset = 0; offset < good.size(); ++offset)
        for (const unsigned value : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu}) {
            Image bad = good;
            bad.set(offset, static_cast<std::uint8_t>(value));
            if (offset < 4 || offset > 7) // with a right checksum its contents are looked at
                bad.checksum(9, bad.size());
            memory.put(kFirst, bad);
            diagnostics.clear();
            const Result<Tables> tables = read();
            ASSERT_TRUE(tables.ok());
            EXPECT_TRUE(tables.value().has_slit);
        }
}

} // namespace
} // namespace ashlar::acpi
