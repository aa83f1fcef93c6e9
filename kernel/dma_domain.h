// What devices that are attached to it can access: addresses of a VM, or of the machine, and memory for them.
#pragma once

#include "drivers/iommu/iommu.h"
#include "kernel/address_space.h"
#include "kernel/memory_source.h"

namespace ashlar::kernel {

// Tells all IOMMUs of changes.
class DomainInvalidator {
public:
    virtual Status invalidate(std::uint16_t domain) = 0;

protected:
    ~DomainInvalidator() = default;
};

// Not synchronized. When a call returns, no device uses what it has removed.
class DmaDomain {
public:
    // Errors as of AddressSpace's; Io when an IOMMU does not answer: devices may use what was there then.
    virtual Status map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size, bool write) = 0;
    virtual Status unmap(GuestPhysicalAddress from, std::uint64_t size) = 0;
    // NotFound when nothing is mapped there.
    virtual Result<PhysicalAddress> translate(GuestPhysicalAddress address) const = 0;
    virtual iommu::DomainRoot root() const = 0;
    // Nothing is attached any more.
    virtual void destroy() = 0;

protected:
    ~DmaDomain() = default;
};

// Lives in frames of `memory`, which outlives it as `invalidator` does.
Result<DmaDomain*> create_dma_domain(MemorySource& memory, DomainInvalidator& invalidator,
                                     const iommu::TableFeatures& features, bool caches_absent,
                                     std::uint16_t id);

} // namespace ashlar::kernel
