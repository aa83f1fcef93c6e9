// What a VM sees of a function that it is given.
#include "drivers/virtio/guest_view.h"

#include <gtest/gtest.h>

#include "drivers/pci/capabilities.h"
#include "hosttests/pci/fake_bus.h"
#include "lib/bytes.h"

namespace ashlar::virtio {
namespace {

using pci::test::FakeBus;
using pci::test::FakeFunction;

constexpr pci::FunctionAddress kPlace{0, 0, 3, 0};

// As QEMU has it: MSI-X in BAR 1, the structures in BAR 4.
class GuestViewTest : public testing::Test {
protected:
    GuestViewTest() : function(bus.add(3, 0, FakeFunction(0x1af4, 0x1042, 1, 0))) {
        function.add_bar(1, 0x1000, 0, 0xfeb0'0000);
        function.add_bar(4, 0x4000, 0xc, 0xfe00'0000);
        add_structure(0x40, 1, 4, 0, 0x1000);
        add_structure(0x50, 3, 4, 0x1000, 0x1000);
        add_structure(0x60, 4, 4, 0x2000, 0x1000);
        add_structure(0x70, 2, 4, 0x3000, 0x1000);
        add_structure(0x84, 5, 0, 0, 0);
        function.add_capability(0x98, pci::capability::kMsix, {1, 0, 1, 0, 0, 0, 1, 8, 0, 0});
    }
    void add_structure(std::uint8_t at, std::uint8_t kind, std::uint8_t bar, std::uint32_t offset,
                       std::uint32_t size) {
        std::vector<std::uint8_t> rest{16, kind, bar, 0, 0, 0};
        for (const std::uint32_t word : {offset, size})
            for (unsigned i = 0; i < 4; ++i)
                rest.push_back(static_cast<std::uint8_t>(word >> (8 * i)));
        function.add_capability(at, pci::capability::kVendorSpecific, rest);
    }
    Result<GuestView> view() { return make_guest_view(bus, pci::read_function(bus, kPlace)); }
    static std::uint64_t byte(const GuestView& view, std::size_t at) {
        return std::to_integer<std::uint64_t>(view.configuration[at]);
    }

    FakeBus bus;
    FakeFunction& function;
};

TEST_F(GuestViewTest, HasTheIdentityAndTheStructuresAlone) {
    const GuestView seen = view().value();
    EXPECT_EQ(load_le<std::uint32_t>(seen.configuration.data()), 0x1042'1af4u);
    EXPECT_EQ(load_le<std::uint16_t>(seen.configuration.data() + 4), 0u);
    EXPECT_EQ(byte(seen, 0x3d), 1u);
    std::vector<std::uint64_t> kinds;
    for (std::size_t at = byte(seen, 0x34); at != 0; at = byte(seen, at + 1)) {
        EXPECT_EQ(byte(seen, at), std::uint64_t{pci::capability::kVendorSpecific});
        kinds.push_back(byte(seen, at + 3));
    }
    EXPECT_EQ(kinds, (std::vector<std::uint64_t>{2, 4, 3, 1}));
    EXPECT_EQ(byte(seen, 0x98), 0u); // MSI-X
    EXPECT_EQ(load_le<std::uint32_t>(seen.configuration.data() + 0x20), 0xcu);
    EXPECT_EQ(load_le<std::uint32_t>(seen.configuration.data() + 0x14), 0u);
    EXPECT_TRUE(seen.windows[4].shown);
    EXPECT_TRUE(seen.windows[4].hole.empty());
    EXPECT_FALSE(seen.windows[1].shown);
}

TEST_F(GuestViewTest, InterruptsInTheSameBarAreAHole) {
    function.bytes[0x98 + 4] = 4; // the table to BAR 4, offset 0x4000 of a larger one
    function.bytes[0x98 + 5] = 0x40;
    function.add_bar(4, 0x8000, 0xc, 0xfe00'0000);
    const GuestView seen = view().value();
    EXPECT_EQ(seen.windows[4].hole.begin, 0x4000u);
    EXPECT_EQ(seen.windows[4].hole.end, 0x5000u);
}

TEST_F(GuestViewTest, StructuresBesideTheInterruptsCannotBeGivenAway) {
    function.bytes[0x98 + 4] = 4;
    function.bytes[0x98 + 5] = 0x20;
    EXPECT_EQ(view().error(), Error::Unsupported);
}

TEST_F(GuestViewTest, WhatIsNotWholeCannotBeGivenAway) {
    const std::vector<std::uint8_t> sound = function.bytes;
    const auto broken = [&](std::size_t at, std::uint8_t value) {
        function.bytes = sound;
        function.bytes[at] = value;
        return !view().ok();
    };
    EXPECT_TRUE(broken(0x40 + 3, 9));     // no common structure
    EXPECT_TRUE(broken(0x50 + 3, 9));     // no ISR status
    EXPECT_TRUE(broken(0x70 + 3, 9));     // no doorbells
    EXPECT_TRUE(broken(0x40 + 4, 6));     // no such BAR
    EXPECT_TRUE(broken(0x40 + 4, 2));     // a BAR that is not there
    EXPECT_TRUE(broken(0x40 + 2, 15));    // too short
    EXPECT_TRUE(broken(0x40 + 13, 0x50)); // past the BAR
    EXPECT_TRUE(broken(0x98 + 2, 0));     // one vector
    function.bytes = sound;
    function.add_bar(4, 0x800, 0xc, 0xfe00'0800);
    EXPECT_FALSE(view().ok());
}

} // namespace
} // namespace ashlar::virtio
