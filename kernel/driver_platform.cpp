#include "kernel/driver_platform.h"

#include "arch/cpu.h"
#include "arch/pci.h"
#include "lib/sync.h"

namespace ashlar::kernel {
namespace {

template <class T>
volatile T& at_register(PhysicalAddress at) {
    return *static_cast<volatile T*>(arch::physical_to_virtual(at));
}

} // namespace

Status DriverPlatform::map(PhysicalAddress registers, std::uint64_t size) {
    return arch::map_device(registers, size);
}
std::uint8_t DriverPlatform::read8(PhysicalAddress at) {
    return at_register<std::uint8_t>(at);
}
std::uint16_t DriverPlatform::read16(PhysicalAddress at) {
    return at_register<std::uint16_t>(at);
}
std::uint32_t DriverPlatform::read32(PhysicalAddress at) {
    return at_register<std::uint32_t>(at);
}
void DriverPlatform::write8(PhysicalAddress at, std::uint8_t value) {
    at_register<std::uint8_t>(at) = value;
}
void DriverPlatform::write16(PhysicalAddress at, std::uint16_t value) {
    at_register<std::uint16_t>(at) = value;
}
void DriverPlatform::write32(PhysicalAddress at, std::uint32_t value) {
    at_register<std::uint32_t>(at) = value;
}

// Devices that the hypervisor drives use physical addresses, behind an IOMMU too (DmaProtection).
Result<DmaBlock> DriverPlatform::allocate(std::size_t bytes) {
    const unsigned order = order_for(bytes);
    const PhysicalAddress block = ASHLAR_TRY(memory_.allocate_zeroed(order));
    return DmaBlock{static_cast<std::byte*>(arch::physical_to_virtual(block)), block.value(),
                    kPageSize << order};
}
void DriverPlatform::free(const DmaBlock& block) {
    memory_.free(PhysicalAddress(block.address), order_for(block.size));
}

void DriverPlatform::write_back(const std::byte* at, std::size_t size) {
    arch::write_back(at, size);
}

std::uint64_t DriverPlatform::now_ns() {
    return arch::now_ns();
}
void DriverPlatform::pause() {
    cpu_relax();
}

} // namespace ashlar::kernel
