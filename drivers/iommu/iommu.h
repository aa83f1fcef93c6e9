// What an IOMMU does for the kernel: each PCI function accesses the memory of the domain that it is attached
// to and nothing else. VT-d implements it.
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::iommu {

// A PCI function as its accesses carry it: bus << 8 | device << 3 | function.
using Requester = std::uint16_t;

// How tables of domains are made.
struct TableFeatures {
    unsigned levels = 0;        // 3 or 4
    unsigned largest_level = 1; // of leaves: 1 is 4 KiB
    bool snoops = false;        // leaves can ask for accesses that look into the CPUs' caches
    bool coherent = false;      // the unit looks into them when it walks tables; else they are written back
};

// A domain as units see it.
struct DomainRoot {
    PhysicalAddress root;
    std::uint16_t id = 0; // 1 to last_domain()
};

// An access, or an interrupt, that was refused.
struct Fault {
    Requester requester = 0;
    bool interrupt = false;
    bool write = false;
    std::uint8_t reason = 0;   // as the hardware numbers it
    std::uint64_t address = 0; // page-aligned; of an interrupt: its entry in the table
};
class FaultVisitor {
public:
    virtual void fault(const Fault& fault) = 0;

protected:
    ~FaultVisitor() = default;
};

// Where an interrupt goes.
struct InterruptTarget {
    std::uint32_t apic_id = 0;
    std::uint8_t vector = 0;
    bool level = false; // triggered by level, not by edge
};

// Used by one CPU at a time.
class Unit {
public:
    virtual const TableFeatures& table_features() const = 0;
    virtual std::uint16_t last_domain() const = 0;

    // From now on the function accesses the domain's memory. Before it is attached to one it can access none.
    virtual Status attach(Requester requester, const DomainRoot& domain) = 0;
    // When this returns without error, nothing that the function has asked for is still under way.
    virtual Status detach(Requester requester, std::uint16_t domain) = 0;
    // After the domain's tables have changed.
    virtual Status invalidate(std::uint16_t domain) = 0;

    // Whether each function raises the interrupts that it was given, and no others.
    virtual bool remaps_interrupts() const = 0;
    // An interrupt of that function; its number is what messages carry. OutOfMemory when there are no more.
    virtual Result<std::uint16_t> add_interrupt(Requester requester, const InterruptTarget& target) = 0;
    virtual Status remove_interrupt(std::uint16_t number) = 0;

    // Shows what was refused since the last time. Returns whether more was than the hardware has kept.
    virtual bool take_faults(FaultVisitor& visitor) = 0;

protected:
    ~Unit() = default;
};

} // namespace ashlar::iommu
