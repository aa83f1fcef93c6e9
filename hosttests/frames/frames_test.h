// What the tests of physical memory share: a fake machine with memory whose pages cost nothing until they are
// touched, and a firmware's map of it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "arch/cpu.h"
#include "arch/fake/machine.h"
#include "kernel/physical_memory.h"

namespace ashlar::kernel {

constexpr std::uint64_t kMiB = 1 << 20, kGiB = 1 << 30;

class FramesTest : public testing::Test {
protected:
    explicit FramesTest(std::uint64_t size = 64 * kMiB);
    ~FramesTest() override;

    void range(std::uint64_t base, std::uint64_t size, MemoryRange::Kind kind = MemoryRange::Kind::Usable) {
        boot.ranges[boot.range_count++] = {PhysicalAddress(base), size, kind};
    }
    // All but the first megabyte is usable.
    void all_usable() { range(kMiB, size_ - kMiB); }
    // `count` nodes with a like share of memory each, in a row: distance 10 + 10 for each step between.
    void nodes(unsigned count);
    // Frames of the allocator under test; `cpus` CPUs on the nodes in turn. What it says is in `diagnostics`.
    void start(unsigned cpus = 1);
    // The allocator under test checks frames as in a debug build. Before start().
    void check_frames() { frames = std::make_unique<PhysicalMemory>(true); }
    // Where the hypervisor sees a byte of physical memory.
    static std::byte* bytes_at(PhysicalAddress address) {
        return static_cast<std::byte*>(arch::physical_to_virtual(address));
    }

    Result<PhysicalAddress> allocate(unsigned order, const NodeWish& wish = {}) {
        return frames->allocate(order, wish, account);
    }
    NodeId node_of(PhysicalAddress address) const { return boot.numa.node_of(address); }
    std::uint64_t node_size() const { return size_ / boot.numa.node_count; }
    static NodeWish strict(NodeId node) { return {.node = node, .others = {}}; }

    BootInformation boot;
    std::unique_ptr<PhysicalMemory> frames = std::make_unique<PhysicalMemory>();
    MemoryAccount account{.name = "test"};
    std::string diagnostics;

private:
    std::uint64_t size_;
    std::byte* memory_;
};

} // namespace ashlar::kernel
