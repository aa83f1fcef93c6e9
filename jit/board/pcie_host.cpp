#include "jit/board/pcie_host.h"

#include <algorithm>

#include "lib/assert.h"

namespace ashlar::jit::board {
namespace {

constexpr std::uint64_t kBytesPerFunction = 4096;

std::uint64_t all_ones(unsigned width) {
    return ~std::uint64_t{0} >> (64 - 8 * width);
}

} // namespace

// Pin INTA of device d has the source that the device tree names: they rotate.
PcieHost::PcieHost(std::span<PciBackend* const> backends, Clock& clock, InterruptController& interrupts)
    : count_(backends.size()) {
    ASHLAR_ASSERT(backends.size() <= kMaxFunctions);
    for (unsigned i = 0; i < count_; ++i)
        functions_[i].emplace(*backends[i], clock, InterruptWire(interrupts, kPcieIrq + (i + 1) % 4));
}

Status PcieHost::attach(Bus& bus) {
    ASHLAR_TRY(bus.attach("PCIe ECAM", kPcieEcam.base, kPcieEcam.size, configuration_));
    return count_ != 0 ? bus.attach("PCIe memory", kPcieMemory.base, kPcieMemory.size, memory_) : Status();
}

void PcieHost::poll() {
    for (std::size_t i = 0; i < count_; ++i)
        functions_[i]->poll();
}
bool PcieHost::busy() const {
    return std::any_of(functions_.begin(), functions_.begin() + count_,
                       [](const auto& f) { return f->busy(); });
}
void PcieHost::quiesce() {
    for (std::size_t i = 0; i < count_; ++i)
        functions_[i]->quiesce();
}
void PcieHost::reset() {
    for (std::size_t i = 0; i < count_; ++i)
        functions_[i]->reset();
}

// Function 0 of devices 1 and up on bus 0.
PciFunction* PcieHost::at_place(std::uint64_t offset) {
    const std::uint64_t slot = offset / kBytesPerFunction;
    return slot % 8 == 0 && slot >= 8 && slot / 8 <= count_ ? &*functions_[slot / 8 - 1] : nullptr;
}
PciFunction* PcieHost::at_address(GuestPhysicalAddress address) {
    for (std::size_t i = 0; i < count_; ++i)
        if (functions_[i]->owns(address))
            return &*functions_[i];
    return nullptr;
}

Result<std::uint64_t> PcieHost::Configuration::read(std::uint64_t offset, unsigned width) {
    PciFunction* const function = host_.at_place(offset);
    return function != nullptr
               ? function->read_configuration(static_cast<std::uint16_t>(offset % kBytesPerFunction), width)
               : all_ones(width);
}
Status PcieHost::Configuration::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (PciFunction* const function = host_.at_place(offset); function != nullptr)
        function->write_configuration(static_cast<std::uint16_t>(offset % kBytesPerFunction), width, value);
    return {};
}

Result<std::uint64_t> PcieHost::Memory::read(std::uint64_t offset, unsigned width) {
    const GuestPhysicalAddress address = kPcieMemory.base + offset;
    PciFunction* const function = host_.at_address(address);
    return function != nullptr ? function->read(address, width) : all_ones(width);
}
Status PcieHost::Memory::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    const GuestPhysicalAddress address = kPcieMemory.base + offset;
    PciFunction* const function = host_.at_address(address);
    return function != nullptr ? function->write(address, width, value) : Status();
}

} // namespace ashlar::jit::board
