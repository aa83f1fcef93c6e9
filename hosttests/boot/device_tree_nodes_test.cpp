#include "kernel/device_tree_nodes.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "lib/fdt_writer.h"

namespace ashlar::kernel {
namespace {

using fdt::Writer;

class DeviceTreeNodes : public testing::Test {
protected:
    // A tree with 64-bit addresses and sizes and what `fill` adds to its root.
    const fdt::Tree& build(const std::function<void(Writer&)>& fill) {
        blob.assign(16384, std::byte{});
        Writer writer(blob);
        writer.begin_node("");
        writer.cell("#address-cells", 2);
        writer.cell("#size-cells", 2);
        fill(writer);
        writer.end_node();
        blob.resize(writer.finish().value().size());
        tree.emplace(fdt::Tree::parse(blob).value());
        return *tree;
    }
    // A bus with 32-bit addresses.
    static void bus(Writer& writer, const std::function<void(Writer&)>& fill) {
        writer.begin_node("soc");
        writer.cell("#address-cells", 1);
        writer.cell("#size-cells", 1);
        fill(writer);
        writer.end_node();
    }
    static void uart(Writer& writer, std::initializer_list<std::uint32_t> reg, const char* status = "okay") {
        writer.begin_node("pl011@0");
        writer.string("compatible", "arm,pl011");
        writer.string("status", status);
        writer.cells("reg", reg);
        writer.end_node();
    }

