// Each table's structures, whole and broken.
#include "drivers/acpi/tables.h"

#include <gtest/gtest.h>

#include "hosttests/acpi/images.h"

namespace ashlar::acpi {
namespace {

using U8 = std::uint8_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

Image madt_body() {
    return Image().add(U32{0xfee0'0000}).add(U32{1});
}
Image srat_body() {
    return Image().add(U32{1}).add(U64{0});
}
Image& add_memory(Image& body, U32 domain, U64 base, U64 size, U32 flags) {
    return body.add(U8{1}).add(U8{40}).add(domain).add(U16{0}).add(base).add(size).add(U32{0}).add(flags).add(
        U64{0});
}
Tables parse(void (*parser)(Bytes, Tables&), const Image& image) {
    Tables tables;
    parser(ExactBytes(image), tables);
    return tables;
}

TEST(Madt, HasProcessorsControllersAndOverrides) {
    Image body = madt_body();
    body.add(U8{0}).add(U8{8}).add(U8{0}).add(U8{3}).add(U32{1});
    body.add(U8{0}).add(U8{8}).add(U8{0}).add(U8{4}).add(U32{0});
    body.add(U8{9}).add(U8{16}).add(U16{0}).add(U32{0x1234}).add(U32{1}).add(U32{0});
    body.add(U8{1}).add(U8{12}).add(U8{2}).add(U8{0}).add(U32{0xfec0'0000}).add(U32{24});
    body.add(U8{2}).add(U8{10}).add(U8{0}).add(U8{0}).add(U32{2}).add(U16{5});
    body.add(U8{5}).add(U8{12}).add(U16{0}).add(U64{0x1'fee0'0000});

    const Tables tables = parse(parse_madt, table("APIC", body));

    ASSERT_EQ(tables.cpus.count, 3u);
    EXPECT_TRUE(tables.cpus.items[0].enabled);
    EXPECT_FALSE(tables.cpus.items[1].enabled);
    EXPECT_EQ(tables.cpus.items[2].apic_id, 0x1234u);
    ASSERT_EQ(tables.io_apics.count, 1u);
    EXPECT_EQ(tables.io_apics.items[0].first_interrupt, 24u);
    ASSERT_EQ(tables.overrides.count, 1u);
    EXPECT_EQ(tables.overrides.items[0].global, 2u);
    EXPECT_EQ(tables.local_apic, PhysicalAddress(0x1'fee0'0000));
}

TEST(Madt, StructureOfLengthZeroOrBeyondTheEndIsTheLast) {
    for (const unsigned length : {0u, 1u, 9u, 255u}) {
        Image body = madt_body();
        body.add(U8{0}).add(U8{8}).add(U8{0}).add(U8{3}).add(U32{1});
        body.add(U8{0}).add(static_cast<U8>(length)).add(U8{0}).add(U8{4}).add(U32{1});
        EXPECT_EQ(parse(parse_madt, table("APIC", body)).cpus.count, 1u) << length;
    }
}

TEST(Madt, StructuresShorterThanTheirKindAreSkipped) {
    for (const unsigned type : {0u, 1u, 2u, 5u, 9u, 0x80u}) {
        Image body = madt_body();
        body.add(static_cast<U8>(type)).add(U8{2});
        const Tables tables = parse(parse_madt, table("APIC", body));
        EXPECT_TRUE(tables.has_madt);
        EXPECT_EQ(tables.cpus.count + tables.io_apics.count + tables.overrides.count, 0u);
    }
}

TEST(Madt, ProcessorsBeyondCapacityAreCounted) {
    Image body = madt_body();
    for (unsigned i = 0; i < 300; ++i)
        body.add(U8{0}).add(U8{8}).add(U8{0}).add(static_cast<U8>(i)).add(U32{1});
    const Tables tables = parse(parse_madt, table("APIC", body));
    EXPECT_EQ(tables.cpus.count, 256u);
    EXPECT_EQ(tables.cpus.dropped, 44u);
}

TEST(Srat, HasMemoryAndProcessorsByDomain) {
    Image body = srat_body();
    add_memory(body, 0x0201'0003, 0x1'0000'0000, 0x4000'0000, 3);
    body.add(U8{0}).add(U8{16}).add(U8{0x11}).add(U8{5}).add(U32{1}).add(U8{0}).add(U8{0x22}).add(
        U16{0x4433});
    body.zeros(4);
    body.add(U8{2}).add(U8{24}).add(U16{0}).add(U32{9}).add(U32{77}).add(U32{1}).add(U64{0});

    const Tables tables = parse(parse_srat, table("SRAT", body));

    ASSERT_EQ(tables.memory_affinity.count, 1u);
    EXPECT_EQ(tables.memory_affinity.items[0].domain, 0x0201'0003u);
    EXPECT_TRUE(tables.memory_affinity.items[0].hot_pluggable);
    ASSERT_EQ(tables.cpu_affinity.count, 2u);
    EXPECT_EQ(tables.cpu_affinity.items[0].domain, 0x4433'2211u);
    EXPECT_EQ(tables.cpu_affinity.items[1].apic_id, 77u);
    EXPECT_EQ(tables.cpu_affinity.items[1].domain, 9u);
}

TEST(Srat, LeavesOutMemoryThatIsEmptyDisabledOrWraps) {
    Image body = srat_body();
    add_memory(body, 0, 0x1000, 0, 1);
    add_memory(body, 0, 0x1000, 0x1000, 0);
    add_memory(body, 0, ~U64{0} - 0xfff, 0x2000, 1);
    const Tables tables = parse(parse_srat, table("SRAT", body));
    EXPECT_TRUE(tables.has_srat);
    EXPECT_EQ(tables.memory_affinity.count, 0u);
    EXPECT_EQ(tables.srat_faults, 2u); // to be disabled is no fault
}

TEST(Srat, FaultsAreCountedAndTheRestIsKept) {
    Image body = srat_body();
    add_memory(body, 4, 0, 0x1000, 1);
    body.add(U8{1}).add(U8{39}).zeros(37);  // too short for memory
    body.add(U8{0}).add(U8{15}).zeros(13);  // for a processor
    body.add(U8{0x77}).add(U8{4}).zeros(2); // of a kind that is not known
    add_memory(body, 5, 0x1000, 0x1000, 1);
    body.add(U8{1}).add(U8{200}); // beyond the end
    const Tables tables = parse(parse_srat, table("SRAT", body));
    EXPECT_EQ(tables.memory_affinity.count, 2u);
    EXPECT_EQ(tables.srat_faults, 3u);
}

TEST(Slit, HasDistances) {
    Image body;
    body.add(U64{2}).add(U8{10}).add(U8{21}).add(U8{31}).add(U8{10});
    const Tables tables = parse(parse_slit, table("SLIT", body));
    ASSERT_EQ(tables.localities, 2u);
    EXPECT_EQ(tables.distance[0][1], 21);
    EXPECT_EQ(tables.distance[1][0], 31);
}

TEST(Slit, KeepsTheFirstLocalitiesOfALargeMatrix) {
    constexpr U64 kSide = Tables::kMaxLocalities + 4;
    Image body;
    body.add(kSide);
    for (U64 i = 0; i < kSide * kSide; ++i)
        body.add(static_cast<U8>(i));
    const Tables tables = parse(parse_slit, table("SLIT", body));
    EXPECT_EQ(tables.localities, Tables::kMaxLocalities);
    EXPECT_EQ(tables.distance[1][2], kSide + 2);
}

TEST(Slit, RefusesMoreLocalitiesThanTheTableHas) {
    for (const U64 localities : {U64{0}, U64{3}, U64{0x1'0000}, U64{1} << 32, ~U64{0}}) {
        Image body;
        body.add(localities).zeros(8);
        const Tables tables = parse(parse_slit, table("SLIT", body));
        EXPECT_FALSE(tables.has_slit) << localities;
        EXPECT_TRUE(tables.slit_faulty) << localities;
    }
}

TEST(Mcfg, HasSegmentsWithSensibleBuses) {
    Image body = Image().zeros(8);
    body.add(U64{0xb000'0000}).add(U16{0}).add(U8{0}).add(U8{255}).zeros(4);
    body.add(U64{0xc000'0000}).add(U16{1}).add(U8{9}).add(U8{3}).zeros(4); // from 9 to 3
    body.zeros(15);                                                        // not a whole entry
    const Tables tables = parse(parse_mcfg, table("MCFG", body));
    ASSERT_EQ(tables.pci_segments.count, 1u);
    EXPECT_EQ(tables.pci_segments.items[0].base, PhysicalAddress(0xb000'0000));
    EXPECT_EQ(tables.pci_segments.items[0].last_bus, 255);
}

TEST(AllTables, ShorterThanTheirFixedPartAreIgnored) {
    Memory memory;
    for (std::size_t size = 0; size < 44; ++size) {
        const ExactBytes bytes(Image().zeros(size));
        Tables tables;
        parse_madt(bytes, tables);
        parse_srat(bytes, tables);
        parse_slit(bytes, tables);
        parse_mcfg(bytes, tables);
        parse_fadt(bytes, memory, tables);
        EXPECT_FALSE(tables.has_madt || tables.has_srat || tables.has_slit || tables.has_mcfg ||
                     tables.has_fadt);
    }
}

constexpr U32 kDsdt = 0x5000;

Image fadt(U32 dsdt) {
    Image body = Image().zeros(36);
    return table("FACP", body.set(4, dsdt).set(28, U32{0x604}).set(32, U32{0x704}));
}
Tables parse_fadt_with(const Image& dsdt, U32 address = kDsdt) {
    Memory memory;
    memory.put(kDsdt, dsdt);
    Tables tables;
    parse_fadt(ExactBytes(fadt(address)), memory, tables);
    return tables;
}
Image soft_off(std::initializer_list<unsigned> package) {
    Image body;
    body.zeros(5).text("_S5_").add(U8{0x12});
    for (const unsigned b : package)
        body.add(static_cast<U8>(b));
    return body;
}

TEST(Fadt, HasPowerOffPortsAndTheValuesOfS5) {
    const Tables prefixed =
        parse_fadt_with(table("DSDT", soft_off({0x07, 0x04, 0x0a, 0x05, 0x0a, 0x06, 0, 0})));
    EXPECT_EQ(prefixed.pm1a_control, 0x604);
    EXPECT_EQ(prefixed.pm1b_control, 0x704);
    EXPECT_EQ(prefixed.soft_off, std::optional<U16>(0x0605));
    // One and Zero are operators of their own.
    EXPECT_EQ(parse_fadt_with(table("DSDT", soft_off({0x06, 0x04, 1, 0, 0, 0}))).soft_off,
              std::optional<U16>(1));
    // A package length of two bytes.
    EXPECT_EQ(parse_fadt_with(table("DSDT", soft_off({0x48, 0x00, 0x04, 0x0a, 5, 0x0a, 6, 0, 0}))).soft_off,
              std::optional<U16>(0x0605));
}

TEST(Fadt, GoesWithoutS5WhenTheDsdtIsBroken) {
    for (const U32 address : {U32{0}, U32{0xf'fff0}, U32{0x10'0000}, ~U32{0}}) {
        const Tables tables = parse_fadt_with(Image(), address);
        EXPECT_TRUE(tables.has_fadt);
        EXPECT_FALSE(tables.soft_off.has_value()) << address;
    }
    const Image good = table("DSDT", soft_off({0x07, 0x04, 0x0a, 0x05, 0x0a, 0x06, 0, 0}));
    for (const U32 length : {U32{0}, U32{35}, U32{36}, U32{0x10'0001}, ~U32{0}})
        EXPECT_FALSE(parse_fadt_with(Image(good).set(4, length)).soft_off.has_value()) << length;
}

TEST(Fadt, SurvivesADsdtThatEndsWithinS5) {
    const Image good = table("DSDT", soft_off({0xc7, 0x04, 0x0a, 0x05, 0x0a, 0x06, 0, 0}));
    for (U32 length = 36; length < good.size(); ++length)
        parse_fadt_with(Image(good).set(4, length));
}

} // namespace
} // namespace ashlar::acpi
