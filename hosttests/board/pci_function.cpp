// A function of the machine behind the board's host bridge, as a guest sees it.
#include "jit/board/pcie_host.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace ashlar::jit::board {
namespace {

constexpr std::uint64_t kBarSize = 0x4000, kAddress = 0x4000'0000;
constexpr std::uint64_t kCommon = 0, kIsr = 0x1000, kDevice = 0x2000, kNotify = 0x3000;

// A device whose registers are memory; BAR 4 has all structures, pages 0x2000 and up of BAR 1 are a hole.
class FakeBackend final : public PciBackend {
public:
    FakeBackend() {
        put16(0, 0x1af4);
        put16(2, 0x1042);
        bytes[6] = 0x10;
        bytes[0x20] = 4; // 64 bits wide
        bytes[0x34] = 0x40;
        bytes[0x3d] = 1;
        structure(0x40, 0x50, 1, kCommon);
        structure(0x50, 0x60, 3, kIsr);
        structure(0x60, 0x70, 4, kDevice);
        structure(0x70, 0, 2, kNotify);
        windows[1] = {registers.data(), 0x4000, 0x2000, 0x3000};
        windows[4] = {registers.data() + 0x4000, kBarSize, 0, 0};
    }
    std::span<const std::uint8_t, kConfiguration> configuration() const override { return bytes; }
    const PciBarWindow& bar(unsigned index) const override { return windows[index]; }
    void set_bus_master(bool on) override { masters.push_back(on); }
    unsigned take_interrupts() override { return std::exchange(interrupts, 0); }

    std::uint64_t at(std::uint64_t offset, unsigned width) const {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width; ++i)
            value |= std::to_integer<std::uint64_t>(registers[0x4000 + offset + i]) << (8 * i);
        return value;
    }

    std::array<std::uint8_t, kConfiguration> bytes{};
    std::array<PciBarWindow, kBars> windows{};
    std::array<std::byte, 0x8000> registers{};
    std::vector<bool> masters;
    unsigned interrupts = 0;

private:
    void put16(std::size_t at, unsigned value) {
        bytes[at] = static_cast<std::uint8_t>(value);
        bytes[at + 1] = static_cast<std::uint8_t>(value >> 8);
    }
    void structure(std::size_t at, std::uint8_t next, std::uint8_t kind, std::uint64_t offset) {
        bytes[at] = 9;
        bytes[at + 1] = next;
        bytes[at + 2] = 16;
        bytes[at + 3] = kind;
        bytes[at + 4] = 4;
        put16(at + 8, static_cast<unsigned>(offset));
        put16(at + 12, 0x1000);
    }
};

class PciFunctionTest : public testing::Test {
protected:
    PciFunctionTest() { EXPECT_TRUE(host.attach(bus).ok()); }

    static GuestPhysicalAddress place(std::uint64_t device, std::uint64_t offset) {
        return kPcieEcam.base + (device << 15) + offset;
    }
    std::uint64_t configuration(std::uint64_t offset, unsigned width) {
        return bus.read(place(1, offset), width).value();
    }
    void configure(std::uint64_t offset, unsigned width, std::uint64_t value) {
        EXPECT_TRUE(bus.write(place(1, offset), width, value).ok());
    }
    // As a guest's kernel does.
    void set_up() {
        configure(0x20, 4, kAddress);
        configure(0x24, 4, 0);
        configure(4, 2, 6);
    }
    std::uint64_t read(std::uint64_t offset, unsigned width) {
        return bus.read(GuestPhysicalAddress(kAddress + offset), width).value();
    }
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) {
        EXPECT_TRUE(bus.write(GuestPhysicalAddress(kAddress + offset), width, value).ok());
    }
    bool wire() const { return controller.levels[kPcieIrq + 1]; }

    FakeBackend backend;
    std::array<PciBackend*, 1> backends{&backend};
    test::FakeClock clock;
    test::FakeController controller;
    PcieHost host{backends, clock, controller};
    Bus bus;
};

