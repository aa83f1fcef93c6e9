// What the tests of the hypervisor's kernel share: a fake machine with memory, programs that virtual CPUs
// run, images and archives to start VMs from.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "arch/fake/machine.h"
#include "arch/fake/virtualization.h"
#include "kernel/physical_memory.h"
#include "kernel/vm.h"

namespace ashlar::kernel {

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;

// Counts allocations, and refuses one or all beyond it.
class CountingFrames final : public FrameAllocator {
public:
    explicit CountingFrames(FrameAllocator& frames) : frames_(frames) {}
    Result<PhysicalAddress> allocate(unsigned order, const NodeWish& wish, MemoryAccount& account) override;
    void free(PhysicalAddress block, unsigned order, MemoryAccount& account) override {
        frames_.free(block, order, account);
    }
    unsigned node_count() const override { return frames_.node_count(); }
    NodeStatistics statistics(NodeId node) const override { return frames_.statistics(node); }
    NodeId nearest(NodeId node, unsigned rank) const override { return frames_.nearest(node, rank); }
    unsigned distance(NodeId from, NodeId to) const override { return frames_.distance(from, to); }

    static constexpr std::uint64_t kNever = ~std::uint64_t{0};
    std::uint64_t allocations = 0;
    std::uint64_t fail_from = kNever; // allocations with this number and above fail

private:
    FrameAllocator& frames_;
};

// An ELF64 for a VM of the fake machine: one segment at kImageVirtualBase + `offset`.
class ProgramImage {
public:
    explicit ProgramImage(std::uint64_t entry = abi::kImageVirtualBase, std::uint64_t offset = 0,
                          std::uint64_t memory_size = 2 * kPageSize);
    Bytes view() const { return bytes_; }
    std::string text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
    template <class T>
    void poke(std::size_t at, T value) {
        store_le(&bytes_[at], value);
    }
    static constexpr std::string_view kContents = "the program's bytes";
    // Where the fields lie.
    static constexpr std::size_t kMachine = 18, kSegmentAddress = 64 + 16, kSegmentMemorySize = 64 + 40;

private:
    std::vector<std::byte> bytes_;
};

// Exits that programs return.
VmExit exit_for(VmExit::Reason reason);
VmExit call_of(abi::Hypercall number, std::array<std::uint64_t, 5> arguments = {}, bool privileged = true);
VmExit power_off(std::uint64_t code = 0);

class KernelTest : public testing::Test {
protected:
    // The machine has this much memory, a like share of it on each node; nodes are 11 apart.
    explicit KernelTest(std::uint64_t memory_bytes = 64 * kMiB, unsigned nodes = 1);
    ~KernelTest() override;

    // A native VM with little memory, whose CPU runs `program`.
    VmConfig small_vm(std::string_view name = "test");
    Vm& create(const VmConfig& config);
    Vm& create(std::string_view name = "test") { return create(small_vm(name)); }
    // Programs are found by the entry address: each gets another one.
    std::uint64_t add_program(arch::fake::Program program);
    Vm& create(std::string_view name, arch::fake::Program program);

    static arch::fake::VirtualCpu& cpu_of(Vm& vm) { return static_cast<arch::fake::VirtualCpu&>(vm.cpu()); }
    static arch::fake::Machine& machine() { return arch::fake::machine(); }
    static arch::fake::Virtualization& virtualization() { return arch::fake::virtualization(); }
    std::uint64_t free_frames() const { return physical_->free_frames(); }
    // What the hypervisor has written to the console since the last call.
    static std::string output();

    BootInformation boot;

private:
    std::byte* memory_;
    std::uint64_t memory_size_;
    std::unique_ptr<PhysicalMemory> physical_ = std::make_unique<PhysicalMemory>();
    MemoryAccount account_{.name = "hypervisor"};
    std::uint64_t next_entry_ = abi::kImageVirtualBase;

protected:
    CountingFrames frames{*physical_};
    MemorySource hypervisor{frames, account_};
    VmImages images;
    ProgramImage program_image;
};

// A newc archive.
class Archive {
public:
    Archive& add(const std::string& name, const std::string& data);
    Bytes finish();

private:
    std::string text_;
};

// Bytes of a VM's memory, for expectations.
std::string read_memory(Vm& vm, std::uint64_t address, std::size_t length);

} // namespace ashlar::kernel
