// Finding functions over bridges, and giving them addresses.
#include "drivers/pci/enumerate.h"

#include <gtest/gtest.h>

#include <random>

#include "drivers/pci/assign.h"
#include "hosttests/pci/fake_bus.h"

namespace ashlar::pci {
namespace {

using test::enumerate_all;
using test::FakeBus;
using test::FakeFunction;
using test::make_bridge;
using test::set_buses;
using test::set_window;

constexpr std::uint32_t kMemory32 = 0, kMemory64 = 4;

FakeFunction make_device(std::uint8_t header = 0) {
    return {0x1af4, 0x1042, 1, 0, header};
}

std::vector<std::string> names(const std::vector<Function>& functions) {
    std::vector<std::string> result;
    for (const Function& function : functions) {
        test::TextSink sink;
        describe(sink, function.address);
        result.push_back(sink.text);
    }
    return result;
}
using Names = std::vector<std::string>;

TEST(Enumeration, FindsFunctionsOfOneBus) {
    FakeBus bus;
    bus.add(0, 0, {0x8086, 0x29c0, 6, 0});
    bus.add(5, 0, make_device());
    bus.add(5, 3, make_device()); // device 5 says that it has one function
    bus.add(7, 1, make_device()); // without function 0 there is no device
    bus.add(31, 0, make_device(0x80));
    bus.add(31, 2, make_device());
    bus.add(31, 7, make_device());
    test::TextSink sink;
    EXPECT_EQ(names(enumerate_all(bus, sink)),
              (Names{"00:00.0", "00:05.0", "00:1f.0", "00:1f.2", "00:1f.7"}));
    EXPECT_EQ(sink.text, "");
}

TEST(Enumeration, FollowsBridgesAsFirmwareNumberedThem) {
    FakeBus bus;
    FakeFunction& first = bus.add(1, 0, make_bridge());
    set_buses(first, 0, 2, 3);
    FakeFunction& inner = first.behind(4, 0, make_bridge());
    set_buses(inner, 2, 3, 3);
    inner.behind(0, 0, make_device());
    FakeFunction& second = bus.add(2, 0, make_bridge());
    set_buses(second, 0, 9, 9);
    second.behind(0, 0, make_device());
    test::TextSink sink;
    const auto functions = enumerate_all(bus, sink);
    EXPECT_EQ(names(functions), (Names{"00:01.0", "02:04.0", "03:00.0", "00:02.0", "09:00.0"}));
    EXPECT_EQ(functions[0].bridge.secondary, 2);
    EXPECT_EQ(functions[0].bridge.subordinate, 3);
    EXPECT_EQ(sink.text, "");
}

TEST(Enumeration, NumbersBridgesThatNobodyNumbered) {
    FakeBus bus;
    FakeFunction& numbered = bus.add(1, 0, make_bridge());
    set_buses(numbered, 0, 1, 4);
    FakeFunction& outer = bus.add(2, 0, make_bridge());
    FakeFunction& inner = outer.behind(0, 0, make_bridge());
    inner.behind(3, 0, make_device());
    outer.behind(1, 0, make_bridge()).behind(0, 0, make_device());
    bus.add(3, 0, make_bridge()).behind(0, 0, make_device());
    test::TextSink sink;
    const auto functions = enumerate_all(bus, sink);
    EXPECT_EQ(names(functions), (Names{"00:01.0", "00:02.0", "05:00.0", "06:03.0", "05:01.0", "07:00.0",
                                       "00:03.0", "08:00.0"}));
    EXPECT_EQ(outer.get<std::uint8_t>(reg::kSecondaryBus), 5);
    EXPECT_EQ(outer.get<std::uint8_t>(reg::kSubordinateBus), 7);
    EXPECT_EQ(inner.get<std::uint8_t>(reg::kPrimaryBus), 5);
    EXPECT_EQ(sink.text, "");
    EXPECT_EQ(names(enumerate_all(bus, sink)), names(functions)); // and again the same
}

TEST(Enumeration, SaysWhenNumbersDoNotSuffice) {
    FakeBus bus;
    FakeFunction& first = bus.add(1, 0, make_bridge());
    set_buses(first, 0, 1, 1);
    first.behind(2, 0, make_bridge()).behind(0, 0, make_device()); // bus 2 is taken by the next one
    FakeFunction& second = bus.add(2, 0, make_bridge());
    set_buses(second, 0, 2, 2);
    test::TextSink sink;
    const auto functions = enumerate_all(bus, sink);
    EXPECT_EQ(names(functions), (Names{"00:01.0", "01:02.0", "00:02.0"}));
    EXPECT_EQ(functions[1].bridge.secondary, 0);
    EXPECT_EQ(sink.text,
              "ashlar: pci: bridge 01:02.0: no bus number left that bridges above it pass on: what is "
              "behind it is not seen\n");
    sink.text.clear();
    bus.add(3, 0, make_bridge());
    enumerate_all(bus, sink, {0, 0, 2});
    EXPECT_NE(sink.text.find("bridge 00:03.0: no bus number left: "), std::string::npos) << sink.text;
}

TEST(Enumeration, ALongChainOfBridgesEnds) {
    FakeBus bus;
    FakeFunction* bridge = &bus.add(0, 0, make_bridge());
    for (unsigned i = 0; i < 270; ++i)
        bridge = &bridge->behind(0, 0, make_bridge());
    test::TextSink sink;
    EXPECT_EQ(enumerate_all(bus, sink).size(), 256u);
    EXPECT_NE(sink.text.find("no bus number left"), std::string::npos);
}

TEST(Enumeration, BridgesThatLieAreRenumberedAndVisitedOnce) {
    for (const auto& [secondary, subordinate] :
         std::vector<std::pair<unsigned, unsigned>>{{0, 0}, {0, 255}, {1, 1}, {1, 0}, {255, 1}, {3, 2}}) {
        FakeBus bus;
        set_buses(bus.add(1, 0, make_bridge()), 0, 1, 1);
        FakeFunction& liar = bus.add(2, 0, make_bridge());
        set_buses(liar, 7, static_cast<std::uint8_t>(secondary), static_cast<std::uint8_t>(subordinate));
        liar.behind(0, 0, make_device());
        test::TextSink sink;
        EXPECT_EQ(names(enumerate_all(bus, sink)), (Names{"00:01.0", "00:02.0", "02:00.0"})) << secondary;
    }
}

// ------------------------------------------------------------------------------------------ addresses

class AssignmentTest : public testing::Test {
protected:
    unsigned assign(AddressRange aperture = {0xc000'0000, 0xd000'0000}) {
        functions = enumerate_all(bus, sink);
        return assign_memory(bus, functions, 0, aperture, reserved, sink);
    }
    // Nothing overlaps on the way to any BAR, all have an address that the bridges above pass on.
    void check() {
        for (const Function& function : functions)
            for (std::size_t i = 0; i < function.bars.size(); ++i) {
                const Bar& bar = function.bars[i];
                if (bar.kind != Bar::Kind::Memory || !bar.assigned())
                    continue;
                ASSERT_EQ(bar.address % bar.size, 0u);
                const auto offset = static_cast<std::uint16_t>(reg::kBar0 + 4 * i);
                ASSERT_EQ(bus.read32(function.address, offset) & ~15u,
                          static_cast<std::uint32_t>(bar.address));
                for (const AddressRange& range : reserved)
                    ASSERT_FALSE(range.overlaps(bar.address, bar.size));
                for (const Function& other : functions) {
                    for (const Bar& another : other.bars) {
                        const AddressRange range{another.address, another.address + another.size};
                        ASSERT_TRUE(&another == &bar || another.kind != Bar::Kind::Memory ||
                                    !another.assigned() || !range.overlaps(bar.address, bar.size));
                    }
                    if (!other.is_bridge || other.bridge.secondary == 0)
                        continue;
                    const bool behind = other.bridge.secondary <= function.address.bus &&
                                        function.address.bus <= other.bridge.subordinate;
                    const BridgeWindows real = read_bridge(bus, other.address);
                    ASSERT_EQ(behind, real.memory.contains(bar.address, bar.size));
                    ASSERT_TRUE(behind || !real.memory.overlaps(bar.address, bar.size));
                }
            }
    }
    FakeBus bus;
    std::vector<AddressRange> reserved;
    std::vector<Function> functions;
    test::TextSink sink;
};

TEST_F(AssignmentTest, LeavesWhatFirmwareHasAssigned) {
    FakeFunction& device = bus.add(1, 0, make_device());
    device.add_bar(0, 4096, kMemory32, 0xc000'0000);
    device.add_bar(1, 64, 1, 0xc000);
    const auto before = device.bytes;
    EXPECT_EQ(assign(), 0u);
    EXPECT_EQ(device.bytes, before);
}

TEST_F(AssignmentTest, FitsBetweenWhatIsThere) {
    reserved = {{0xc000'1000, 0xc000'3000}};
    bus.add(1, 0, make_device()).add_bar(0, 4096, kMemory32, 0xc000'0000);
    FakeFunction& device = bus.add(2, 0, make_device());
    device.add_bar(0, 4096, kMemory32);
    device.add_bar(2, 16384, kMemory64);
    EXPECT_EQ(assign(), 2u);
    EXPECT_EQ(functions[1].bars[2].address, 0xc000'4000u);
    EXPECT_EQ(functions[1].bars[0].address, 0xc000'3000u);
    check();
}

TEST_F(AssignmentTest, OpensBridgesForWhatIsBehindThem) {
    FakeFunction& outer = bus.add(1, 0, make_bridge());
    outer.behind(0, 0, make_device()).add_bar(0, 4096, kMemory32);
    FakeFunction& inner = outer.behind(1, 0, make_bridge());
    FakeFunction& deep = inner.behind(0, 0, make_device());
    deep.add_bar(0, 4 << 20, kMemory32);
    deep.add_bar(1, 4096, kMemory32);
    FakeFunction& other = outer.behind(2, 0, make_bridge());
    FakeFunction& also_deep = other.behind(0, 0, make_device());
    also_deep.add_bar(0, 4 << 20, kMemory32);
    also_deep.add_bar(1, 4096, kMemory32);
    bus.add(2, 0, make_bridge()); // nothing behind it: stays closed
    bus.add(3, 0, make_device()).add_bar(0, 1 << 20, kMemory32);
    EXPECT_EQ(assign(), 6u);
    check();
    EXPECT_EQ(sink.text, "");
    EXPECT_TRUE(read_bridge(bus, {0, 0, 2, 0}).memory.empty());

    EXPECT_EQ(deep.get<std::uint16_t>(reg::kCommand), 0);
    const auto found = std::find_if(functions.begin(), functions.end(),
                                    [](const Function& one) { return one.bars[0].size == 4 << 20; });
    enable(bus, functions, *found);
    for (const FakeFunction* const one : {&outer, &inner, &deep})
        EXPECT_EQ(one->get<std::uint16_t>(reg::kCommand), reg::kCommandMemory | reg::kCommandMaster);
    EXPECT_EQ(other.get<std::uint16_t>(reg::kCommand), 0);
}

TEST_F(AssignmentTest, UsesWindowsThatFirmwareHasOpened) {
    FakeFunction& bridge = bus.add(1, 0, make_bridge());
    set_buses(bridge, 0, 1, 1);
    set_window(bridge, 0xc800'0000, 0xc820'0000);
    bridge.behind(0, 0, make_device()).add_bar(0, 1 << 20, kMemory32, 0xc800'0000);
    FakeFunction& device = bridge.behind(1, 0, make_device());
    device.add_bar(0, 1 << 20, kMemory32);
    device.add_bar(1, 4096, kMemory32); // no room
    bridge.behind(2, 0, make_device())
        .add_bar(0, 4096, kMemory32, 0xc900'0000); // the bridge does not pass it on
    EXPECT_EQ(assign(), 1u);
    check();
    EXPECT_EQ(functions[2].bars[0].address, 0xc810'0000u);
    EXPECT_NE(sink.text.find("ashlar: pci: 01:01.0: no room for a BAR of 0x1000 bytes\n"), std::string::npos)
        << sink.text;
    EXPECT_NE(sink.text.find("ashlar: pci: 01:02.0: no room"), std::string::npos);
}

TEST_F(AssignmentTest, WhatDoesNotFitDoesNotKeepOthersOut) {
    bus.add(1, 0, make_device()).add_bar(0, std::uint64_t{1} << 30, kMemory64);
    bus.add(2, 0, make_device()).add_bar(0, 1 << 20, kMemory32);
    EXPECT_EQ(assign(), 1u);
    EXPECT_EQ(sink.text, "ashlar: pci: 00:01.0: no room for a BAR of 0x40000000 bytes\n");
    EXPECT_EQ(functions[1].bars[0].address, 0xc000'0000u);
}

TEST_F(AssignmentTest, RandomTrees) {
    std::mt19937 random(5);
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random()) % limit; };
    for (unsigned round = 0; round < 200; ++round) {
        bus.root.clear();
        sink.text.clear();
        reserved = {{0xc000'0000 + 0x1000 * below(5000), 0xc200'0000}};
        std::vector<FakeFunction*> bridges{&bus.add(1, 0, make_bridge())};
        for (unsigned i = 2; i < 32; ++i) {
            FakeFunction device = below(3) == 0 ? make_bridge() : make_device();
            const bool is_bridge = device.get<std::uint8_t>(reg::kHeaderType) == 1;
            for (unsigned bar = 0; bar < (is_bridge ? 1u : 3u); ++bar)
                if (below(2) == 0)
                    device.add_bar(bar, std::uint64_t{16} << below(17), kMemory32);
            const unsigned where = below(static_cast<unsigned>(bridges.size()) + 1);
            FakeFunction& placed = where == bridges.size() ? bus.add(i, 0, std::move(device))
                                                           : bridges[where]->behind(i, 0, std::move(device));
            if (is_bridge)
                bridges.push_back(&placed);
        }
        assign();
        check();
        EXPECT_EQ(sink.text, "");
        for (const Function& function : functions)
            for (const Bar& bar : function.bars)
                ASSERT_TRUE(bar.kind == Bar::Kind::None || bar.assigned());
    }
}

} // namespace
} // namespace ashlar::pci
