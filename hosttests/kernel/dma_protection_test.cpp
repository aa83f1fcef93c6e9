// Which device accesses what, on a machine with two simulated units.
#include "kernel/dma_protection.h"

#include <memory>

#include "hosttests/iommu/fake_vtd.h"
#include "hosttests/kernel/kernel_test.h"
#include "kernel/driver_platform.h"

namespace ashlar::kernel {
namespace {

using acpi::DeviceScope;
using iommu::test::FakeVtd;

constexpr std::uint64_t kFirst = 0xfed9'0000, kSecond = 0xfed9'1000;

struct TextSink final : Sink {
    void write(std::string_view part) override { text += part; }
    std::string text;
};

// Registers of the units; memory from the fake machine.
class UnitsPlatform final : public Platform {
public:
    UnitsPlatform(MemorySource& memory, FakeVtd& first, FakeVtd& second)
        : real_(memory), first_(first), second_(second) {}
    Status map(PhysicalAddress, std::uint64_t) override { return {}; }
    std::uint8_t read8(PhysicalAddress) override { return 0xff; }
    std::uint16_t read16(PhysicalAddress) override { return 0xffff; }
    std::uint32_t read32(PhysicalAddress at) override {
        return static_cast<std::uint32_t>(unit(at).read(at.value() & 0xfff, 4));
    }
    void write8(PhysicalAddress, std::uint8_t) override {}
    void write16(PhysicalAddress, std::uint16_t) override {}
    void write32(PhysicalAddress at, std::uint32_t value) override {
        unit(at).write(at.value() & 0xfff, 4, value);
    }
    Result<DmaBlock> allocate(std::size_t bytes) override { return real_.allocate(bytes); }
    void free(const DmaBlock& block) override { real_.free(block); }
    std::uint64_t now_ns() override { return now_ += 1'000'000; }
    void pause() override {}

private:
    FakeVtd& unit(PhysicalAddress at) { return at < PhysicalAddress(kSecond) ? first_ : second_; }
    DriverPlatform real_;
    FakeVtd &first_, &second_;
    std::uint64_t now_ = 0;
};

// Device 3 belongs to the first unit by itself, what is behind the bridge 1 too; the second unit has the
// rest.
class DmaProtectionTest : public KernelTest {
protected:
    DmaProtectionTest() {
        acpi::Remapping& remapping = boot.remapping;
        remapping.kind = acpi::Remapping::Kind::VtD;
        remapping.interrupts = true;
        remapping.units.add({.registers = PhysicalAddress(kFirst)});
        remapping.units.add({.registers = PhysicalAddress(kSecond), .all = true});
        add_scope(DeviceScope::Of::Unit, 0, DeviceScope::Kind::Endpoint, {{3, 0}});
        add_scope(DeviceScope::Of::Unit, 0, DeviceScope::Kind::Bridge, {{1, 0}});
        add_function({0, 0, 1, 0}).is_bridge = true;
        functions.back().bridge.secondary = functions.back().bridge.subordinate = 1;
        add_function({0, 0, 3, 0});
        add_function({0, 0, 4, 0});
        add_function({0, 1, 0, 0});
    }
    pci::Function& add_function(pci::FunctionAddress at) {
        functions.emplace_back().address = at;
        return functions.back();
    }
    void add_scope(DeviceScope::Of of, std::uint8_t owner, DeviceScope::Kind kind,
                   std::initializer_list<DeviceScope::Step> path) {
        DeviceScope scope{.of = of, .owner = owner, .kind = kind};
        for (const DeviceScope::Step& step : path)
            scope.path[scope.depth++] = step;
        boot.remapping.scopes.add(scope);
    }
    std::string start() {
        TextSink sink;
        dma.start(boot, functions, hypervisor, platform, sink);
        return sink.text;
    }
    const pci::Function& at(std::uint8_t bus, std::uint8_t device) {
        return *std::find_if(functions.begin(), functions.end(), [&](const pci::Function& f) {
            return f.address == pci::FunctionAddress{0, bus, device, 0};
        });
    }
    static std::byte* memory(std::uint64_t address, std::uint64_t size) {
        EXPECT_LE(address + size, machine().memory_size);
        return machine().memory + address;
    }

