// Tells of accesses that an IOMMU has refused: of each VM's devices, and of nobody's, the first few.
#pragma once

#include "drivers/iommu/iommu.h"
#include "kernel/console.h"
#include "kernel/vm.h"

namespace ashlar::kernel {

class FaultReporter final : public iommu::FaultVisitor {
public:
    static constexpr std::uint64_t kReported = 8;

    FaultReporter(IntrusiveList<Vm>& vms, Console& console) : vms_(vms), console_(console) {}
    void fault(const iommu::Fault& fault) override;

private:
    Vm* owner_of(iommu::Requester requester);

    IntrusiveList<Vm>& vms_;
    Console& console_;
};

} // namespace ashlar::kernel
