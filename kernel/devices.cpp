#include "kernel/devices.h"

#include <algorithm>
#include <bit>

#include "arch/pci.h"
#include "drivers/pci/assign.h"
#include "drivers/pci/enumerate.h"

namespace ashlar::kernel {
namespace {

// Where devices of PC-like machines may be: from the end of memory to the interrupt controllers.
constexpr std::uint64_t kFourGiB = std::uint64_t{1} << 32, kInterruptControllers = 0xfec0'0000;

class Counter final : public pci::FunctionVisitor {
public:
    void found(const pci::Function&) override { ++count; }
    std::size_t count = 0;
};

class Keeper final : public pci::FunctionVisitor {
public:
    explicit Keeper(std::span<pci::Function> to) : to_(to) {}
    void found(const pci::Function& function) override {
        if (count != to_.size()) // what has appeared since they were counted is left out
            to_[count++] = function;
    }
    std::size_t count = 0;

private:
    std::span<pci::Function> to_;
};

class Silence final : public Sink {
    void write(std::string_view) override {}
};

bool overlaps_usable_memory(const BootInformation& boot, const pci::AddressRange& range) {
    for (std::size_t i = 0; i < boot.range_count; ++i)
        if (boot.ranges[i].kind == MemoryRange::Kind::Usable &&
            range.overlaps(boot.ranges[i].base.value(), boot.ranges[i].size))
            return true;
    return false;
}

pci::AddressRange ecam_range(const PciSegment& segment) {
    const std::uint64_t size =
        (segment.last_bus - segment.first_bus + std::uint64_t{1}) * pci::EcamAccess::kBytesPerBus;
    return {segment.base.value(), segment.base.value() + size};
}

} // namespace

void Devices::find(const BootInformation& boot, MemorySource& memory, Sink& sink) {
    find_ecam(boot, sink);
    if (range_count_ != 0) {
        config_ = &ecam_;
    } else if (pci::PortSpace* const ports = arch::port_space()) {
        legacy_.emplace(*ports);
        if (legacy_->present()) {
            config_ = &*legacy_;
            ranges_[range_count_++] = {};
        }
    }
    if (config_ == nullptr)
        return sink.write("ashlar: pci         none\n");
    if (const Status kept = keep(boot, memory, sink); !kept.ok())
        return format(sink, "ashlar: pci: no memory for the list of functions: {}\n", kept.error());
    format(sink, "ashlar: pci         {} function{}, configuration {}\n", functions_.size(),
           functions_.size() == 1 ? "" : "s", legacy_ ? "by ports" : "in memory");
    list(sink);
}

void Devices::find_ecam(const BootInformation& boot, Sink& sink) {
    for (std::size_t i = 0; i < boot.pci_segment_count; ++i) {
        const PciSegment& segment = boot.pci_segments[i];
        if (segment.last_bus < segment.first_bus)
            continue;
        const pci::AddressRange range = ecam_range(segment);
        Status usable;
        if (range.end < range.begin || overlaps_usable_memory(boot, range))
            usable = Error::Overlap;
        else
            usable = arch::map_device(segment.base, range.end - range.begin);
        const pci::BusRange buses{segment.segment, segment.first_bus, segment.last_bus};
        if (usable.ok())
            usable =
                ecam_.add(buses, static_cast<volatile std::byte*>(arch::physical_to_virtual(segment.base)));
        if (usable.ok())
            ranges_[range_count_++] = buses;
        else
            format(sink, "ashlar: pci: segment {} at {:#x} left out: {}\n", segment.segment, segment.base,
                   usable.error());
    }
}

Status Devices::keep(const BootInformation& boot, MemorySource& memory, Sink& sink) {
    Counter counter;
    Silence silence;
    for (std::size_t i = 0; i < range_count_; ++i)
        pci::enumerate(*config_, ranges_[i], counter, silence);
    if (counter.count == 0)
        return {};
    const PhysicalAddress block =
        ASHLAR_TRY(memory.allocate_zeroed(order_for(counter.count * sizeof(pci::Function))));
    auto* const at = static_cast<pci::Function*>(arch::physical_to_virtual(block));
    for (std::size_t i = 0; i < counter.count; ++i)
        ::new (at + i) pci::Function;
    std::size_t done = 0;
    for (std::size_t i = 0; i < range_count_; ++i) {
        const std::span<pci::Function> left(at + done, counter.count - done);
        Keeper keeper(left);
        pci::enumerate(*config_, ranges_[i], keeper, sink);
        pci::refresh_bridges(*config_, left.first(keeper.count));
        assign(boot, i, left.first(keeper.count), sink);
        done += keeper.count;
    }
    functions_ = {at, done};
    return {};
}

// Segments beyond the first have windows that only ACPI's bytecode tells: nothing is assigned there.
void Devices::assign(const BootInformation& boot, std::size_t segment, std::span<pci::Function> functions,
                     Sink& sink) {
    if (ranges_[segment].segment != 0)
        return;
    pci::AddressRange aperture{0, kInterruptControllers};
    std::array<pci::AddressRange, BootInformation::kMaxRanges + BootInformation::kMaxPciSegments> reserved;
    std::size_t count = 0;
    for (std::size_t i = 0; i < boot.range_count; ++i) {
        const MemoryRange& range = boot.ranges[i];
        const std::uint64_t begin = range.base.value(), end = begin + range.size;
        if (begin >= kFourGiB)
            continue;
        if (range.kind == MemoryRange::Kind::Usable)
            aperture.begin = std::max(aperture.begin, end);
        reserved[count++] = {begin, end};
    }
    for (std::size_t i = 0; i < boot.pci_segment_count; ++i)
        reserved[count++] = ecam_range(boot.pci_segments[i]);
    if (aperture.begin >= aperture.end)
        return;
    const unsigned assigned =
        pci::assign_memory(*config_, functions, ranges_[segment].first, aperture,
                           std::span<const pci::AddressRange>(reserved).first(count), sink);
    if (assigned != 0)
        format(sink, "ashlar: pci         {} BAR{} got an address\n", assigned, assigned == 1 ? "" : "s");
}

Result<unsigned> Devices::take_interrupt_line() {
    static_assert(arch::kDeviceInterrupts == 32);
    const auto line = static_cast<unsigned>(std::countr_one(interrupt_lines_));
    if (line + 1 >= arch::kDeviceInterrupts) // the last one is that of our own disks
        return Error::OutOfMemory;
    interrupt_lines_ |= 1u << line;
    return line;
}

const pci::Function* Devices::find_function(pci::FunctionAddress at) const {
    for (const pci::Function& function : functions_)
        if (function.address == at)
            return &function;
    return nullptr;
}

void Devices::list(Sink& sink) const {
    for (const pci::Function& function : functions_) {
        sink.write("ashlar: pci         ");
        pci::describe(sink, function);
        sink.write("\n");
    }
}

} // namespace ashlar::kernel