    FakeVtd first{memory}, second{memory};
    UnitsPlatform platform{hypervisor, first, second};
    std::vector<pci::Function> functions;
    DmaProtection dma;
};

TEST_F(DmaProtectionTest, EachFunctionIsBehindItsUnit) {
    EXPECT_EQ(start(),
              "ashlar: iommu       VT-d, 2 units, 4 levels, leaves up to 1 GiB, interrupts remapped\n");
    DmaDomain& domain = *dma.create_domain(hypervisor).value();
    ASSERT_TRUE(
        domain.map(GuestPhysicalAddress(0x8000'0000), PhysicalAddress(0x20'0000), 2 * kMiB, true).ok());
    for (const auto& [bus, device] : {std::pair{0, 3}, std::pair{0, 4}, std::pair{1, 0}})
        ASSERT_TRUE(
            dma.attach(at(static_cast<std::uint8_t>(bus), static_cast<std::uint8_t>(device)), domain).ok());
    EXPECT_EQ(first.access(3 << 3, 0x8000'0010, true), 0x20'0010u);
    EXPECT_EQ(second.access(4 << 3, 0x8000'0010, true), 0x20'0010u);
    EXPECT_EQ(first.access(1 << 8, 0x8000'0010, true), 0x20'0010u);
    EXPECT_FALSE(second.access(3 << 3, 0x8000'0010, true));
    EXPECT_FALSE(first.access(4 << 3, 0x8000'0010, true));

    // A change is known to both when it returns.
    ASSERT_TRUE(domain.unmap(GuestPhysicalAddress(0x8000'0000), kPageSize).ok());
    EXPECT_FALSE(first.access(3 << 3, 0x8000'0010, true));
    EXPECT_FALSE(second.access(4 << 3, 0x8000'0010, true));
    EXPECT_EQ(second.access(4 << 3, 0x8000'1010, true), 0x20'1010u);
    for (const pci::Function& function : functions)
        ASSERT_TRUE(dma.detach(function, domain).ok());
    dma.destroy_domain(&domain);
    EXPECT_FALSE(second.access(4 << 3, 0x8000'1010, true));
}

TEST_F(DmaProtectionTest, OurOwnAccessUsableMemoryAndNothingElse) {
    start();
    const std::uint64_t inside = boot.ranges[0].base.value() + 4 * kMiB;
    ASSERT_TRUE(dma.allow_own(at(0, 3)).ok());
    ASSERT_TRUE(dma.allow_own(at(0, 3)).ok()); // again
    EXPECT_EQ(first.access(3 << 3, inside, true), inside);
    EXPECT_FALSE(first.access(3 << 3, 0x1000, true));
    EXPECT_FALSE(second.access(4 << 3, inside, true));
    DmaDomain& domain = *dma.create_domain(hypervisor).value();
    EXPECT_EQ(dma.attach(at(0, 3), domain).error(), Error::Busy);
    ASSERT_TRUE(dma.forget_own(at(0, 3)).ok());
    EXPECT_FALSE(first.access(3 << 3, inside, true));
    EXPECT_TRUE(dma.attach(at(0, 3), domain).ok());
}

TEST_F(DmaProtectionTest, FirmwaresRegionsStayItsDevices) {
    boot.remapping.regions.add({0x7000'0000, 0x7000'2000, 0});
    add_scope(DeviceScope::Of::Region, 0, DeviceScope::Kind::Endpoint, {{4, 0}});
    EXPECT_NE(start().find("firmware keeps 0x70000000 to 0x70002000"), std::string::npos);
    EXPECT_EQ(second.access(4 << 3, 0x7000'1004, true), 0x7000'1004u);
    EXPECT_FALSE(first.access(3 << 3, 0x7000'1004, true));
    DmaDomain& domain = *dma.create_domain(hypervisor).value();
    EXPECT_EQ(dma.attach(at(0, 4), domain).error(), Error::Denied);
}

TEST_F(DmaProtectionTest, InterruptsAreTheirFunctions) {
    start();
    const auto message = dma.add_interrupt(at(0, 4), {.apic_id = 2, .vector = 0x61});
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(message.value().address, 0xfee0'0010u | message.value().number << 5);
    EXPECT_EQ(second.interrupt(4 << 3, message.value().number)->vector, 0x61u);
    EXPECT_FALSE(second.interrupt(5 << 3, message.value().number));
    ASSERT_TRUE(dma.remove_interrupt(at(0, 4), message.value().number).ok());
    EXPECT_FALSE(second.interrupt(4 << 3, message.value().number));
}

TEST_F(DmaProtectionTest, WithOneUnitThatCannotInterruptsAreNotRemapped) {
    second.change(iommu::vtd::kExtendedCapability, iommu::vtd::extended::kInterrupts, 0);
    EXPECT_NE(start().find("interrupts not remapped"), std::string::npos);
    EXPECT_FALSE(dma.remaps_interrupts());
    EXPECT_EQ(dma.add_interrupt(at(0, 3), {}).error(), Error::Denied);
}

TEST_F(DmaProtectionTest, UnitsThatAreUnlikeOrBrokenAreNotUsed) {
    second.change(iommu::vtd::kCapability, 4 << 8, 0);
    EXPECT_EQ(start(), "ashlar: iommu       VT-d cannot be used: unsupported\n");
    EXPECT_FALSE(dma.active());
    EXPECT_TRUE(dma.allow_own(at(0, 3)).ok());
    EXPECT_EQ(dma.create_domain(hypervisor).error(), Error::Denied);
    EXPECT_EQ(first.access(3 << 3, 0x1234, true), 0x1234u); // nothing is held back
}

TEST_F(DmaProtectionTest, DomainsEndAndComeBack) {
    start();
    std::vector<DmaDomain*> domains;
    for (unsigned i = 0; i < DmaProtection::kMaxDomains; ++i)
        if (const Result<DmaDomain*> domain = dma.create_domain(hypervisor); domain.ok())
            domains.push_back(domain.value());
    EXPECT_EQ(domains.size(), DmaProtection::kMaxDomains - 1u); // one is ours
    const std::uint64_t before = free_frames();
    dma.destroy_domain(domains.back());
    EXPECT_GT(free_frames(), before);
    EXPECT_TRUE(dma.create_domain(hypervisor).ok());
    EXPECT_EQ(free_frames(), before);
}

TEST_F(DmaProtectionTest, AUnitThatStopsAnsweringIsAnError) {
    start();
    DmaDomain& domain = *dma.create_domain(hypervisor).value();
    ASSERT_TRUE(
        domain.map(GuestPhysicalAddress(0x8000'0000), PhysicalAddress(0x20'0000), 2 * kMiB, true).ok());
    ASSERT_TRUE(dma.attach(at(0, 4), domain).ok());
    second.stuck = true;
    EXPECT_EQ(domain.unmap(GuestPhysicalAddress(0x8000'0000), 2 * kMiB).error(), Error::Io);
    EXPECT_EQ(dma.detach(at(0, 4), domain).error(), Error::Io);
}

TEST_F(DmaProtectionTest, WithoutTablesThereIsNone) {
    boot.remapping = {};
    EXPECT_EQ(start(), "ashlar: iommu       none\n");
    EXPECT_FALSE(dma.active());
}

} // namespace
} // namespace ashlar::kernel
