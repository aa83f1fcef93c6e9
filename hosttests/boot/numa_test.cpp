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
    void add_memory(std::uint64_t base, std::uint64_t size, std::uint32_t domain) {
        tables.memory_affinity.add({PhysicalAddress(base), size, domain, false});
    }
    const NumaTopology& fill() {
        fill_numa(tables, boot);
        return boot.numa;
    }

    acpi::Tables tables;
    kernel::BootInformation boot{};
};

TEST_F(NumaTest, WithoutTablesThereIsOneNodeAndOneCpu) {
    const NumaTopology& numa = fill();
    EXPECT_EQ(boot.cpu_count, 1u);
    EXPECT_EQ(numa.node_count, 1u);
    EXPECT_EQ(numa.cpus[0], 1u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(0x1234)), 0u);
}

TEST_F(NumaTest, NodesFollowTheMemorysDomains) {
    add_memory(0, 2 * kGiB, 7);
    add_memory(4 * kGiB, kGiB, 3);
    add_memory(5 * kGiB, kGiB, 7);
    add_cpu(0, 7);
    add_cpu(1, 3);
    add_cpu(2, 3);
    add_cpu(3, 3, false);

    const NumaTopology& numa = fill();

    EXPECT_EQ(boot.cpu_count, 3u);
    ASSERT_EQ(numa.node_count, 2u);
    EXPECT_EQ(numa.domains[0], 7u);
    EXPECT_EQ(numa.domains[1], 3u);
    EXPECT_EQ(numa.cpus[0], 1u);
    EXPECT_EQ(numa.cpus[1], 2u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(4 * kGiB)), 1u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(5 * kGiB)), 0u);
    EXPECT_EQ(numa.node_of(PhysicalAddress(9 * kGiB)), 0u); // of nobody
}

TEST_F(NumaTest, NodeWithCpusAloneHasNoMemory) {
    add_memory(0, kGiB, 0);
    add_cpu(0, 0);
    add_cpu(1, 5);
    const NumaTopology& numa = fill();
    ASSERT_EQ(numa.node_count, 2u);
    EXPECT_EQ(numa.cpus[1], 1u);
    EXPECT_EQ(numa.range_count, 1u);
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

    EXPECT_EQ(numa.distance[0][1], 32); // node 0 is domain 1
    EXPECT_EQ(numa.distance[1][0], 31);
    EXPECT_EQ(numa.distance[0][2], NumaTopology::kRemoteDistance);
    EXPECT_EQ(numa.distance[2][2], NumaTopology::kLocalDistance);
}

TEST_F(NumaTest, MemoryOfTooManyDomainsGoesToNodeZero) {
    for (std::uint32_t domain = 0; domain < kernel::kMaxNodes + 4; ++domain)
        add_memory(domain * kGiB, kGiB, domain);
    const NumaTopology& numa = fill();
    EXPECT_EQ(numa.node_count, kernel::kMaxNodes);
    EXPECT_EQ(numa.node_of(PhysicalAddress((kernel::kMaxNodes + 1) * kGiB)), 0u);
}

TEST_F(NumaTest, TakesAsManyRangesAsTheTablesHold) {
    for (std::uint64_t i = 0; i < 300; ++i)
        add_memory(i * kGiB, kGiB, 1);
    EXPECT_EQ(fill().range_count, NumaTopology::kMaxRanges);
    EXPECT_EQ(tables.memory_affinity.dropped, 300 - NumaTopology::kMaxRanges);
}

} // namespace
} // namespace ashlar::arch