    std::vector<std::byte> blob;
    std::optional<fdt::Tree> tree;
    BootInformation boot;
};

TEST_F(DeviceTreeNodes, FindsADevicesRegisters) {
    // Given the interrupt controller as QEMU's virt machine describes it
    build([](Writer& writer) {
        writer.begin_node("intc@8000000");
        writer.string("compatible", "arm,gic-v3");
        writer.cells("reg", {0, 0x0800'0000, 0, 0x1'0000, 0, 0x080a'0000, 0, 0xf6'0000});
        writer.end_node();
    });
    // When it is looked for
    const auto device = find_device(*tree, "arm,gic-v3");
    // Then both ranges are found
    ASSERT_TRUE(device.has_value());
    ASSERT_EQ(device->range_count, 2u);
    EXPECT_EQ(device->ranges[0].base, PhysicalAddress(0x0800'0000));
    EXPECT_EQ(device->ranges[1].base, PhysicalAddress(0x080a'0000));
    EXPECT_EQ(device->ranges[1].size, 0xf6'0000u);
    EXPECT_FALSE(find_device(*tree, "arm,pl011").has_value());
}

TEST_F(DeviceTreeNodes, TranslatesThroughBuses) {
    // Given a bus whose 0x7e000000 is the CPU's 0x1fe000000
    build([](Writer& writer) {
        bus(writer, [](Writer& soc) {
            soc.cells("ranges", {0x7c00'0000, 0x1, 0xfc00'0000, 0x0200'0000, 0x7e00'0000, 0x1, 0xfe00'0000,
                                 0x0180'0000});
            uart(soc, {0x7e20'1000, 0x200});
        });
    });
    // Then the device is where the CPU sees it
    const auto device = find_device(*tree, "arm,pl011");
    ASSERT_TRUE(device.has_value());
    EXPECT_EQ(device->ranges[0].base, PhysicalAddress(0x1'fe20'1000));
}

TEST_F(DeviceTreeNodes, ABusWithoutTranslationHasItsAddressesAndOneWithoutRangesNone) {
    // Given an empty property, then none
    for (const bool has_ranges : {true, false}) {
        build([&](Writer& writer) {
            bus(writer, [&](Writer& soc) {
                if (has_ranges)
                    soc.cells("ranges", {});
                uart(soc, {0x0900'0000, 0x1000});
            });
        });
        // Then the device is in memory only with it
        const auto device = find_device(*tree, "arm,pl011");
        ASSERT_EQ(device.has_value(), has_ranges);
        if (has_ranges) {
            EXPECT_EQ(device->ranges[0].base, PhysicalAddress(0x0900'0000));
        }
    }
}

TEST_F(DeviceTreeNodes, WhatIsOffOrCannotBeReachedIsPassedBy) {
    // Given one that is off, one that reaches out of the bus, one without a size, one that wraps, and a good
    // one
    build([](Writer& writer) {
        uart(writer, {0, 0x1000, 0, 0x1000}, "disabled");
        bus(writer, [](Writer& soc) {
            soc.cells("ranges", {0, 0, 0x1000'0000, 0x1000});
            uart(soc, {0x800, 0x1000});
        });
        uart(writer, {0, 0x2000, 0, 0});
        uart(writer, {0xffff'ffff, 0xffff'f000, 0, 0x2000});
        uart(writer, {0, 0x3000, 0, 0x1000});
    });
    // Then the good one is found
    const auto device = find_device(*tree, "arm,pl011");
    ASSERT_TRUE(device.has_value());
    EXPECT_EQ(device->ranges[0].base, PhysicalAddress(0x3000));
}

TEST_F(DeviceTreeNodes, NumbersInterruptsAsTheControllerDoes) {
    // Given the architected timers' four private interrupts, a shared one and ones that cannot be
    build([](Writer& writer) {
        writer.begin_node("timer");
        writer.cells("interrupts", {1, 13, 0x104, 1, 14, 0x104, 1, 11, 0x104, 1, 10,  0x104,
                                    0, 1,  4,     2, 1,  4,     1, 16, 4,     0, 988, 4});
        writer.end_node();
    });
    const fdt::Node timer = tree->find("/timer").value();
    // Then private ones begin at 16, shared ones at 32
    EXPECT_EQ(gic_interrupt(timer, 3), 26u);
    EXPECT_EQ(gic_interrupt(timer, 4), 33u);
    // And the others are none
    for (const std::size_t index : {5u, 6u, 7u, 8u, ~0u})
        EXPECT_EQ(gic_interrupt(timer, index), std::nullopt) << index;
}

TEST_F(DeviceTreeNodes, ReadsWhatTheLoaderChose) {
    // Given a command line and a RAM disk, whose ends have one cell or two
    for (const bool wide : {false, true}) {
        build([&](Writer& writer) {
            writer.begin_node("chosen");
            writer.string("bootargs", "selftest=kick more");
            if (wide) {
                writer.cells("linux,initrd-start", {1, 0x4800'0000});
                writer.cells("linux,initrd-end", {1, 0x4800'1234});
            } else {
                writer.cell("linux,initrd-start", 0x4800'0000);
                writer.cell("linux,initrd-end", 0x4800'1234);
            }
            writer.end_node();
        });
        // When there is room for 13 characters
        char storage[13];
        boot = {};
        read_chosen(*tree, storage, boot);
        // Then as many are kept, and the bundle is known
        EXPECT_EQ(boot.command_line, "selftest=kick");
        EXPECT_EQ(boot.bundle, PhysicalAddress(wide ? 0x1'4800'0000 : 0x4800'0000));
        EXPECT_EQ(boot.bundle_size, 0x1234u);
    }
}

TEST_F(DeviceTreeNodes, AnEmptyOrReversedRamDiskIsNone) {
    build([](Writer& writer) {
        writer.begin_node("chosen");
        writer.cell("linux,initrd-start", 0x4800'0000);
        writer.cell("linux,initrd-end", 0x4800'0000);
        writer.end_node();
    });
    char storage[8];
    read_chosen(*tree, storage, boot);
    EXPECT_EQ(boot.bundle_size, 0u);
    EXPECT_TRUE(boot.command_line.empty());
    // Nor is there anything without the node
    build([](Writer&) {});
    read_chosen(*tree, storage, boot);
    EXPECT_EQ(boot.bundle_size, 0u);
}

} // namespace
} // namespace ashlar::kernel
