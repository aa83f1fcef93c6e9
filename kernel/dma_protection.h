// The machine's IOMMUs: devices access the memory of the VM that they are given to, the hypervisor's own what
// it may use itself, all others nothing.
#pragma once

#include <array>
#include <span>

#include "drivers/iommu/vtd.h"
#include "drivers/pci/function.h"
#include "kernel/boot_information.h"
#include "kernel/dma_domain.h"

namespace ashlar::kernel {

class DmaProtection final : public DomainInvalidator {
public:
    static constexpr std::uint16_t kMaxDomains = 64;

    constexpr DmaProtection() = default;
    DmaProtection(const DmaProtection&) = delete;
    DmaProtection& operator=(const DmaProtection&) = delete;

    // Turns on what the firmware tells of; once. The tables live in frames of `memory` for ever. `boot`,
    // `functions` and `platform` outlive it. What does not work is told to `sink`, and left off.
    void start(const BootInformation& boot, std::span<const pci::Function> functions, MemorySource& memory,
               Platform& platform, Sink& sink);

    // Whether devices are held back at all.
    bool active() const { return unit_count_ != 0; }
    bool remaps_interrupts() const { return remaps_interrupts_; }

    // The hypervisor drives that function itself from now on; nothing to do where nothing is held back. Busy
    // when it is a VM's.
    Status allow_own(const pci::Function& function);
    // Not any more.
    Status forget_own(const pci::Function& function);

    // Of a VM, in frames of `memory`. OutOfMemory also when there are kMaxDomains.
    Result<DmaDomain*> create_domain(MemorySource& memory);
    void destroy_domain(DmaDomain* domain);
    // Denied for a function that firmware has memory of its own for, and when nothing is held back.
    Status attach(const pci::Function& function, const DmaDomain& domain);
    // When this returns without error, the function's accesses are over.
    Status detach(const pci::Function& function, const DmaDomain& domain);

    // A message that raises `target` and that nobody but the function can send. Denied without remapping.
    struct Message {
        std::uint64_t address;
        std::uint32_t data;
        std::uint16_t number;
    };
    Result<Message> add_interrupt(const pci::Function& function, const iommu::InterruptTarget& target);
    Status remove_interrupt(const pci::Function& function, std::uint16_t number);

    // Shows what was refused since the last time; true when there was more.
    bool take_faults(iommu::FaultVisitor& visitor);

    Status invalidate(std::uint16_t domain) override;

private:
    static constexpr std::size_t kMaxUnits = 16;
    struct UnitPlace {
        iommu::Vtd* unit = nullptr;
        std::uint8_t index = 0; // as firmware has it
    };

    Status add_units(MemorySource& memory, Platform& platform);
    bool in_scope(const acpi::DeviceScope& scope, const pci::Function& function) const;
    iommu::Vtd* unit_of(const pci::Function& function) const;
    bool has_firmware_region(const pci::Function& function) const;
    Status keep_firmware_regions(MemorySource& memory, Sink& sink);
    Status make_own_domain(MemorySource& memory);
    void enable_interrupts(Sink& sink);

    const BootInformation* boot_ = nullptr;
    std::span<const pci::Function> functions_;
    std::array<UnitPlace, kMaxUnits> units_{};
    std::size_t unit_count_ = 0;
    iommu::TableFeatures features_;
    bool caches_absent_ = false;
    bool remaps_interrupts_ = false;
    std::array<bool, kMaxDomains + 1> domain_taken_{};
    DmaDomain* own_ = nullptr;
    DmaDomain* firmware_ = nullptr;
};

// As devices' accesses carry it.
constexpr iommu::Requester requester_of(pci::FunctionAddress at) {
    return static_cast<iommu::Requester>(at.bus << 8 | at.device << 3 | at.function);
}

} // namespace ashlar::kernel
