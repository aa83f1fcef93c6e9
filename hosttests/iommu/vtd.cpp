#include "drivers/iommu/vtd.h"

#include <random>

#include <gtest/gtest.h>

#include "drivers/iommu/vtd_format.h"
#include "hosttests/iommu/fake_vtd.h"
#include "lib/page_table.h"

namespace ashlar::iommu::test {
namespace {

constexpr Requester kDisk = 0x0018, kOther = 0x0120;
constexpr std::uint64_t kMiB = 1 << 20;

struct Faults final : FaultVisitor {
    void fault(const Fault& fault) override { list.push_back(fault); }
    std::vector<Fault> list;
};

class VtdTest : public ::testing::Test {
protected:
    void start() {
        ASSERT_TRUE(unit.initialize(true).ok());
        ASSERT_TRUE(unit.enable_translation().ok());
    }
    SimulatedMachine machine;
    FakeVtd hardware{machine};
    Vtd unit{machine, PhysicalAddress(FakeVtd::kBase)};
};

TEST_F(VtdTest, KnowsWhatTheUnitCanDo) {
    start();
    EXPECT_EQ(unit.table_features().levels, 4u);
    EXPECT_EQ(unit.table_features().largest_level, 3u);
    EXPECT_FALSE(unit.table_features().coherent);
    EXPECT_EQ(unit.last_domain(), 0xffff);
}

TEST_F(VtdTest, NothingPassesUntilItIsAttached) {
    start();
    EXPECT_FALSE(hardware.access(kDisk, 0x1000, true));
    EXPECT_FALSE(hardware.access(kOther, 0x1000, false));
    Faults faults;
    EXPECT_FALSE(unit.take_faults(faults));
    ASSERT_EQ(faults.list.size(), 2u);
    EXPECT_EQ(faults.list[0].requester, kDisk);
    EXPECT_TRUE(faults.list[0].write);
    EXPECT_EQ(faults.list[0].address, 0x1000u);
    EXPECT_EQ(faults.list[0].reason, 2);
    EXPECT_FALSE(faults.list[1].write);
    faults.list.clear();
    EXPECT_FALSE(unit.take_faults(faults));
    EXPECT_TRUE(faults.list.empty());
}

TEST_F(VtdTest, FaultsThatTheHardwareCouldNotKeepAreToldOf) {
    start();
    for (unsigned i = 0; i < 3; ++i)
        hardware.access(kDisk, 0x1000 * i, true);
    Faults faults;
    EXPECT_TRUE(unit.take_faults(faults));
    EXPECT_EQ(faults.list.size(), 2u);
    EXPECT_FALSE(unit.take_faults(faults));
}

template <unsigned Levels>
void attach_and_detach(SimulatedMachine& machine, FakeVtd& hardware, Vtd& unit) {
    DomainTables memory(machine, unit, 5);
    auto table = PageTable<VtdFormat<Levels>, DomainTables>::create(memory, Levels - 1).value();
    ASSERT_TRUE(table
                    .map(GuestPhysicalAddress(0x8000'0000), PhysicalAddress(0x4000'0000),
                         4 * kMiB + kPageSize, {.write = true})
                    .ok());
    hardware.access(kDisk, 0x8000'0000, true);

    ASSERT_TRUE(unit.attach(kDisk, {table.root(), 5}).ok());
    EXPECT_EQ(unit.attach(kDisk, {table.root(), 6}).error(), Error::Busy);
    EXPECT_EQ(hardware.access(kDisk, 0x8000'0123, true), 0x4000'0123u);
    EXPECT_EQ(hardware.access(kDisk, 0x8040'0fff, false), 0x4040'0fffu);
    EXPECT_FALSE(hardware.access(kDisk, 0x8040'1000, false));
    EXPECT_FALSE(hardware.access(kDisk, 0x4000'0000, false));
    EXPECT_FALSE(hardware.access(kOther, 0x8000'0123, true));

    ASSERT_TRUE(table.unmap(GuestPhysicalAddress(0x8000'0000), kPageSize).ok());
    EXPECT_FALSE(hardware.access(kDisk, 0x8000'0123, true));
    EXPECT_EQ(hardware.access(kDisk, 0x8000'1123, true), 0x4000'1123u);

    ASSERT_TRUE(unit.detach(kDisk, 5).ok());
    EXPECT_FALSE(hardware.access(kDisk, 0x8000'1123, true));
    ASSERT_TRUE(unit.detach(kOther, 5).ok()); // was never attached
}

TEST_F(VtdTest, AnAttachedFunctionAccessesItsDomainAlone) {
    start();
    attach_and_detach<4>(machine, hardware, unit);
}
TEST_F(VtdTest, TablesHaveThreeLevelsWhereFourAreNotKnown) {
    hardware.change(vtd::kCapability, 4 << 8, 0);
    start();
    EXPECT_EQ(unit.table_features().levels, 3u);
    EXPECT_EQ(unit.table_features().largest_level, 2u);
    attach_and_detach<3>(machine, hardware, unit);
}
TEST_F(VtdTest, WithoutAQueueItInvalidatesByRegisters) {
    hardware.change(vtd::kExtendedCapability, vtd::extended::kQueue, 0);
    start();
    EXPECT_FALSE(unit.can_remap_interrupts());
    attach_and_detach<4>(machine, hardware, unit);
}
TEST_F(VtdTest, WhereAbsenceIsCachedAttachingInvalidates) {
    hardware.change(vtd::kCapability, 0, 1 << 7);
    start();
    EXPECT_FALSE(hardware.access(kDisk, 0x8000'0000, true));
    DomainTables memory(machine, unit, 5);
    auto table = PageTable<VtdFormat<4>, DomainTables>::create(memory).value();
    ASSERT_TRUE(unit.attach(kDisk, {table.root(), 5}).ok());
    ASSERT_TRUE(table.map(GuestPhysicalAddress(0), PhysicalAddress(0x1000), kPageSize, {.write = true}).ok());
    EXPECT_EQ(hardware.access(kDisk, 0, true), 0x1000u);
    ASSERT_TRUE(unit.detach(kDisk, 5).ok());
}

TEST_F(VtdTest, WhatFirmwareHasTurnedOnIsTurnedOffFirst) {
    hardware.change(vtd::kGlobalStatus, 0,
                    vtd::global::kTranslation | vtd::global::kQueue | vtd::global::kInterrupts);
    ASSERT_TRUE(unit.initialize(false).ok());
    EXPECT_EQ(hardware.get64(vtd::kGlobalStatus) & vtd::global::kTranslation, 0u);
    EXPECT_FALSE(unit.can_remap_interrupts());
    EXPECT_EQ(unit.enable_interrupt_remapping().error(), Error::Unsupported);
}

TEST_F(VtdTest, InterruptsAreThoseOfTheirFunction) {
    start();
    const auto first = unit.add_interrupt(kDisk, {.apic_id = 3, .vector = 0x51});
    const auto second = unit.add_interrupt(kOther, {.apic_id = 0, .vector = 0x52});
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_FALSE(unit.remaps_interrupts());
    ASSERT_TRUE(unit.enable_interrupt_remapping().ok());
    EXPECT_TRUE(unit.remaps_interrupts());

    const auto delivered = hardware.interrupt(kDisk, first.value());
    ASSERT_TRUE(delivered);
    EXPECT_EQ(delivered->vector, 0x51u);
    EXPECT_EQ(delivered->destination, 3u);
    EXPECT_FALSE(hardware.interrupt(kDisk, second.value()));
    ASSERT_TRUE(unit.remove_interrupt(first.value()).ok());
    EXPECT_FALSE(hardware.interrupt(kDisk, first.value()));
    Faults faults;
    unit.take_faults(faults);
    ASSERT_EQ(faults.list.size(), 2u);
    EXPECT_TRUE(faults.list[0].interrupt);
    EXPECT_EQ(faults.list[0].address, second.value());
}

TEST_F(VtdTest, InterruptsEnd) {
    start();
    for (unsigned i = 0; i < 256; ++i)
        ASSERT_TRUE(unit.add_interrupt(kDisk, {.vector = 0x51}).ok());
    EXPECT_EQ(unit.add_interrupt(kDisk, {.vector = 0x51}).error(), Error::OutOfMemory);
    EXPECT_FALSE(unit.remove_interrupt(256).ok());
}

TEST_F(VtdTest, AUnitThatIsNotThereOrCannotIsRefused) {
    hardware.change(vtd::kVersion, ~std::uint64_t{0}, 0);
    EXPECT_EQ(unit.initialize(true).error(), Error::NotFound);
    hardware.change(vtd::kVersion, 0, 0x10);
    hardware.change(vtd::kCapability, 6 << 8, 0);
    EXPECT_EQ(unit.initialize(true).error(), Error::Unsupported);
}

TEST_F(VtdTest, AUnitThatStopsAnsweringIsAnError) {
    start();
    DomainTables memory(machine, unit, 5);
    auto table = PageTable<VtdFormat<4>, DomainTables>::create(memory).value();
    ASSERT_TRUE(unit.attach(kDisk, {table.root(), 5}).ok());
    hardware.stuck = true;
    EXPECT_EQ(unit.detach(kDisk, 5).error(), Error::Io);
}

// Whatever was mapped and unmapped: each access goes where a plain map says, at once.
TEST_F(VtdTest, AccessesFollowRandomChangesOfTheTables) {
    start();
    machine.allocations_left = 1'000'000;
    DomainTables memory(machine, unit, 5);
    auto table = PageTable<VtdFormat<4>, DomainTables>::create(memory, 3).value();
    ASSERT_TRUE(unit.attach(kDisk, {table.root(), 5}).ok());
    std::mt19937_64 random(11);
    struct Page {
        std::uint64_t to;
        bool write;
    };
    std::map<std::uint64_t, Page> model; // by page of 64 KiB granules
    constexpr std::uint64_t kPages = 2048, kBase = 0x8000'0000;
    for (unsigned round = 0; round < 200; ++round) {
        const std::uint64_t from = random() % kPages, count = 1 + random() % (kPages - from);
        const bool write = random() % 2 == 0;
        if (random() % 2 == 0) {
            const std::uint64_t to = (0x1'0000 + random() % 4 * 512 + from) << 12;
            const bool free = model.lower_bound(from) == model.lower_bound(from + count);
            const Status status = table.map(GuestPhysicalAddress(kBase + from * 4096), PhysicalAddress(to),
                                            count * 4096, {.write = write});
            EXPECT_EQ(status.ok(), free);
            for (std::uint64_t i = 0; free && i < count; ++i)
                model[from + i] = {to + i * 4096, write};
        } else {
            ASSERT_TRUE(table.unmap(GuestPhysicalAddress(kBase + from * 4096), count * 4096).ok());
            model.erase(model.lower_bound(from), model.lower_bound(from + count));
        }
        for (unsigned probe = 0; probe < 50; ++probe) {
            const std::uint64_t page = random() % kPages;
            const auto found = model.find(page);
            const auto read = hardware.access(kDisk, kBase + page * 4096 + 8, false);
            const auto written = hardware.access(kDisk, kBase + page * 4096 + 8, true);
            EXPECT_EQ(read.value_or(0), found != model.end() ? found->second.to + 8 : 0);
            EXPECT_EQ(written.has_value(), found != model.end() && found->second.write);
        }
    }
    ASSERT_TRUE(unit.detach(kDisk, 5).ok());
}

} // namespace
} // namespace ashlar::iommu::test
