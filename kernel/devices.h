// The machine's PCI functions, as they were found at the start.
#pragma once

#include <optional>
#include <span>

#include "drivers/pci/ecam_access.h"
#include "drivers/pci/function.h"
#include "drivers/pci/legacy_access.h"
#include "kernel/boot_information.h"
#include "kernel/dma_protection.h"
#include "kernel/memory_source.h"

namespace ashlar::kernel {

class Devices {
public:
    Devices() = default;
    Devices(const Devices&) = delete;
    Devices& operator=(const Devices&) = delete;

    // Finds them and gives addresses to BARs that have none; once. A machine without PCI has none. The list
    // lives in frames of `memory` for ever.
    void find(const BootInformation& boot, MemorySource& memory, Sink& sink);

    // Bridges before what is behind them, segment by segment.
    std::span<const pci::Function> functions() const { return functions_; }
    // Must be there when there are functions.
    pci::ConfigAccess& config() { return *config_; }
    // IOMMUs, which hold devices back.
    DmaProtection& dma() { return dma_; }
    // Of arch::device_interrupt(); OutOfMemory when all are in use.
    Result<unsigned> take_interrupt_line();
    void free_interrupt_line(unsigned line) { interrupt_lines_ &= ~(1u << line); }
    // The function at that address; null when there is none.
    const pci::Function* find_function(pci::FunctionAddress at) const;
    // A line for each.
    void list(Sink& sink) const;

private:
    void find_ecam(const BootInformation& boot, Sink& sink);
    Status keep(const BootInformation& boot, MemorySource& memory, Sink& sink);
    void assign(const BootInformation& boot, std::size_t segment, std::span<pci::Function> functions,
                Sink& sink);

    pci::EcamAccess ecam_;
    std::optional<pci::LegacyAccess> legacy_;
    pci::ConfigAccess* config_ = nullptr;
    std::array<pci::BusRange, BootInformation::kMaxPciSegments> ranges_{};
    std::size_t range_count_ = 0;
    std::span<pci::Function> functions_;
    DmaProtection dma_;
    std::uint32_t interrupt_lines_ = 0; // in use
};

} // namespace ashlar::kernel
