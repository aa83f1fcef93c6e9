// Stands in for the CPU's SVM and for the frame allocator, so that the virtual CPU runs on the host.
#pragma once

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "arch/fake/machine.h"
#include "arch/x86_64/svm/cpu.h"
#include "arch/x86_64/svm/virtual_cpu.h"
#include "kernel/frame_allocator.h"

namespace ashlar::arch::svm {

// Single blocks, never used twice, from the fake machine's memory.
class FakeFrames final : public kernel::FrameAllocator {
public:
    Result<PhysicalAddress> allocate(unsigned order, const kernel::NodeWish&,
                                     kernel::MemoryAccount& account) override {
        const std::uint64_t size = kPageSize << order, block = (next_ + size - 1) & ~(size - 1);
        if (block + size > fake::machine().memory_size || limit == account.frames)
            return Error::OutOfMemory;
        next_ = block + size;
        account.frames += std::uint64_t{1} << order;
        return PhysicalAddress(block);
    }
    void free(PhysicalAddress, unsigned order, kernel::MemoryAccount& account) override {
        account.frames -= std::uint64_t{1} << order;
    }
    unsigned node_count() const override { return 1; }
    kernel::NodeStatistics statistics(kernel::NodeId) const override { return {}; }
    kernel::NodeId nearest(kernel::NodeId, unsigned) const override { return 0; }
    unsigned distance(kernel::NodeId, kernel::NodeId) const override { return 10; }

    std::uint64_t limit = ~std::uint64_t{0}; // frames that may be held

private:
    std::uint64_t next_ = kPageSize;
};

// What VMRUN does: looks at the control block and leaves an exit in it.
using Hardware = std::function<void(Vmcb&, GuestRegisters&)>;
struct FakeHardware {
    Features features;
    Hardware run;
    unsigned predictor_barriers = 0;
};
FakeHardware& hardware();

class SvmTest : public testing::Test {
protected:
    SvmTest();
    ~SvmTest() override;

    kernel::AddressSpace& space() { return *space_; }
    NestedPaging& paging() { return static_cast<NestedPaging&>(*space_); }
    kernel::MemorySource& memory() { return source_; }
    std::uint64_t held() const { return account_.frames; }
    FakeFrames& frames() { return frames_; }

private:
    std::vector<std::byte> storage_;
    FakeFrames frames_;
    kernel::MemoryAccount account_{.name = "vm"};
    kernel::MemorySource source_;
    kernel::AddressSpace* space_ = nullptr;
};

} // namespace ashlar::arch::svm
