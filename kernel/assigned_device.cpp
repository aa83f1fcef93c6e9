#include "kernel/assigned_device.h"

#include <algorithm>
#include <utility>

#include "arch/pci.h"
#include "drivers/pci/assign.h"
#include "kernel/explain.h"

namespace ashlar::kernel {
namespace {

// Whether nothing but the IOMMU lies between the function and memory: no neighbour that shares its number or
// can be reached without passing the IOMMU.
bool is_isolated(std::span<const pci::Function> functions, const pci::Function& function) {
    const pci::FunctionAddress at = function.address;
    unsigned bridges = 0;
    for (const pci::Function& other : functions) {
        if (other.address.segment != at.segment)
            continue;
        const bool same_slot = other.address.bus == at.bus && other.address.device == at.device;
        if (same_slot && other.address.function != at.function)
            return false;
        if (!other.is_bridge || other.bridge.secondary == 0 || other.bridge.secondary > at.bus ||
            at.bus > other.bridge.subordinate)
            continue;
        if (!other.express || !function.express)
            return false; // accesses may carry the bridge's number
        ++bridges;
    }
    return bridges <= 1;
}

} // namespace

AssignedDevice::AssignedDevice(const Parts& parts, const virtio::PciTransport& transport,
                               const virtio::GuestView& view)
    : devices_(parts.devices),
      function_(parts.function),
      space_(parts.space),
      domain_(parts.domain),
      platform_(parts.platform),
      index_(parts.index),
      transport_(transport),
      view_(view) {}

Result<AssignedDevice*> AssignedDevice::assign(const Parts& parts, MemorySource& memory, Sink& problem) {
    Devices& devices = parts.devices;
    if (!devices.dma().remaps_interrupts()) {
        problem.write("the IOMMU does not remap interrupts: a device could raise any of the hypervisor's");
        return Error::Denied;
    }
    if (!is_isolated(devices.functions(), parts.function)) {
        problem.write("it shares its slot, or a bridge, with others: the IOMMU cannot tell them apart");
        return Error::Denied;
    }
    const auto transport =
        ASHLAR_TRY(explain(problem, "no modern virtio device",
                           virtio::PciTransport::open(devices.config(), parts.function, parts.platform)));
    if (transport.device_id() != virtio::DeviceId::Block) {
        problem.write("no block device");
        return Error::Unsupported;
    }
    const auto view = ASHLAR_TRY(explain(problem, "its registers or interrupts cannot be given away",
                                         virtio::make_guest_view(devices.config(), parts.function)));
    AssignedDevice* const device =
        ASHLAR_TRY(create_in_frames<AssignedDevice>(memory, parts, transport, view));
    const Status taken = device->take(problem);
    if (taken.ok())
        return device;
    if (!device->take_back().ok())
        return Error::Io;
    destroy_in_frames(memory, device);
    return taken.error() == Error::Io ? Error::Unsupported : taken.error();
}

Status AssignedDevice::take(Sink& problem) {
    if (const Status attached = devices_.dma().attach(function_, domain_); !attached.ok()) {
        problem.write(attached.error() == Error::Busy     ? "it is in use"
                      : attached.error() == Error::Denied ? "firmware uses it, or no IOMMU is in front of it"
                                                          : "the IOMMU does not answer");
        return attached;
    }
    attached_ = true;
    pci::enable(devices_.config(), devices_.functions(), function_);
    set_bus_master(false); // until the VM's driver wants it
    ASHLAR_TRY(explain(problem, "it does not reset", reset()));
    if ((transport_.offered_features() & virtio::feature::kAccessPlatform) == 0) {
        problem.write(
            "it goes past the IOMMU: it does not offer VIRTIO_F_ACCESS_PLATFORM (QEMU: iommu_platform=on)");
        return Error::Unsupported;
    }
    std::transform(view_.configuration.begin(), view_.configuration.end(), information_.configuration,
                   [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    information_.first_vector = abi::kDeviceVector + index_ * kInterrupts;
    ASHLAR_TRY(explain(problem, "its registers cannot be mapped", map_bars()));
    return explain(problem, "its interrupts cannot be set up", set_interrupts());
}

Status AssignedDevice::reset() {
    return virtio::reset(transport_, platform_);
}

Status AssignedDevice::map_bars() {
    std::uint64_t next = abi::kDeviceBase + index_ * abi::kDeviceStride;
    for (unsigned i = 0; i < function_.bars.size(); ++i)
        if (view_.windows[i].shown)
            ASHLAR_TRY(map_bar(i, next));
    return {};
}

Status AssignedDevice::map_bar(unsigned index, std::uint64_t& next) {
    const pci::Bar& bar = function_.bars[index];
    const pci::AddressRange hole = view_.windows[index].hole;
    abi::DeviceBar& shown = information_.bars[index];
    shown.address = (next + bar.size - 1) & ~(bar.size - 1);
    shown.size = bar.size;
    shown.hole_begin = hole.empty() ? 0 : hole.begin;
    shown.hole_end = hole.empty() ? 0 : std::min(hole.end, bar.size);
    next = shown.address + bar.size;
    const pci::AddressRange parts[] = {{0, shown.hole_end == 0 ? bar.size : shown.hole_begin},
                                       {shown.hole_end == 0 ? bar.size : shown.hole_end, bar.size}};
    for (const pci::AddressRange& part : parts)
        if (!part.empty())
            ASHLAR_TRY(space_.map(GuestPhysicalAddress(shown.address + part.begin),
                                  PhysicalAddress(bar.address + part.begin), part.end - part.begin,
                                  {.read = true, .write = true}, MemoryType::Uncached));
    return {};
}

void AssignedDevice::unmap_bars() {
    for (abi::DeviceBar& bar : information_.bars)
        if (bar.size != 0)
            static_cast<void>(space_.unmap(GuestPhysicalAddress(bar.address), bar.size).ok());
}

// Vector 0 is for changes of the configuration, vector 1 for queues: the VM's kernel tells the device so.
Status AssignedDevice::set_interrupts() {
    const pci::MsixLayout& msix = *function_.msix;
    const PhysicalAddress table(function_.bars[msix.table_bar].address + msix.table_offset);
    ASHLAR_TRY(platform_.map(table, std::uint64_t{msix.vectors} * 16));
    pci::MsixTable vectors(static_cast<volatile std::byte*>(arch::physical_to_virtual(table)), msix.vectors);
    for (std::uint16_t i = 0; i < msix.vectors; ++i)
        vectors.mask(i, true);
    for (std::uint16_t i = 0; i < kInterrupts; ++i) {
        Line& line = lines_[i];
        line.line = ASHLAR_TRY(devices_.take_interrupt_line());
        line.in_use = true;
        const auto message =
            devices_.dma().add_interrupt(function_, ASHLAR_TRY(arch::device_interrupt(line.line)));
        if (!message.ok()) {
            devices_.free_interrupt_line(line.line);
            line.in_use = false;
            return message.error();
        }
        line.number = message.value().number;
        vectors.set(i, {message.value().address, message.value().data});
    }
    pci::enable_msix(devices_.config(), function_, true);
    return {};
}

void AssignedDevice::set_bus_master(bool on) {
    pci::ConfigAccess& config = devices_.config();
    const std::uint16_t command = config.read16(function_.address, pci::reg::kCommand);
    config.write16(function_.address, pci::reg::kCommand,
                   static_cast<std::uint16_t>(on ? command | pci::reg::kCommandMaster
                                                 : command & ~pci::reg::kCommandMaster));
}

// A device that does not reset is held back by the IOMMU alone, which suffices.
Status AssignedDevice::take_back() {
    if (!attached_)
        return {};
    static_cast<void>(reset().ok());
    set_bus_master(false);
    ASHLAR_TRY(devices_.dma().detach(function_, domain_));
    attached_ = false;
    pci::enable_msix(devices_.config(), function_, false);
    for (Line& line : lines_)
        if (std::exchange(line.in_use, false)) {
            ASHLAR_TRY(devices_.dma().remove_interrupt(function_, line.number));
            devices_.free_interrupt_line(line.line);
        }
    unmap_bars();
    return {};
}

} // namespace ashlar::kernel
