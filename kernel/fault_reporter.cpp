#include "kernel/fault_reporter.h"

#include "kernel/log.h"

namespace ashlar::kernel {
namespace {

constinit std::uint64_t faults_of_nobody = 0;

} // namespace

Vm* FaultReporter::owner_of(iommu::Requester requester) {
    for (Vm& vm : vms_)
        for (std::size_t i = 0; i < vm.device_count(); ++i)
            if (requester_of(vm.device(i)->address()) == requester)
                return &vm;
    return nullptr;
}

void FaultReporter::fault(const iommu::Fault& fault) {
    Vm* const owner = owner_of(fault.requester);
    std::uint64_t& count = owner != nullptr ? owner->dma_faults : faults_of_nobody;
    if (++count > kReported)
        return;
    console_.begin_own_output();
    if (owner != nullptr)
        log("ashlar: vm {}: device ", owner->name());
    else
        log("ashlar: iommu: device ");
    ConsoleSink sink;
    pci::describe(sink, pci::FunctionAddress{0, static_cast<std::uint8_t>(fault.requester >> 8),
                                             static_cast<std::uint8_t>(fault.requester >> 3 & 31),
                                             static_cast<std::uint8_t>(fault.requester & 7)});
    if (fault.interrupt)
        log(": interrupt {} refused, reason {:#x}", fault.address, fault.reason);
    else
        log(": {} of address {:#x} refused, reason {:#x}", fault.write ? "write" : "read", fault.address,
            fault.reason);
    log("{}\n", count == kReported ? "; more are not reported" : "");
}

} // namespace ashlar::kernel
