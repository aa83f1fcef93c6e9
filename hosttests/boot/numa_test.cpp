#include "arch/x86_64/boot/numa.h"

#include <gtest/gtest.h>

namespace ashlar::arch {
namespace {

using kernel::NumaTopology;

constexpr std::uint64_t kGiB = 1 << 30;

class NumaTest : public testing::Test {
protected:
    void add_cpu(std::uint32_t apic_id, std::uint32_t domain, bool enabled = true) {
        tables.cpus.add({apic_id, enabled});
        tables.cpu_affinity.add({apic_id, domain});
    }
    void add_memory(std::uint64_t base, std::uint64_t size, std::uint32_t domain,
                    bool hot_pluggable = false) {
        tables.memory_affinity.add({PhysicalAddress(base), size, domain, hot_pluggable});
    }
    const NumaTopology& fill(std::uint32_t boot_apic_id = 0) {
        fill_numa(tables, boot_apic_id, boot, diagnostics);
        return boot.numa;
    }
    bool says(std::string_view text) const { return diagnostics.view().find(text) != std::string_view::npos; }

    acpi::Tables tables;
    kernel::BootInformation boot{};
    BufferSink<4096> diagnostics;
};

TEST_F(NumaTest, WithoutTablesThereIsOneNodeAndOneCpu) {
    const NumaTopology& numa = fill();
    EXPECT_EQ(boot.cpu_count, 1u);
    EXPECT_EQ(numa.node_count, 1u);
    EXPECT_EQ(numa.cpus[0], 1u);
    EXPECT_EQ(numa.distance[0][0], NumaTopology::kLocalDistance);
    EXPECT_EQ(numa.node_of(PhysicalAddress(0x1234)), 0u);
    EXPECT_EQ(diagnostics.view(), "");
}

TEST_F(NumaTest, NodesFollowTheNumbersOfTheDomains) {
    add_memory(0, 2 * kGiB, 7);
    add_memory(4 * kGiB, kGiB, 3);
    add_memory(5 * kGiB, kGiB, 7);
    add_cpu(0, 7);
    add_cpu(1, 3);
    add_cpu(2, 3);
    add_cpu(3, 3, false);

    const NumaTopology& numa = fill(2);

    EXPECT_EQ(boot.cpu_count, 3u);
    ASSERT_EQ(numa.node_count, 2u);
    EXPECT_EQ(numa.domains[0], 3u);
    EXPECT_EQ(numa.domains[1], 7u);
    EXPECT_EQ(numa.cpus[0], 2u);
    EXPECT_EQ(numa.cpus[1], 1u);
    EXPECT_EQ(numa.boot_cpu_node, 0u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(4 * kGiB)), 0u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(5 * kGiB)), 1u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(9 * kGiB)), 0u); // of nobody
    EXPECT_EQ(diagnostics.view(), "");
}

TEST_F(NumaTest, NodeWithCpusAloneHasNoMemory) {
    add_memory(0, kGiB, 0);
    add_cpu(0, 0);
    add_cpu(1, 5);
    const NumaTopology& numa = fill(1);
    ASSERT_EQ(numa.node_count, 2u);
    EXPECT_EQ(numa.cpus[1], 1u);
    EXPECT_EQ(numa.range_count, 1u);
    EXPECT_EQ(numa.boot_cpu_node, 1u);
}

TEST_F(NumaTest, DomainsWithoutAnyMemoryAreNoNodes) {
    add_cpu(0, 0);
    add_cpu(1, 5);
    const NumaTopology& numa = fill();
    EXPECT_EQ(numa.node_count, 1u);
    EXPECT_EQ(numa.cpus[0], 2u);
    EXPECT_TRUE(says("give no domain any memory: one node"));
}

TEST_F(NumaTest, CpusOfNoDomainCountAsNodeZeros) {
    add_memory(0, kGiB, 1);
    tables.cpus.add({0, true});
    add_cpu(1, 1);
    EXPECT_EQ(fill().cpus[0], 2u);
    EXPECT_TRUE(says("1 CPUs have no domain"));
}

TEST_F(NumaTest, DistancesComeFromTheMatrixWhereItReaches) {
    add_memory(0, kGiB, 1);
    add_memory(kGiB, kGiB, 0);
    add_memory(2 * kGiB, kGiB, 40); // the matrix does not have it
    tables.has_slit = true;
    tables.localities = 2;
    tables.distance[0] = {10, 31};
    tables.distance[1] = {32, 10};

    const NumaTopology& numa = fill();

    EXPECT_EQ(numa.distance[0][1], 31);
    EXPECT_EQ(numa.distance[1][0], 32);
    EXPECT_EQ(numa.distance[0][2], NumaTopology::kRemoteDistance);
    EXPECT_EQ(numa.distance[2][2], NumaTopology::kLocalDistance);
    EXPECT_TRUE(says("4 distances are missing, 20 is used for them"));
}

