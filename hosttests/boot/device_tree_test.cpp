#include "kernel/device_tree.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "lib/fdt_writer.h"

namespace ashlar::kernel {
namespace {

using fdt::Writer;

constexpr std::uint64_t kGiB = 1 << 30;

class DeviceTree : public testing::Test {
protected:
    // A tree with 64-bit addresses and sizes and what `fill` adds to its root.
    void build(const std::function<void(Writer&)>& fill) {
        blob.assign(16384, std::byte{});
        Writer writer(blob);
        writer.reserve(0x4800'0000, 0x1'0000);
        writer.begin_node("");
        writer.cell("#address-cells", 2);
        writer.cell("#size-cells", 2);
        fill(writer);
        writer.end_node();
        blob.resize(writer.finish().value().size());
    }
    static void memory(Writer& writer, std::uint64_t base, std::uint64_t size, int node) {
        writer.begin_node("memory@" + std::to_string(base));
        writer.string("device_type", "memory");
        writer.cells("reg", {static_cast<std::uint32_t>(base >> 32), static_cast<std::uint32_t>(base),
                             static_cast<std::uint32_t>(size >> 32), static_cast<std::uint32_t>(size)});
        if (node >= 0)
            writer.cell("numa-node-id", static_cast<std::uint32_t>(node));
        writer.end_node();
    }
    static void cpu(Writer& writer, std::uint32_t number, int node, const char* status = "okay") {
        writer.begin_node("cpu@" + std::to_string(number));
        writer.string("device_type", "cpu");
        writer.string("status", status);
        writer.cell("reg", number);
        if (node >= 0)
            writer.cell("numa-node-id", static_cast<std::uint32_t>(node));
        writer.end_node();
    }
    static void cpus(Writer& writer, const std::function<void(Writer&)>& fill) {
        writer.begin_node("cpus");
        writer.cell("#address-cells", 1);
        writer.cell("#size-cells", 0);
        fill(writer);
        writer.end_node();
    }
    static void distances(Writer& writer, std::initializer_list<std::uint32_t> matrix) {
        writer.begin_node("distance-map");
        writer.string("compatible", "numa-distance-map-v1");
        writer.cells("distance-matrix", matrix);
        writer.end_node();
    }
    Status read(std::uint64_t boot_cpu = 0) {
        boot = {};
        diagnostics.clear();
        const auto tree = fdt::Tree::parse(blob);
        EXPECT_TRUE(tree.ok());
        return read_device_tree(tree.value(), boot_cpu, boot, diagnostics);
    }
    bool says(std::string_view text) const { return diagnostics.view().find(text) != std::string_view::npos; }

