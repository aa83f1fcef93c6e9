#include "kernel/dma_protection.h"

#include <algorithm>

#include "arch/pci.h"
#include "kernel/usable_memory.h"

namespace ashlar::kernel {
namespace {

using acpi::DeviceScope;
using acpi::Remapping;

constexpr unsigned kMessageFormat = 1 << 4; // 5.1.2.2

// Tables of all domains are walked by all units.
Status combine(iommu::TableFeatures& common, const iommu::TableFeatures& unit, bool first) {
    if (first) {
        common = unit;
        return {};
    }
    if (common.levels != unit.levels)
        return Error::Unsupported;
    common.largest_level = std::min(common.largest_level, unit.largest_level);
    common.snoops = common.snoops && unit.snoops;
    common.coherent = common.coherent && unit.coherent;
    return {};
}

} // namespace

void DmaProtection::start(const BootInformation& boot, std::span<const pci::Function> functions,
                          MemorySource& memory, Platform& platform, Sink& sink) {
    boot_ = &boot;
    functions_ = functions;
    const Remapping& remapping = boot.remapping;
    if (remapping.kind == Remapping::Kind::None)
        return sink.write("ashlar: iommu       none\n");
    if (remapping.kind != Remapping::Kind::VtD)
        return sink.write("ashlar: iommu       AMD-Vi, which is not supported: devices are not held back\n");
    Status status = add_units(memory, platform);
    if (status.ok())
        status = make_own_domain(memory);
    if (status.ok())
        status = keep_firmware_regions(memory, sink);
    for (std::size_t i = 0; i < unit_count_ && status.ok(); ++i)
        status = units_[i].unit->enable_translation();
    if (!status.ok()) {
        // Half of it would be in the way of our own devices.
        for (std::size_t i = 0; i < unit_count_; ++i)
            static_cast<void>(units_[i].unit->turn_off().ok());
        unit_count_ = 0;
        return format(sink, "ashlar: iommu       VT-d cannot be used: {}\n", status.error());
    }
    enable_interrupts(sink);
    format(sink, "ashlar: iommu       VT-d, {} unit{}, {} levels, leaves up to {}, interrupts {}\n",
           unit_count_, unit_count_ == 1 ? "" : "s", features_.levels,
           features_.largest_level == 1   ? "4 KiB"
           : features_.largest_level == 2 ? "2 MiB"
                                          : "1 GiB",
           remaps_interrupts_ ? "remapped" : "not remapped");
}

Status DmaProtection::add_units(MemorySource& memory, Platform& platform) {
    const Remapping& remapping = boot_->remapping;
    for (std::size_t i = 0; i < remapping.units.count; ++i) {
        iommu::Vtd* const unit =
            ASHLAR_TRY(create_in_frames<iommu::Vtd>(memory, platform, remapping.units.items[i].registers));
        ASHLAR_TRY(unit->initialize(remapping.interrupts));
        ASHLAR_TRY(combine(features_, unit->table_features(), unit_count_ == 0));
        caches_absent_ = caches_absent_ || unit->caches_absent();
        units_[unit_count_++] = {unit, static_cast<std::uint8_t>(i)};
    }
    return unit_count_ != 0 ? Status() : Status(Error::NotFound);
}

// Whether the scope's path ends at the function, or at a bridge that leads to it.
bool DmaProtection::in_scope(const DeviceScope& scope, const pci::Function& function) const {
    std::uint8_t bus = scope.bus;
    for (unsigned i = 0; i < scope.depth; ++i) {
        const DeviceScope::Step& step = scope.path[i];
        const bool last = i + 1 == scope.depth;
        if (last && function.address.bus == bus && function.address.device == step.device &&
            function.address.function == step.function)
            return true;
        const auto bridge = std::find_if(functions_.begin(), functions_.end(), [&](const pci::Function& f) {
            return f.is_bridge && f.address.segment == function.address.segment && f.address.bus == bus &&
                   f.address.device == step.device && f.address.function == step.function;
        });
        if (bridge == functions_.end())
            return false;
        if (last)
            return scope.kind == DeviceScope::Kind::Bridge && bridge->bridge.secondary != 0 &&
                   bridge->bridge.secondary <= function.address.bus &&
                   function.address.bus <= bridge->bridge.subordinate;
        bus = bridge->bridge.secondary;
    }
    return false;
}

iommu::Vtd* DmaProtection::unit_of(const pci::Function& function) const {
    const Remapping& remapping = boot_->remapping;
    iommu::Vtd* rest = nullptr;
    for (std::size_t i = 0; i < unit_count_; ++i) {
        const acpi::RemappingUnit& told = remapping.units.items[units_[i].index];
        if (told.segment != function.address.segment)
            continue;
        if (told.all)
            rest = units_[i].unit;
        for (const DeviceScope& scope : remapping.scopes)
            if (scope.of == DeviceScope::Of::Unit && scope.owner == units_[i].index &&
                in_scope(scope, function))
                return units_[i].unit;
    }
    return rest;
}

bool DmaProtection::has_firmware_region(const pci::Function& function) const {
    const Remapping& remapping = boot_->remapping;
    return std::any_of(remapping.scopes.begin(), remapping.scopes.end(), [&](const DeviceScope& scope) {
        return scope.of == DeviceScope::Of::Region &&
               remapping.regions.items[scope.owner].segment == function.address.segment &&
               in_scope(scope, function);
    });
}

// Usable memory, each address for itself.
Status DmaProtection::make_own_domain(MemorySource& memory) {
    own_ = ASHLAR_TRY(create_domain(memory));
    Status status;
    for_each_usable_run(*boot_, [&](std::uint64_t first, std::uint64_t end) {
        if (status.ok())
            status = own_->map(GuestPhysicalAddress(first * kPageSize), PhysicalAddress(first * kPageSize),
                               (end - first) * kPageSize, true);
    });
    return status;
}

// Regions that firmware uses by devices go on to work for those; they are not ours to use.
Status DmaProtection::keep_firmware_regions(MemorySource& memory, Sink& sink) {
    const Remapping& remapping = boot_->remapping;
    if (remapping.regions.count == 0)
        return {};
    firmware_ = ASHLAR_TRY(create_domain(memory));
    for (const acpi::DmaRegion& region : remapping.regions) {
        const Status mapped = firmware_->map(GuestPhysicalAddress(region.begin),
                                             PhysicalAddress(region.begin), region.end - region.begin, true);
        if (!mapped.ok() && mapped.error() != Error::Overlap)
            return mapped;
        format(sink, "ashlar: iommu       firmware keeps {:#x} to {:#x} for its devices\n", region.begin,
               region.end);
    }
    for (const pci::Function& function : functions_)
        if (has_firmware_region(function))
            if (iommu::Vtd* const unit = unit_of(function); unit != nullptr)
                ASHLAR_TRY(unit->attach(requester_of(function.address), firmware_->root()));
    return {};
}

// All or nothing: with one unit that does not, devices could send whatever they like.
void DmaProtection::enable_interrupts(Sink& sink) {
    const Remapping& remapping = boot_->remapping;
    for (std::size_t i = 0; i < unit_count_; ++i)
        if (!units_[i].unit->can_remap_interrupts())
            return;
    if (!arch::device_interrupt(0).ok())
        return;
    std::optional<std::uint16_t> console_number;
    if (const auto console = arch::console_interrupt(); console) {
        const auto scope = std::find_if(remapping.scopes.begin(), remapping.scopes.end(), [&](const auto& s) {
            return s.kind == DeviceScope::Kind::IoApic && s.id == console->io_apic && s.depth == 1;
        });
        if (scope == remapping.scopes.end())
            return sink.write("ashlar: iommu: nothing is said about the I/O APIC\n");
        const auto unit =
            std::find_if(units_.begin(), units_.begin() + static_cast<std::ptrdiff_t>(unit_count_),
                         [&](const UnitPlace& place) { return place.index == scope->owner; });
        if (unit == units_.begin() + static_cast<std::ptrdiff_t>(unit_count_))
            return;
        const auto requester = requester_of({0, scope->bus, scope->path[0].device, scope->path[0].function});
        const Result<std::uint16_t> number = unit->unit->add_interrupt(requester, console->target);
        if (!number.ok())
            return;
        console_number = number.value();
    }
    remaps_interrupts_ = true;
    for (std::size_t i = 0; i < unit_count_; ++i)
        if (const Status on = units_[i].unit->enable_interrupt_remapping(); !on.ok()) {
            format(sink, "ashlar: iommu: interrupts cannot be remapped: {}\n", on.error());
            remaps_interrupts_ = false;
        }
    if (console_number)
        arch::remap_console_interrupt(*console_number);
}

Status DmaProtection::allow_own(const pci::Function& function) {
    if (!active())
        return {};
    iommu::Vtd* const unit = unit_of(function);
    if (unit == nullptr)
        return {};
    const Status attached = unit->attach(requester_of(function.address), own_->root());
    const bool ours = !attached.ok() && unit->domain_of(requester_of(function.address)) == own_->root().id;
    return ours ? Status() : attached;
}

Status DmaProtection::forget_own(const pci::Function& function) {
    return active() ? detach(function, *own_) : Status();
}

Result<DmaDomain*> DmaProtection::create_domain(MemorySource& memory) {
    if (!active())
        return Error::Denied;
    for (std::uint16_t id = 1; id <= kMaxDomains; ++id) {
        if (domain_taken_[id])
            continue;
        DmaDomain* const domain = ASHLAR_TRY(create_dma_domain(memory, *this, features_, caches_absent_, id));
        domain_taken_[id] = true;
        return domain;
    }
    return Error::OutOfMemory;
}

void DmaProtection::destroy_domain(DmaDomain* domain) {
    domain_taken_[domain->root().id] = false;
    domain->destroy();
}

Status DmaProtection::attach(const pci::Function& function, const DmaDomain& domain) {
    iommu::Vtd* const unit = active() ? unit_of(function) : nullptr;
    if (unit == nullptr || has_firmware_region(function))
        return Error::Denied;
    return unit->attach(requester_of(function.address), domain.root());
}

Status DmaProtection::detach(const pci::Function& function, const DmaDomain& domain) {
    iommu::Vtd* const unit = active() ? unit_of(function) : nullptr;
    return unit != nullptr ? unit->detach(requester_of(function.address), domain.root().id) : Status();
}

Result<DmaProtection::Message> DmaProtection::add_interrupt(const pci::Function& function,
                                                            const iommu::InterruptTarget& target) {
    iommu::Vtd* const unit = remaps_interrupts_ ? unit_of(function) : nullptr;
    if (unit == nullptr)
        return Error::Denied;
    const std::uint16_t number = ASHLAR_TRY(unit->add_interrupt(requester_of(function.address), target));
    constexpr std::uint64_t kMessages = 0xfee0'0000;
    return Message{kMessages | kMessageFormat | (number & 0x7fffu) << 5 | (number >> 15 & 1u) << 2, 0,
                   number};
}

Status DmaProtection::remove_interrupt(const pci::Function& function, std::uint16_t number) {
    iommu::Vtd* const unit = remaps_interrupts_ ? unit_of(function) : nullptr;
    return unit != nullptr ? unit->remove_interrupt(number) : Status(Error::NotFound);
}

bool DmaProtection::take_faults(iommu::FaultVisitor& visitor) {
    bool more = false;
    for (std::size_t i = 0; i < unit_count_; ++i)
        more = units_[i].unit->take_faults(visitor) || more;
    return more;
}

Status DmaProtection::invalidate(std::uint16_t domain) {
    Status status;
    for (std::size_t i = 0; i < unit_count_; ++i)
        if (const Status done = units_[i].unit->invalidate(domain); !done.ok())
            status = done;
    return status;
}

} // namespace ashlar::kernel