TEST_F(PciFunctionTest, IsDeviceOneOfBusZero) {
    EXPECT_EQ(configuration(0, 4), 0x1042'1af4u);
    EXPECT_EQ(configuration(0x3d, 1), 1u);
    EXPECT_EQ(configuration(0x100, 4), 0u);
    EXPECT_EQ(bus.read(place(0, 0), 4).value(), 0xffff'ffffu);
    EXPECT_EQ(bus.read(place(2, 0), 4).value(), 0xffff'ffffu);
    EXPECT_EQ(bus.read(place(1, 0x1000), 4).value(), 0xffff'ffffu); // function 1
    EXPECT_TRUE(bus.write(place(2, 4), 2, 6).ok());
}

TEST_F(PciFunctionTest, BarsAreSizedAndPlacedByTheGuest) {
    configure(0x20, 4, ~std::uint32_t{0});
    configure(0x24, 4, ~std::uint32_t{0});
    EXPECT_EQ(configuration(0x20, 4), 0xffff'c004u);
    EXPECT_EQ(configuration(0x24, 4), 0xffff'ffffu);
    configure(0x14, 4, ~std::uint32_t{0});
    EXPECT_EQ(configuration(0x14, 4), 0xffff'c000u);
    configure(0x10, 4, ~std::uint32_t{0});
    EXPECT_EQ(configuration(0x10, 4), 0u);
    configure(0, 4, 0);
    EXPECT_EQ(configuration(0, 4), 0x1042'1af4u);
}

TEST_F(PciFunctionTest, RegistersAreTheDevicesOwn) {
    set_up();
    write(kDevice + 8, 4, 0x1234'5678);
    EXPECT_EQ(backend.at(kDevice + 8, 4), 0x1234'5678u);
    EXPECT_EQ(read(kDevice + 8, 2), 0x5678u);
    write(kCommon + 0x20, 8, 0x1'8000'2000);
    EXPECT_EQ(backend.at(kCommon + 0x20, 8), 0x1'8000'2000u);
    EXPECT_EQ(read(kCommon + 0x20, 8), 0x1'8000'2000u);
    EXPECT_FALSE(bus.read(GuestPhysicalAddress(kAddress + kDevice + 1), 4).ok());
    EXPECT_FALSE(bus.write(GuestPhysicalAddress(kAddress + kDevice + 1), 2, 0).ok());
}

TEST_F(PciFunctionTest, NothingAnswersWhereNoBarIsOrMemoryIsOff) {
    EXPECT_EQ(read(0, 4), 0xffff'ffffu);
    set_up();
    EXPECT_EQ(bus.read(GuestPhysicalAddress(kAddress + kBarSize), 4).value(), 0xffff'ffffu);
    configure(4, 2, 4);
    write(kDevice, 4, 1);
    EXPECT_EQ(backend.at(kDevice, 4), 0u);
}

TEST_F(PciFunctionTest, TheTableOfInterruptsIsNotThere) {
    set_up();
    configure(0x14, 4, 0x4001'0000);
    backend.registers[0x2000] = std::byte{1};
    EXPECT_EQ(bus.read(GuestPhysicalAddress(0x4001'2000), 4).value(), 0xffff'ffffu);
    EXPECT_TRUE(bus.write(GuestPhysicalAddress(0x4001'2000), 4, 7).ok());
    EXPECT_EQ(backend.registers[0x2000], std::byte{1});
    EXPECT_EQ(bus.read(GuestPhysicalAddress(0x4001'3000), 4).value(), 0u);
}

TEST_F(PciFunctionTest, BusMasteringIsPassedOn) {
    set_up();
    configure(4, 2, 6);
    configure(4, 2, 2);
    EXPECT_EQ(backend.masters, (std::vector<bool>{true, false}));
}

TEST_F(PciFunctionTest, TheDeviceIsToldItsVectorsAndTheGuestsAreKeptBack) {
    set_up();
    write(kCommon + 0x10, 2, 0xffff);
    write(kCommon + 0x1a, 2, 0xffff);
    EXPECT_EQ(backend.at(0x10, 2), 0u);
    write(kCommon + 0x1c, 2, 1);
    EXPECT_EQ(backend.at(0x1a, 2), std::uint64_t{PciBackend::kQueueVector});
    EXPECT_EQ(backend.at(0x1c, 2), 1u);
    backend.registers[0x4010] = std::byte{0xff};
    EXPECT_FALSE(host.busy());
    write(kCommon + 0x14, 1, 0xf);
    EXPECT_EQ(backend.at(0x10, 2), std::uint64_t{PciBackend::kChangeVector});
    EXPECT_TRUE(host.busy());
}

TEST_F(PciFunctionTest, InterruptsRaiseThePinUntilTheStatusIsRead) {
    set_up();
    backend.interrupts = PciBackend::kQueueInterrupt;
    host.poll();
    EXPECT_TRUE(wire());
    EXPECT_EQ(configuration(6, 2) & 8, 8u);
    backend.interrupts = PciBackend::kChangeInterrupt;
    host.poll();
    EXPECT_EQ(read(kIsr, 1), 3u);
    EXPECT_FALSE(wire());
    EXPECT_EQ(configuration(6, 2) & 8, 0u);
    EXPECT_EQ(read(kIsr, 1), 0u);
}

TEST_F(PciFunctionTest, InterruptsCanBeTurnedOffAndEndWithAReset) {
    set_up();
    configure(4, 2, 0x406);
    backend.interrupts = PciBackend::kQueueInterrupt;
    host.poll();
    EXPECT_FALSE(wire());
    configure(4, 2, 6);
    EXPECT_TRUE(wire());
    write(kCommon + 0x14, 1, 0);
    EXPECT_FALSE(wire());
    EXPECT_EQ(read(kIsr, 1), 0u);
}

TEST_F(PciFunctionTest, QuietMeansResetAndNoBusMaster) {
    set_up();
    write(kCommon + 0x14, 1, 0xf);
    backend.interrupts = PciBackend::kQueueInterrupt;
    host.poll();
    host.quiesce();
    EXPECT_EQ(backend.at(0x14, 1), 0u);
    EXPECT_FALSE(backend.masters.back());
    EXPECT_FALSE(host.busy());
    host.reset();
    EXPECT_FALSE(wire());
    EXPECT_EQ(configuration(4, 2), 0u);
    EXPECT_EQ(configuration(0x20, 4), 4u);
}

TEST_F(PciFunctionTest, CapabilitiesThatMakeNoSenseAreNone) {
    FakeBackend odd;
    odd.bytes[0x41] = 0x40; // the list goes round
    odd.bytes[0x44] = 7;    // no such BAR
    std::array<PciBackend*, 1> list{&odd};
    PcieHost other(list, clock, controller);
    other.quiesce();
    EXPECT_EQ(odd.masters, std::vector<bool>{false});
}

TEST(PcieHost, HasNoMemoryWithoutFunctions) {
    test::FakeClock clock;
    test::FakeController controller;
    PcieHost host({}, clock, controller);
    Bus bus;
    ASSERT_TRUE(host.attach(bus).ok());
    EXPECT_EQ(bus.read(kPcieEcam.base, 4).value(), 0xffff'ffffu);
    EXPECT_EQ(bus.read(kPcieEcam.base + 0xfff'ffff, 1).value(), 0xffu);
    EXPECT_TRUE(bus.write(kPcieEcam.base, 4, 0).ok());
    EXPECT_FALSE(bus.read(kPcieMemory.base, 4).ok());
}

} // namespace
} // namespace ashlar::jit::board
