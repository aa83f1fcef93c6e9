// DMAR and IVRS, whole and broken.
#include "drivers/acpi/tables.h"

#include <random>

#include <gtest/gtest.h>

#include "hosttests/acpi/images.h"

namespace ashlar::acpi {
namespace {

using U8 = std::uint8_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

Remapping parse(void (*parser)(Bytes, Tables&), const Image& image) {
    auto tables = std::make_unique<Tables>();
    parser(ExactBytes(image), *tables);
    return tables->remapping;
}

Image dmar_body() {
    return Image().add(U8{38}).add(U8{1}).zeros(10);
}
Image& add_drhd(Image& body, U64 registers, U8 flags, const Image& scopes = {}) {
    body.add(U16{0})
        .add(static_cast<U16>(16 + scopes.size()))
        .add(flags)
        .add(U8{0})
        .add(U16{0})
        .add(registers);
    for (const std::byte b : scopes.bytes())
        body.add(std::to_integer<U8>(b));
    return body;
}
Image scope(U8 type, U8 id, U8 bus, std::initializer_list<U8> path) {
    Image image;
    image.add(type).add(static_cast<U8>(6 + path.size())).add(U16{0}).add(id).add(bus);
    for (const U8 step : path)
        image.add(step);
    return image;
}
Image& add_rmrr(Image& body, U64 begin, U64 last) {
    return body.add(U16{1})
        .add(U16{32})
        .add(U16{0})
        .add(U16{0})
        .add(begin)
        .add(last)
        .add(U8{1})
        .add(U8{8})
        .add(U16{0})
        .add(U8{0})
        .add(U8{0})
        .add(U8{0x1d})
        .add(U8{7});
}

TEST(Dmar, HasUnitsWithScopesAndReservedRegions) {
    Image body = dmar_body();
    add_drhd(body, 0xfed9'0000, 0, scope(1, 0, 0, {2, 0}));
    add_drhd(body, 0xfed9'1000, 1, scope(3, 5, 0xff, {0, 0}));
    add_rmrr(body, 0x7c00'0000, 0x7c0f'ffff);
    body.add(U16{2}).add(U16{8}).add(U32{0});

    const Remapping remapping = parse(parse_dmar, table("DMAR", body));

    EXPECT_EQ(remapping.kind, Remapping::Kind::VtD);
    EXPECT_TRUE(remapping.interrupts);
    EXPECT_EQ(remapping.address_bits, 39);
    ASSERT_EQ(remapping.units.count, 2u);
    EXPECT_FALSE(remapping.units.items[0].all);
    EXPECT_TRUE(remapping.units.items[1].all);
    EXPECT_EQ(remapping.units.items[1].registers, PhysicalAddress(0xfed9'1000));
    ASSERT_EQ(remapping.scopes.count, 3u);
    EXPECT_EQ(remapping.scopes.items[0].path[0].device, 2);
    EXPECT_EQ(remapping.scopes.items[1].kind, DeviceScope::Kind::IoApic);
    EXPECT_EQ(remapping.scopes.items[1].owner, 1);
    EXPECT_EQ(remapping.scopes.items[1].id, 5);
    EXPECT_EQ(remapping.scopes.items[1].bus, 0xff);
    EXPECT_EQ(remapping.scopes.items[2].of, DeviceScope::Of::Region);
    EXPECT_EQ(remapping.scopes.items[2].path[0].function, 7);
    ASSERT_EQ(remapping.regions.count, 1u);
    EXPECT_EQ(remapping.regions.items[0].begin, 0x7c00'0000u);
    EXPECT_EQ(remapping.regions.items[0].end, 0x7c10'0000u);
    EXPECT_EQ(remapping.translation_services, 1u);
    EXPECT_EQ(remapping.faults, 0u);
}

TEST(Dmar, StructureOfALengthThatMakesNoSenseIsTheLast) {
    for (const unsigned length : {0u, 3u, 17u, 0xffffu}) {
        Image body = dmar_body();
        add_drhd(body, 0xfed9'0000, 1);
        body.add(U16{0}).add(static_cast<U16>(length)).zeros(12);
        const Remapping remapping = parse(parse_dmar, table("DMAR", body));
        EXPECT_EQ(remapping.units.count, 1u) << length;
        EXPECT_EQ(remapping.faults, 1u) << length;
    }
}

TEST(Dmar, ScopesThatMakeNoSenseEndTheirList) {
    for (const unsigned length : {0u, 5u, 6u, 7u, 24u, 255u}) {
        Image scopes = scope(1, 0, 0, {1, 0});
        scopes.add(U8{1}).add(static_cast<U8>(length)).zeros(22);
        Image body = dmar_body();
        add_drhd(body, 0xfed9'0000, 0, scopes);
        add_drhd(body, 0xfed9'1000, 1);
        const Remapping remapping = parse(parse_dmar, table("DMAR", body));
        EXPECT_EQ(remapping.units.count, 2u) << length;
        EXPECT_EQ(remapping.scopes.count, 1u) << length;
        EXPECT_EQ(remapping.faults, 1u) << length;
    }
}

TEST(Dmar, WhatCannotBeIsLeftOut) {
    Image body = dmar_body();
    add_drhd(body, 0, 0);
    add_drhd(body, 0xfed9'0010, 0);
    add_drhd(body, 0xfed9'0000, 1, scope(1, 0, 0, {32, 0}));
    add_rmrr(body, 0x1000, 0xfff);
    add_rmrr(body, 0x1001, 0x1fff);
    add_rmrr(body, 0x1000, ~U64{0});

    const Remapping remapping = parse(parse_dmar, table("DMAR", body));

    EXPECT_EQ(remapping.units.count, 1u);
    EXPECT_EQ(remapping.regions.count, 0u);
    EXPECT_EQ(remapping.scopes.count, 0u);
    EXPECT_EQ(remapping.faults, 6u);
}

TEST(Dmar, UnitsBeyondCapacityAreCounted) {
    Image body = dmar_body();
    for (unsigned i = 0; i < 20; ++i)
        add_drhd(body, 0xfed9'0000 + 0x1000 * i, 0, scope(1, 0, 0, {1, 0}));
    const Remapping remapping = parse(parse_dmar, table("DMAR", body));
    EXPECT_EQ(remapping.units.count, 16u);
    EXPECT_EQ(remapping.units.dropped, 4u);
    EXPECT_EQ(remapping.scopes.count, 16u); // none of units that are not there
}

TEST(Dmar, MayBeTruncatedAnywhereAndOfAnyBytes) {
    Image body = dmar_body();
    add_drhd(body, 0xfed9'0000, 0, scope(1, 0, 0, {2, 0}));
    add_rmrr(body, 0x7c00'0000, 0x7c0f'ffff);
    const Image whole = table("DMAR", body);
    std::mt19937 random(7);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        Image cut;
        for (std::size_t i = 0; i < size; ++i)
            cut.add(std::to_integer<U8>(whole.bytes()[i]));
        EXPECT_LE(parse(parse_dmar, cut).units.count, 1u);
        for (unsigned round = 0; round < 20 && size > 48; ++round) {
            Image changed = cut;
            changed.set(48 + random() % (size - 48), static_cast<U8>(random()));
            parse(parse_dmar, changed);
        }
    }
}

Image ivrs_body() {
    return Image().add(U32{0x0020'3040}).zeros(8); // 48 bits physical
}
Image& add_ivhd(Image& body, U8 type, U64 registers, const Image& entries) {
    const std::size_t header = type == 0x10 ? 24 : 40;
    body.add(type).add(U8{0}).add(static_cast<U16>(header + entries.size())).add(U16{0x10}).add(U16{0x40});
    body.add(registers).add(U16{0}).add(U16{0}).add(U32{0}).zeros(header - 24);
    for (const std::byte b : entries.bytes())
        body.add(std::to_integer<U8>(b));
    return body;
}

TEST(Ivrs, HasUnitsRequestersAndRegions) {
    Image entries;
    entries.add(U8{3}).add(U16{0x0008}).add(U8{0}).add(U8{4}).add(U16{0xffff}).add(U8{0});
    entries.add(U8{2}).add(U16{0x0100}).add(U8{0x80});
    entries.add(U8{66}).add(U16{0x0200}).add(U8{0}).add(U8{0}).add(U16{0x00a4}).add(U8{0});
    entries.add(U8{72}).add(U16{0}).add(U8{0xd7}).add(U8{0}).add(U16{0x00a0}).add(U8{1});
    Image body = ivrs_body();
    add_ivhd(body, 0x10, 0xfed8'0000, entries);
    add_ivhd(body, 0x11, 0xfed8'0000, entries); // the same unit
    body.add(U8{0x22})
        .add(U8{0})
        .add(U16{32})
        .add(U16{8})
        .add(U16{16})
        .zeros(8)
        .add(U64{0x7000'0000})
        .add(U64{0x2000});

    const Remapping remapping = parse(parse_ivrs, table("IVRS", body));

    EXPECT_EQ(remapping.kind, Remapping::Kind::AmdVi);
    EXPECT_EQ(remapping.address_bits, 48);
    ASSERT_EQ(remapping.units.count, 1u);
    EXPECT_EQ(remapping.units.items[0].requester, 0x10);
    EXPECT_EQ(remapping.units.items[0].capability, 0x40);
    ASSERT_EQ(remapping.requesters.count, 4u);
    EXPECT_EQ(remapping.requesters.items[0].first, 8);
    EXPECT_EQ(remapping.requesters.items[0].last, 0xffff);
    EXPECT_EQ(remapping.requesters.items[1].settings, 0x80);
    EXPECT_EQ(remapping.requesters.items[2].alias, 0xa4);
    EXPECT_EQ(remapping.requesters.items[3].kind, RequesterRange::Kind::IoApic);
    EXPECT_EQ(remapping.requesters.items[3].first, 0xa0);
    ASSERT_EQ(remapping.regions.count, 1u);
    EXPECT_EQ(remapping.regions.items[0].end, 0x7000'2000u);
    EXPECT_EQ(remapping.regions.items[0].last, 16);
    EXPECT_EQ(remapping.faults, 0u);
}

TEST(Ivrs, RangesWithoutEndOrBeginAreLeftOut) {
    Image entries;
    entries.add(U8{4}).add(U16{7}).add(U8{0});
    entries.add(U8{3}).add(U16{9}).add(U8{0}).add(U8{4}).add(U16{7}).add(U8{0});
    entries.add(U8{3}).add(U16{9}).add(U8{0});
    Image body = ivrs_body();
    add_ivhd(body, 0x10, 0xfed8'0000, entries);
    const Remapping remapping = parse(parse_ivrs, table("IVRS", body));
    EXPECT_EQ(remapping.requesters.count, 0u);
    EXPECT_EQ(remapping.faults, 3u);
}

TEST(Ivrs, MayBeTruncatedAnywhereAndOfAnyBytes) {
    Image entries;
    entries.add(U8{72}).add(U16{0}).add(U8{0xd7}).add(U8{0}).add(U16{0x00a0}).add(U8{1});
    entries.add(U8{3}).add(U16{8}).add(U8{0}).add(U8{4}).add(U16{0xffff}).add(U8{0});
    Image body = ivrs_body();
    add_ivhd(body, 0x11, 0xfed8'0000, entries);
    body.add(U8{0x20}).add(U8{0}).add(U16{32}).zeros(12).add(U64{0x7000'0000}).add(U64{0x2000});
    const Image whole = table("IVRS", body);
    std::mt19937 random(7);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        Image cut;
        for (std::size_t i = 0; i < size; ++i)
            cut.add(std::to_integer<U8>(whole.bytes()[i]));
        EXPECT_LE(parse(parse_ivrs, cut).units.count, 1u);
        for (unsigned round = 0; round < 20 && size > 48; ++round) {
            Image changed = cut;
            changed.set(48 + random() % (size - 48), static_cast<U8>(random()));
            parse(parse_ivrs, changed);
        }
    }
}

} // namespace
} // namespace ashlar::acpi
