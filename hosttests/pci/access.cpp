// How configuration space is reached.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "drivers/pci/ecam_access.h"
#include "drivers/pci/legacy_access.h"
#include "lib/bytes.h"

namespace ashlar::pci {
namespace {

TEST(EcamAccess, FindsFunctionsByBusDeviceAndNumber) {
    std::vector<std::byte> memory(2 << 20);
    EcamAccess ecam;
    ASSERT_TRUE(ecam.add({3, 16, 17}, memory.data()).ok());
    const FunctionAddress at{3, 17, 5, 6};
    ecam.write32(at, 0x104, 0x1234'5678);
    EXPECT_EQ(load_le<std::uint32_t>(memory.data() + (1 << 20) + (5 << 15) + (6 << 12) + 0x104),
              0x1234'5678u);
    EXPECT_EQ(ecam.read32(at, 0x104), 0x1234'5678u);
    EXPECT_EQ(ecam.read16(at, 0x106), 0x1234u);
    EXPECT_EQ(ecam.read8(at, 0x105), 0x56u);
    ecam.write8(at, 0x105, 0xaa);
    ecam.write16(at, 0x106, 0xbbbb);
    EXPECT_EQ(ecam.read32(at, 0x104), 0xbbbb'aa78u);
}

TEST(EcamAccess, WhatIsNotThereReadsAsOnes) {
    std::vector<std::byte> memory(1 << 20);
    EcamAccess ecam;
    ASSERT_TRUE(ecam.add({0, 1, 1}, memory.data()).ok());
    for (const FunctionAddress at : {FunctionAddress{0, 0, 0, 0}, {0, 2, 0, 0}, {1, 1, 0, 0}}) {
        EXPECT_EQ(ecam.read16(at, 0), 0xffffu);
        EXPECT_EQ(ecam.read32(at, 0), 0xffff'ffffu);
        ecam.write32(at, 0, 0);
    }
    const FunctionAddress there{0, 1, 31, 7};
    EXPECT_EQ(ecam.read32(there, 4096), 0xffff'ffffu);
    ecam.write32(there, 4096, 1); // would be past the memory
    EXPECT_EQ(ecam.read32(there, 4092), 0u);
    EXPECT_EQ(ecam.add({0, 9, 9}, memory.data()).error(), Error::Overlap);
    for (std::uint16_t segment = 1; segment < EcamAccess::kMaxSegments; ++segment)
        EXPECT_TRUE(ecam.add({segment, 0, 0}, memory.data()).ok());
    EXPECT_EQ(ecam.add({99, 0, 0}, memory.data()).error(), Error::OutOfMemory);
}

// The two ports, in front of 256 bytes that are the same for all functions.
struct FakePorts final : PortSpace {
    std::uint32_t read(std::uint16_t port, std::size_t size) {
        if (port >= 0xcf8 && port + size <= 0xcfc)
            return size == 4 && there ? address : ~0u;
        std::uint32_t value = 0;
        std::memcpy(&value, bytes + (address & 0xfc) + (port - 0xcfc), size);
        return value;
    }
    void write(std::uint16_t port, std::uint32_t value, std::size_t size) {
        if (port == 0xcf8 && size == 4)
            address = value;
        else
            std::memcpy(bytes + (address & 0xfc) + (port - 0xcfc), &value, size);
    }
    std::uint8_t in8(std::uint16_t port) override { return static_cast<std::uint8_t>(read(port, 1)); }
    std::uint16_t in16(std::uint16_t port) override { return static_cast<std::uint16_t>(read(port, 2)); }
    std::uint32_t in32(std::uint16_t port) override { return read(port, 4); }
    void out8(std::uint16_t port, std::uint8_t value) override { write(port, value, 1); }
    void out16(std::uint16_t port, std::uint16_t value) override { write(port, value, 2); }
    void out32(std::uint16_t port, std::uint32_t value) override { write(port, value, 4); }
    std::uint32_t address = 0x1234;
    std::uint8_t bytes[256] = {};
    bool there = true;
};

TEST(LegacyAccess, ChoosesTheRegisterAndItsBytes) {
    FakePorts ports;
    LegacyAccess access(ports);
    const FunctionAddress at{0, 3, 31, 5};
    access.write32(at, 0x40, 0x1122'3344);
    EXPECT_EQ(ports.address, 0x8003'fd40u);
    EXPECT_EQ(access.read8(at, 0x41), 0x33u);
    EXPECT_EQ(access.read16(at, 0x42), 0x1122u);
    EXPECT_EQ(ports.address, 0x8003'fd40u);
    access.write8(at, 0x43, 0xee);
    access.write16(at, 0x40, 0xdddd);
    EXPECT_EQ(access.read32(at, 0x40), 0xee22'ddddu);
}

TEST(LegacyAccess, ReachesTheFirstSegmentsFirst256Bytes) {
    FakePorts ports;
    LegacyAccess access(ports);
    EXPECT_EQ(access.space_size(), 256u);
    EXPECT_EQ(access.read32({0, 0, 0, 0}, 0x100), 0xffff'ffffu);
    EXPECT_EQ(access.read8({1, 0, 0, 0}, 0), 0xffu);
    access.write32({1, 0, 0, 0}, 0, 5);
    EXPECT_EQ(ports.bytes[0], 0u);
}

TEST(LegacyAccess, KnowsWhetherItIsThere) {
    FakePorts ports;
    LegacyAccess access(ports);
    EXPECT_TRUE(access.present());
    EXPECT_EQ(ports.address, 0x1234u); // as before
    ports.there = false;
    EXPECT_FALSE(access.present());
}

} // namespace
} // namespace ashlar::pci
