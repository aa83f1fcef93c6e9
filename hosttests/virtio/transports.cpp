// PCI and MMIO: finding the registers, whatever the device says of them.
#include <gtest/gtest.h>

#include "drivers/pci/capabilities.h"
#include "drivers/virtio/block.h"
#include "drivers/virtio/mmio_transport.h"
#include "drivers/virtio/pci_transport.h"
#include "hosttests/board/fakes.h"
#include "hosttests/pci/fake_bus.h"
#include "hosttests/virtio/simulated_disk.h"
#include "jit/board/virtio_block.h"

namespace ashlar::virtio {
namespace {

using pci::test::FakeBus;
using pci::test::FakeFunction;
using test::MmioFront;
using test::PciFront;
using test::SimulatedDisk;
using test::SimulatedMachine;
using Kind = DiskRequest::Kind;

constexpr std::uint64_t kBar = 0xfe00'0000;
constexpr pci::FunctionAddress kAt{0, 0, 3, 0};

class PciTransportTest : public testing::Test {
protected:
    PciTransportTest() {
        machine.attach(kBar, PciFront::kSize, front);
        machine.on_pause = [this] { disk.process(); };
        function.add_bar(4, 0x4000, 4, kBar);
    }
    // One of the capabilities that say where the structures are.
    void add(std::uint8_t at, std::uint8_t kind, std::uint8_t bar, std::uint32_t offset, std::uint32_t length,
             std::uint32_t multiplier = 0) {
        std::vector<std::uint8_t> rest(18);
        rest[0] = 20;
        rest[1] = kind;
        rest[2] = bar;
        store_le(rest.data() + 6, offset);
        store_le(rest.data() + 10, length);
        store_le(rest.data() + 14, multiplier);
        function.add_capability(at, pci::capability::kVendorSpecific, rest);
    }
    void add_all() {
        add(0x40, 1, 4, PciFront::kCommon, 56);
        add(0x58, 2, 4, PciFront::kNotify, 0x1000, PciFront::kMultiplier);
        add(0x70, 4, 4, PciFront::kDevice, 60);
        add(0x88, 3, 4, 0x2800, 4); // interrupt status, not used
        add(0xa0, 5, 0, 0, 0);      // access through configuration space, not used
    }
    Result<PciTransport> open() { return PciTransport::open(bus, pci::read_function(bus, kAt), machine); }
    void expect(Error error) {
        const auto opened = open();
        ASSERT_FALSE(opened.ok());
        EXPECT_EQ(opened.error(), error);
    }
    FakeBus bus;
    FakeFunction& function = bus.add(3, 0, FakeFunction{0x1af4, 0x1042, 1, 0});
    SimulatedMachine machine;
    SimulatedDisk disk{machine, 64};
    PciFront front{disk};
};

TEST_F(PciTransportTest, DrivesADisk) {
    add_all();
    disk.features |= feature::kPacked | feature::kEventIndex | test::blk::kMultiQueue;
    disk.queues.resize(2);
    Result<PciTransport> transport = open();
    ASSERT_TRUE(transport.ok());
    EXPECT_EQ(transport.value().device_id(), DeviceId::Block);
    BlockDevice device(transport.value(), machine);
    ASSERT_TRUE(device.initialize().ok());
    EXPECT_TRUE(disk.packed());
    EXPECT_EQ(device.queue_count(), 2u);
    EXPECT_EQ(device.properties().capacity, 64u * 512);
    const DiskPiece piece{SimulatedMachine::kMemory + (4 << 20), 1024};
    ASSERT_TRUE(device.perform({Kind::Read, 512, 1024, {&piece, 1}}).ok());
    EXPECT_EQ(std::memcmp(machine.memory.data() + (4 << 20), disk.content.data() + 512, 1024), 0);
}

TEST_F(PciTransportTest, KnowsVirtioFunctions) {
    add_all();
    const auto matches = [&](std::uint16_t vendor, std::uint16_t device) {
        function.set<std::uint16_t>(pci::reg::kVendor, vendor);
        function.set<std::uint16_t>(pci::reg::kDevice, device);
        return PciTransport::matches(pci::read_function(bus, kAt));
    };
    EXPECT_TRUE(matches(0x1af4, 0x1000));
    EXPECT_TRUE(matches(0x1af4, 0x107f));
    EXPECT_FALSE(matches(0x1af4, 0x1080));
    EXPECT_FALSE(matches(0x1af4, 0x0fff));
    EXPECT_FALSE(matches(0x8086, 0x1042));
    expect(Error::NotFound);
    // A transitional disk, whose subsystem tells what it is.
    ASSERT_TRUE(matches(0x1af4, 0x1001));
    function.set<std::uint16_t>(pci::reg::kSubsystem, 2);
    EXPECT_EQ(open().value().device_id(), DeviceId::Block);
}

TEST_F(PciTransportTest, LegacyDevicesHaveNoStructures) {
    expect(Error::Unsupported);
    add(0x40, 5, 0, 0, 0);
    expect(Error::Unsupported);
}

TEST_F(PciTransportTest, StructuresThatAreNotInABarAreNone) {
    struct Case {
        std::uint8_t kind, bar;
        std::uint32_t offset, length;
    };
    const Case cases[] = {
        {1, 4, 0, 55},           // too short
        {1, 4, 0x3fe0, 56},      // half outside
        {1, 4, 0xffff'fff0, 56}, // far outside
        {1, 4, 0, 0xffff'ffff},  // longer than the BAR
        {1, 4, 2, 56},           // misaligned
        {1, 0, 0, 56},           // no such BAR
        {1, 5, 0, 56},           // the upper half of one
        {1, 6, 0, 56},           // none
        {1, 255, 0, 56},         // none
    };
    for (const Case& bad : cases) {
        function.set<std::uint8_t>(pci::reg::kCapabilities, 0);
        add(0x58, 2, 4, PciFront::kNotify, 0x1000, PciFront::kMultiplier);
        add(0x40, bad.kind, bad.bar, bad.offset, bad.length);
        expect(Error::Malformed);
        EXPECT_TRUE(machine.mapped.empty());
        add(0x70, 1, 4, PciFront::kCommon, 56); // another one may do
        EXPECT_TRUE(open().ok());
        machine.mapped.clear();
    }
}

TEST_F(PciTransportTest, BarsNeedAnAddress) {
    add_all();
    function.set<std::uint32_t>(pci::reg::kBar0 + 16, 4);
    expect(Error::Malformed);
}

TEST_F(PciTransportTest, TheCapabilityAtTheVeryEndIsNotReadPastIt) {
    add(0x40, 1, 4, PciFront::kCommon, 56);
    function.add_capability(0xfc, pci::capability::kVendorSpecific, {20, 2});
    expect(Error::Malformed);
}

TEST_F(PciTransportTest, DoorbellsLieInTheirStructure) {
    for (const auto& [offset, fits] : std::vector<std::pair<std::uint16_t, bool>>{
             {0, true}, {0x3ff, true}, {0x400, false}, {0xffff, false}}) {
        function.set<std::uint8_t>(pci::reg::kCapabilities, 0);
        add_all();
        front.notify_offset_of_queue_0 = offset;
        Result<PciTransport> transport = open();
        ASSERT_TRUE(transport.ok());
        BlockDevice device(transport.value(), machine);
        EXPECT_EQ(device.initialize().ok(), fits) << offset;
    }
}

TEST_F(PciTransportTest, ConfigurationHasAnEnd) {
    add_all();
    Result<PciTransport> transport = open();
    ASSERT_TRUE(transport.ok());
    std::array<std::byte, 8> raw;
    EXPECT_TRUE(transport.value().read_configuration(52, raw).ok());
    EXPECT_EQ(transport.value().read_configuration(53, raw).error(), Error::OutOfRange);
    EXPECT_EQ(transport.value().read_configuration(~std::size_t{0}, raw).error(), Error::OutOfRange);
    machine.map_fails = true;
    expect(Error::OutOfMemory);
}

class MmioTransportTest : public testing::Test {
protected:
    MmioTransportTest() {
        machine.attach(kBar, 0x200, front);
        machine.on_pause = [this] { disk.process(); };
    }
    Error error(std::uint64_t size = 0x200) {
        const auto opened = MmioTransport::open(PhysicalAddress(kBar), size, machine);
        return opened.ok() ? Error::InvalidArgument : opened.error();
    }
    SimulatedMachine machine;
    SimulatedDisk disk{machine, 64};
    MmioFront front{disk};
};

TEST_F(MmioTransportTest, FindsWhatIsThere) {
    EXPECT_TRUE(MmioTransport::open(PhysicalAddress(kBar), 0x200, machine).ok());
    EXPECT_EQ(error(0xff), Error::OutOfRange);
    front.version = 1;
    EXPECT_EQ(error(), Error::Unsupported);
    front.id = 0; // an empty place
    EXPECT_EQ(error(), Error::NotFound);
    front.magic = 0xffff'ffff;
    EXPECT_EQ(error(), Error::NotFound);
}

TEST_F(MmioTransportTest, ReadsConfigurationThatDoesNotChangeMeanwhile) {
    Result<MmioTransport> transport = MmioTransport::open(PhysicalAddress(kBar), 0x200, machine);
    ASSERT_TRUE(transport.ok());
    std::array<std::byte, 8> raw;
    front.changes = 20; // for three attempts
    EXPECT_TRUE(transport.value().read_configuration(0, raw).ok());
    EXPECT_EQ(load_le<std::uint64_t>(raw.data()), 64u);
    front.changes = 100000; // for ever
    EXPECT_EQ(transport.value().read_configuration(0, raw).error(), Error::Busy);
    front.changes = 0;
    EXPECT_EQ(transport.value().read_configuration(0xfc, raw).error(), Error::OutOfRange);
}

// The device that the virtual board has, driven by the driver that the hypervisor has.
class BoardFront final : public test::RegisterModel {
public:
    explicit BoardFront(jit::board::VirtioMmio& slot) : slot_(slot) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override {
        return slot_.read(offset, width).value();
    }
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
        EXPECT_TRUE(slot_.write(offset, width, value).ok());
    }

private:
    jit::board::VirtioMmio& slot_;
};

TEST(MmioTransport, DrivesTheBoardsOwnDisk) {
    SimulatedMachine machine;
    std::vector<std::uint8_t> code_pages(machine.memory.size() / 4096);
    jit::GuestMemory memory(GuestPhysicalAddress(SimulatedMachine::kMemory), machine.memory,
                            code_pages.data());
    jit::board::test::FakeDisk disk(4096);
    jit::board::VirtioBlock block(disk);
    ASSERT_TRUE(block.prepare().ok());
    jit::board::test::FakeController controller;
    jit::board::VirtioMmio slot(memory, jit::board::InterruptWire(controller, 1), &block);
    BoardFront front(slot);
    machine.attach(kBar, 0x1000, front);
    Result<MmioTransport> transport = MmioTransport::open(PhysicalAddress(kBar), 0x1000, machine);
    ASSERT_TRUE(transport.ok());
    BlockDevice device(transport.value(), machine);
    ASSERT_TRUE(device.initialize().ok());
    EXPECT_EQ(device.properties().capacity, 4096u * 512);
    EXPECT_NE(device.features() & feature::kEventIndex, 0u);
    const DiskPiece piece{SimulatedMachine::kMemory + (4 << 20), 65536};
    for (unsigned i = 0; i < 300; ++i) {
        const std::uint64_t offset = 512 * (i * 7 % 3968);
        ASSERT_TRUE(device.perform({i % 3 == 0 ? Kind::Write : Kind::Read, offset, 65536, {&piece, 1}}).ok());
        ASSERT_EQ(std::memcmp(machine.memory.data() + (4 << 20), disk.content.data() + offset, 65536), 0);
    }
    ASSERT_TRUE(device.perform({Kind::WriteZeroes, 0, 4096 * 512}).ok());
    EXPECT_EQ(disk.content.back(), std::byte{0});
    ASSERT_TRUE(device.perform({Kind::Discard, 0, 4096 * 512}).ok());
    EXPECT_EQ(std::string_view(device.identify().value().data()), "serial-0123456789");
}

} // namespace
} // namespace ashlar::virtio
