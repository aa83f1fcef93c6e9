#include "hosttests/svm/fake_hardware.h"

namespace ashlar::arch::svm {

FakeHardware& hardware() {
    static FakeHardware instance;
    return instance;
}

const Features& features() {
    return hardware().features;
}
PhysicalAddress host_state() {
    return PhysicalAddress(0x1000);
}
PhysicalAddress port_permissions() {
    return PhysicalAddress(0x2000);
}
PhysicalAddress msr_permissions() {
    return PhysicalAddress(0x6000);
}
void save_extended_state(std::byte*) {}
void restore_extended_state(const std::byte*) {}
void predictor_barrier() {
    ++hardware().predictor_barriers;
}

extern "C" void svm_run(std::uint64_t vmcb, GuestRegisters* registers, std::uint64_t) {
    hardware().run(*static_cast<Vmcb*>(physical_to_virtual(PhysicalAddress(vmcb))), *registers);
}

SvmTest::SvmTest() : storage_(4 << 20), source_(frames_, account_) {
    // Blocks of the fake memory are aligned like their addresses, as the direct map's.
    const auto misalignment = reinterpret_cast<std::uintptr_t>(storage_.data()) % kPageSize;
    fake::machine().memory = storage_.data() + (misalignment == 0 ? 0 : kPageSize - misalignment);
    fake::machine().memory_size = storage_.size() - kPageSize;
    hardware() = {};
    hardware().features = {
        .asids = 16, .next_rip = false, .flush_by_asid = false, .xsave = false, .xcr0 = 0, .state_size = 512};
    space_ = create_address_space(source_).value();
}

SvmTest::~SvmTest() {
    destroy(space_);
    EXPECT_EQ(account_.frames, 0u);
}

} // namespace ashlar::arch::svm