    std::vector<std::byte> blob;
    BootInformation boot;
    BufferSink<4096> diagnostics;
};

TEST_F(DeviceTree, HasNodesAsQemusVirtMachineDescribesThem) {
    // Given
    build([](Writer& writer) {
        memory(writer, kGiB, kGiB / 2, 0);
        memory(writer, kGiB + kGiB / 2, kGiB / 2, 1);
        cpus(writer, [](Writer& w) {
            cpu(w, 0, 0);
            cpu(w, 1, 0);
            cpu(w, 2, 1);
            cpu(w, 3, 1, "disabled");
        });
        distances(writer, {0, 0, 10, 0, 1, 21, 1, 1, 10}); // back is the same
        writer.begin_node("reserved-memory");
        writer.cell("#address-cells", 2);
        writer.cell("#size-cells", 2);
        writer.begin_node("firmware@50000000");
        writer.cells("reg", {0, 0x5000'0000, 0, 0x1000});
        writer.end_node();
        writer.end_node();
    });
    // When
    ASSERT_TRUE(read(2).ok());
    // Then
    EXPECT_EQ(diagnostics.view(), "");
    EXPECT_EQ(boot.cpu_count, 3u);
    EXPECT_EQ(boot.numa.node_count, 2u);
    EXPECT_EQ(boot.numa.cpus[0], 2u);
    EXPECT_EQ(boot.numa.cpus[1], 1u);
    EXPECT_EQ(boot.numa.boot_cpu_node, 1u);
    EXPECT_EQ(boot.numa.distance[0][1], 21);
    EXPECT_EQ(boot.numa.distance[1][0], 21);
    EXPECT_EQ(boot.numa.node_of(PhysicalAddress(kGiB)), 0u);
    EXPECT_EQ(boot.numa.node_of(PhysicalAddress(2 * kGiB - 1)), 1u);
    ASSERT_EQ(boot.range_count, 4u);
    EXPECT_EQ(boot.ranges[0].kind, MemoryRange::Kind::Usable);
    EXPECT_EQ(boot.ranges[2].base, PhysicalAddress(0x4800'0000));
    EXPECT_EQ(boot.ranges[2].kind, MemoryRange::Kind::Reserved);
    EXPECT_EQ(boot.ranges[3].base, PhysicalAddress(0x5000'0000));
    EXPECT_EQ(boot.ranges[3].size, 0x1000u);
    EXPECT_EQ(boot.ranges[3].kind, MemoryRange::Kind::Reserved);
}

TEST_F(DeviceTree, WithoutNodesThereIsOne) {
    build([](Writer& writer) {
        memory(writer, kGiB, kGiB, -1);
        cpus(writer, [](Writer& w) {
            cpu(w, 0, -1);
            cpu(w, 1, -1);
        });
    });
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(diagnostics.view(), "");
    EXPECT_EQ(boot.numa.node_count, 1u);
    EXPECT_EQ(boot.numa.cpus[0], 2u);
    EXPECT_EQ(boot.numa.distance[0][0], 10);
}

TEST_F(DeviceTree, AMatrixThatCannotBeIsNotUsed) {
    for (const std::uint32_t distance : {0u, 9u, 10u, 256u, ~0u}) {
        build([&](Writer& writer) {
            memory(writer, kGiB, kGiB, 0);
            memory(writer, 2 * kGiB, kGiB, 1);
            distances(writer, {0, 1, distance});
        });
        ASSERT_TRUE(read().ok());
        EXPECT_EQ(boot.numa.distance[0][1], NumaTopology::kRemoteDistance);
        EXPECT_TRUE(says("cannot be")) << distance;
    }
}

TEST_F(DeviceTree, DistancesOfUnknownNodesAndHalfOnesAreLeftOut) {
    build([&](Writer& writer) {
        memory(writer, kGiB, kGiB, 0);
        memory(writer, 2 * kGiB, kGiB, 4);
        distances(writer, {0, 4, 30, 0, 77, 1, 5});
    });
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.numa.distance[0][1], 30);
    EXPECT_EQ(boot.numa.domains[1], 4u);
    EXPECT_TRUE(says("the last distance is not whole"));
}

TEST_F(DeviceTree, WhatMakesNoSenseIsLeftOut) {
    // Given: empty and wrapping memory, memory in another unit of cells, memory that is switched off
    build([](Writer& writer) {
        memory(writer, 4 * kGiB, 0, 0);
        memory(writer, ~std::uint64_t{0} - 0xfff, 0x2000, 0);
        memory(writer, kGiB, kGiB, 0);
        writer.begin_node("memory@off");
        writer.string("device_type", "memory");
        writer.string("status", "disabled");
        writer.cells("reg", {0, 0, 0, 0x1000});
        writer.end_node();
        writer.begin_node("memory@short");
        writer.string("device_type", "memory");
        writer.cells("reg", {0, 0, 0});
        writer.end_node();
        writer.begin_node("memory@none");
        writer.string("device_type", "memory");
        writer.end_node();
    });
    // When, Then
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.range_count, 2u); // with the reservation
    EXPECT_TRUE(says("a range of memory@4294967296 makes no sense"));
    EXPECT_EQ(boot.cpu_count, 1u);
    EXPECT_EQ(boot.numa.cpus[0], 1u);
}

TEST_F(DeviceTree, CellCountsThatCannotBeAreAFault) {
    for (const std::uint32_t cells : {0u, 3u, 0x4000'0000u, ~0u}) {
        blob.assign(4096, std::byte{});
        Writer writer(blob);
        writer.begin_node("");
        writer.cell("#address-cells", cells);
        writer.cell("#size-cells", cells);
        memory(writer, kGiB, kGiB, 0);
        writer.end_node();
        blob.resize(writer.finish().value().size());
        EXPECT_EQ(read().error(), Error::Malformed) << cells;
    }
}

TEST_F(DeviceTree, DamagedTreesAreSurvived) {
    build([](Writer& writer) {
        memory(writer, kGiB, kGiB, 0);
        memory(writer, 2 * kGiB, kGiB, 1);
        cpus(writer, [](Writer& w) { cpu(w, 0, 0); });
        distances(writer, {0, 1, 30});
    });
    const auto whole = blob;
    std::mt19937 random(1);
    for (int round = 0; round < 20000; ++round) {
        blob = whole;
        for (int i = 0; i < 4; ++i)
            blob[random() % blob.size()] = static_cast<std::byte>(random());
        const auto tree = fdt::Tree::parse(blob);
        if (!tree.ok())
            continue;
        boot = {};
        diagnostics.clear();
        static_cast<void>(read_device_tree(tree.value(), 0, boot, diagnostics).ok());
        ASSERT_GE(boot.numa.node_count, 1u);
        ASSERT_LE(boot.numa.node_count, kMaxNodes);
        for (std::size_t node = 0; node < boot.numa.node_count; ++node)
            ASSERT_EQ(boot.numa.distance[node][node], NumaTopology::kLocalDistance);
    }
}

} // namespace
} // namespace ashlar::kernel
