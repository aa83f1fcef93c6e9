// A driver for the tests: builds rings by hand in guest memory, right or wrong.
#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "fakes.h"
#include "jit/board/virtio_block.h"
#include "jit/board/virtio_mmio.h"

namespace ashlar::jit::board::test {

constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;

struct RawDescriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags, next;
};

template <class Disk>
class VirtioTestOn : public testing::Test {
protected:
    static constexpr std::uint64_t kRam = 0x8000'0000, kDescriptors = kRam + 0x1000, kDriver = kRam + 0x2000,
                                   kDevice = kRam + 0x3000, kTable = kRam + 0x4000, kHeader = kRam + 0x5000,
                                   kData = kRam + 0x6000, kStatus = kRam + 0x5800;
    static constexpr std::uint64_t kVersion1Feature = std::uint64_t{1} << 32, kEventIndex = 1u << 29,
                                   kIndirectFeature = 1u << 28;
    static constexpr unsigned kIrq = 1;

    VirtioTestOn() { EXPECT_TRUE(block.prepare().ok()); }
    std::uint32_t read(std::uint64_t offset) {
        return static_cast<std::uint32_t>(slot.read(offset, 4).value());
    }
    void write(std::uint64_t offset, std::uint64_t value) { ASSERT_TRUE(slot.write(offset, 4, value).ok()); }

    // Initialization up to DRIVER_OK (3.1.1).
    void start(std::uint64_t features, std::uint32_t size = 8) {
        negotiate(features);
        EXPECT_EQ(read(0x70), 11u);
        set_up_queue(size, kDescriptors, kDriver, kDevice);
        write(0x70, 15);
    }
    void negotiate(std::uint64_t features) {
        write(0x70, 0);
        write(0x70, 1);
        write(0x70, 3);
        for (const unsigned half : {0u, 1u}) {
            write(0x24, half);
            write(0x20, features >> (32 * half) & 0xffff'ffff);
        }
        write(0x70, 11);
        next_available = 0;
    }
    void set_up_queue(std::uint32_t size, std::uint64_t descriptors, std::uint64_t driver,
                      std::uint64_t device) {
        write(0x30, 0);
        write(0x38, size);
        write(0x80, descriptors & 0xffff'ffff);
        write(0x84, descriptors >> 32);
        write(0x90, driver & 0xffff'ffff);
        write(0x94, driver >> 32);
        write(0xa0, device & 0xffff'ffff);
        write(0xa4, device >> 32);
        write(0x44, 1);
        queue_size = size;
    }
    void put(std::uint64_t table, unsigned index, const RawDescriptor& descriptor) {
        const GuestPhysicalAddress at(table + 16 * index);
        ASSERT_TRUE(ram.memory.store(at, descriptor.address).ok());
        ASSERT_TRUE(ram.memory.store(at + 8, descriptor.length).ok());
        ASSERT_TRUE(ram.memory.store(at + 12, descriptor.flags).ok());
        ASSERT_TRUE(ram.memory.store(at + 14, descriptor.next).ok());
    }
    void offer(std::uint16_t head) {
        ASSERT_TRUE(
            ram.memory.store(GuestPhysicalAddress(kDriver + 4 + 2 * (next_available % queue_size)), head)
                .ok());
        ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kDriver + 2), ++next_available).ok());
    }
    void notify() { write(0x50, 0); }
    void put_header(std::uint32_t type, std::uint64_t sector) {
        ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kHeader), type).ok());
        ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kHeader + 8), sector).ok());
        ASSERT_TRUE(ram.memory.store(GuestPhysicalAddress(kStatus), std::uint8_t{0xee}).ok());
    }
    // Header, data (if any) and status as three descriptors from 0 on, offered and notified.
    void submit(std::uint32_t type, std::uint64_t sector, std::uint32_t length, bool device_writes) {
        put_header(type, sector);
        std::uint16_t at = 0;
        put(kDescriptors, at, {kHeader, 16, kNext, 1});
        if (length != 0)
            put(kDescriptors, ++at,
                {kData, length, static_cast<std::uint16_t>(device_writes ? kNext | kWrite : kNext), 2});
        ++at;
        put(kDescriptors, at, {kStatus, 1, kWrite, 0});
        offer(0);
        notify();
    }
    std::uint8_t status_byte() {
        return ram.memory.load<std::uint8_t>(GuestPhysicalAddress(kStatus)).value();
    }
    std::uint16_t used_index() {
        return ram.memory.load<std::uint16_t>(GuestPhysicalAddress(kDevice + 2)).value();
    }
    std::uint32_t used_length(unsigned entry) {
        return ram.memory.load<std::uint32_t>(GuestPhysicalAddress(kDevice + 8 + 8 * entry)).value();
    }
    bool irq() const { return controller.levels[kIrq]; }
    bool needs_reset() { return (read(0x70) & 64) != 0; }
    std::byte* at(std::uint64_t address) { return ram.memory.host(GuestPhysicalAddress(address)); }

    FakeRam ram{1 << 20};
    FakeController controller;
    Disk disk{64};
    VirtioBlock block{disk};
    VirtioMmio slot{ram.memory, InterruptWire(controller, kIrq), &block};
    std::uint32_t queue_size = 8;
    std::uint16_t next_available = 0;
};

using VirtioTest = VirtioTestOn<FakeDisk>;

} // namespace ashlar::jit::board::test
