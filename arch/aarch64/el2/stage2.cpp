#include "arch/aarch64/el2/stage2.h"

#include "arch/aarch64/el2/cpu.h"
#include "arch/aarch64/registers.h"
#include "lib/bitmap.h"

namespace ashlar::arch::el2 {
namespace {

constexpr std::uint64_t kVmidShift = 48;
constinit Bitmap<kMaxVmids> vmids_in_use;

class Cleaner final : public kernel::LeafVisitor {
public:
    explicit Cleaner(const Stage2& space) : space_(space) {}
    void visit(GuestPhysicalAddress from, std::uint64_t size) override {
        const Result<kernel::Mapping> mapping = space_.translate(from);
        if (!mapping.ok())
            return;
        auto* line = static_cast<std::byte*>(physical_to_virtual(mapping.value().address));
        for (std::byte* const end = line + size; line < end; line += line_size_)
            asm volatile("dc cvac, %0" : : "r"(line) : "memory");
    }

private:
    const Stage2& space_;
    // CTR_EL0.DminLine: words, as a power of two.
    const std::size_t line_size_ = std::size_t{4} << (READ_REGISTER(ctr_el0) >> 16 & 0xf);
};

} // namespace

void Stage2Frames::invalidate() {
    const std::uint64_t before = READ_REGISTER(vttbr_el2);
    asm volatile("dsb ishst" : : : "memory");
    WRITE_REGISTER(vttbr_el2, vttbr_);
    synchronize_context();
    asm volatile("tlbi vmalls12e1is\n\tdsb ish" : : : "memory");
    WRITE_REGISTER(vttbr_el2, before);
    synchronize_context();
}

void clean_memory(const Stage2& space) {
    Cleaner cleaner(space);
    space.for_each_leaf(cleaner);
    asm volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb" : : : "memory");
}

} // namespace ashlar::arch::el2

namespace ashlar::arch {

using el2::Stage2;

// VMID 0 is nobody's.
Result<kernel::AddressSpace*> create_address_space(kernel::MemorySource& memory) {
    const auto vmid = el2::vmids_in_use.view().find_clear(1);
    if (!vmid)
        return Error::OutOfMemory;
    Stage2* const space = ASHLAR_TRY(Stage2::create(memory));
    el2::vmids_in_use.set(*vmid);
    space->frames().set_base(std::uint64_t{*vmid} << el2::kVmidShift | space->root().value());
    space->frames().invalidate(); // what its last owner has left
    return static_cast<kernel::AddressSpace*>(space);
}
void destroy(kernel::AddressSpace* address_space) {
    auto* const space = static_cast<Stage2*>(address_space);
    space->frames().invalidate();
    el2::vmids_in_use.clear(space->frames().base() >> el2::kVmidShift);
    space->destroy();
}

} // namespace ashlar::arch