TEST_F(NumaTest, AMatrixThatCannotBeIsNotUsed) {
    // What the matrix says from node 0 to itself, and to node 1
    for (const auto& [local, remote] : {std::pair(0, 20), {11, 20}, {10, 9}, {10, 10}, {10, 0}}) {
        SCOPED_TRACE(std::to_string(local) + " " + std::to_string(remote));
        boot = {};
        tables = {};
        diagnostics.clear();
        add_memory(0, kGiB, 0);
        add_memory(kGiB, kGiB, 1);
        tables.has_slit = true;
        tables.localities = 2;
        tables.distance[0] = {static_cast<std::uint8_t>(local), static_cast<std::uint8_t>(remote)};
        tables.distance[1] = {55, 10};
        const NumaTopology& numa = fill();
        EXPECT_EQ(numa.distance[0][0], 10);
        EXPECT_EQ(numa.distance[0][1], 20);
        EXPECT_EQ(numa.distance[1][0], 20);
        EXPECT_TRUE(says("cannot be: 20 is used for all"));
    }
}

TEST_F(NumaTest, UnreachableIsADistance) {
    add_memory(0, kGiB, 0);
    add_memory(kGiB, kGiB, 1);
    tables.has_slit = true;
    tables.localities = 2;
    tables.distance[0] = {10, 255};
    tables.distance[1] = {255, 10};
    EXPECT_EQ(fill().distance[0][1], 255);
    EXPECT_EQ(diagnostics.view(), "");
}

TEST_F(NumaTest, MemoryOfTooManyDomainsGoesToNodeZero) {
    for (std::uint32_t domain = 0; domain < kernel::kMaxNodes + 4; ++domain)
        add_memory(domain * kGiB, kGiB, domain);
    add_cpu(0, kernel::kMaxNodes + 1);
    const NumaTopology& numa = fill();
    EXPECT_EQ(numa.node_count, kernel::kMaxNodes);
    EXPECT_EQ(numa.node_of(PhysicalAddress((kernel::kMaxNodes + 1) * kGiB)), 0u);
    EXPECT_EQ(numa.cpus[0], 1u);
    EXPECT_TRUE(says("more than 64 domains: 5 CPUs and ranges of memory count as node 0's"));
}

TEST_F(NumaTest, TakesAsManyRangesAsTheTablesHold) {
    for (std::uint64_t i = 0; i < 300; ++i)
        add_memory(2 * i * kGiB, kGiB, 1);
    EXPECT_EQ(fill().range_count, NumaTopology::kMaxRanges);
    EXPECT_TRUE(says("SRAT: 44 more ranges are ignored"));
}

TEST_F(NumaTest, RangesAreSortedAndThoseThatTouchAreJoined) {
    add_memory(6 * kGiB, kGiB, 1);
    add_memory(4 * kGiB, 2 * kGiB, 1);
    add_memory(0, 2 * kGiB, 0);
    add_memory(kGiB, 2 * kGiB, 0); // overlaps within the node
    const NumaTopology& numa = fill();
    ASSERT_EQ(numa.range_count, 2u);
    EXPECT_EQ(numa.ranges[0].base, PhysicalAddress(0));
    EXPECT_EQ(numa.ranges[0].size, 3 * kGiB);
    EXPECT_EQ(numa.ranges[1].base, PhysicalAddress(4 * kGiB));
    EXPECT_EQ(numa.ranges[1].size, 3 * kGiB);
    EXPECT_EQ(diagnostics.view(), "");
}

TEST_F(NumaTest, WhatTwoNodesClaimIsThatOfTheRangeThatBeginsFirst) {
    add_memory(3 * kGiB, kGiB, 1); // within the next
    add_memory(2 * kGiB, 4 * kGiB, 0);
    add_memory(0, 3 * kGiB, 2); // takes the first part of it
    const NumaTopology& numa = fill();
    ASSERT_EQ(numa.range_count, 2u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(2 * kGiB)), 2u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(3 * kGiB)), 0u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(6 * kGiB - 1)), 0u);
    EXPECT_TRUE(says("nodes 2 and 0 both claim 0x80000000 to 0xc0000000: it counts as node 2's"));
    EXPECT_TRUE(says("nodes 0 and 1 both claim 0xc0000000 to 0x100000000: it counts as node 0's"));
}

TEST_F(NumaTest, HotPluggableMemoryIsTold) {
    add_memory(0, kGiB, 0);
    add_memory(kGiB, kGiB, 1, true);
    EXPECT_EQ(fill().node_count, 2u);
    EXPECT_TRUE(says("may be plugged in at 0x40000000 to 0x80000000 of domain 1"));
}

TEST_F(NumaTest, FaultsOfTheTablesAreTold) {
    tables.srat_faults = 3;
    tables.slit_faulty = true;
    fill();
    EXPECT_TRUE(says("SRAT: 3 structures make no sense"));
    EXPECT_TRUE(says("SLIT left out"));
}

} // namespace
} // namespace ashlar::arch
