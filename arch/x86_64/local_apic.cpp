#include "arch/x86_64/local_apic.h"

#include <optional>

#include "arch/cpu.h"
#include "arch/pci.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/ports.h"
#include "arch/x86_64/serial.h"

namespace ashlar::arch {
namespace {

constexpr std::uint32_t kMsrApicBase = 0x1b, kMsrX2Apic = 0x800;
constexpr std::uint64_t kApicEnable = 1 << 11, kX2ApicEnable = 1 << 10;
// Register offsets; x2APIC's MSR number is the offset / 16.
constexpr std::uint32_t kId = 0x20, kTaskPriority = 0x80, kEndOfInterrupt = 0xb0, kSpurious = 0xf0,
                        kCommandLow = 0x300, kCommandHigh = 0x310, kTimerVector = 0x320, kLint0 = 0x350,
                        kLint1 = 0x360, kErrorVector = 0x370, kTimerInitial = 0x380, kTimerCurrent = 0x390,
                        kTimerDivide = 0x3e0;
constexpr std::uint32_t kMasked = 1 << 16, kNmi = 4 << 8;

constinit volatile std::uint32_t* registers = nullptr; // nullptr: x2APIC mode
constinit bool enabled = false;
constinit std::uint32_t id_of_this_cpu = 0; // the others are not started

// Where the console's interrupt comes from.
struct ConsoleRoute {
    PhysicalAddress io_apic;
    std::uint8_t id;
    unsigned input;
    std::uint32_t mode;
};
constinit std::optional<ConsoleRoute> console_route;

std::uint32_t read(std::uint32_t offset) {
    return registers != nullptr ? registers[offset / 4]
                                : static_cast<std::uint32_t>(read_msr(kMsrX2Apic + offset / 16));
}
void write(std::uint32_t offset, std::uint32_t value) {
    if (registers != nullptr)
        registers[offset / 4] = value;
    else
        write_msr(kMsrX2Apic + offset / 16, value);
}
std::uint32_t own_id() {
    return registers != nullptr ? read(kId) >> 24 : read(kId);
}

// Both 8259s: vectors where no exception is, everything masked.
void mask_legacy_controllers() {
    constexpr std::uint16_t kMaster = 0x20, kSlave = 0xa0;
    out8(kMaster, 0x11);
    out8(kSlave, 0x11);
    out8(kMaster + 1, 0xf0);
    out8(kSlave + 1, 0xf8);
    out8(kMaster + 1, 4);
    out8(kSlave + 1, 2);
    out8(kMaster + 1, 1);
    out8(kSlave + 1, 1);
    out8(kMaster + 1, 0xff);
    out8(kSlave + 1, 0xff);
}

Status enable_local_apic(const acpi::Tables& tables) {
    const std::uint64_t base = read_msr(kMsrApicBase);
    if ((base & kX2ApicEnable) == 0) {
        const PhysicalAddress address =
            tables.has_madt ? tables.local_apic : PhysicalAddress(base).align_down(kPageSize);
        ASHLAR_TRY(map_device(address, kPageSize));
        registers = static_cast<volatile std::uint32_t*>(physical_to_virtual(address));
        write_msr(kMsrApicBase, base | kApicEnable);
    }
    write(kTaskPriority, 0);
    write(kLint0, kMasked);
    write(kLint1, kNmi);
    write(kErrorVector, kMasked);
    write(kTimerVector, kMasked);
    write(kTimerDivide, 3); // by 16
    constexpr std::uint32_t kSoftwareEnable = 1 << 8;
    write(kSpurious, kSoftwareEnable | kSpuriousVector);
    write(kTimerVector, kTimerInterruptVector);
    id_of_this_cpu = own_id();
    enabled = true;
    return {};
}

// The I/O APIC's registers are reached through an index and a data window.
class IoApic {
public:
    explicit IoApic(PhysicalAddress address)
        : window_(static_cast<volatile std::uint32_t*>(physical_to_virtual(address))) {}
    unsigned inputs() { return (read(1) >> 16 & 0xff) + 1; }
    void route(unsigned input, std::uint32_t low, std::uint32_t high) {
        write(0x11 + 2 * input, high);
        write(0x10 + 2 * input, low);
    }

private:
    std::uint32_t read(std::uint32_t index) {
        window_[0] = index;
        return window_[4];
    }
    void write(std::uint32_t index, std::uint32_t value) {
        window_[0] = index;
        window_[4] = value;
    }
    volatile std::uint32_t* window_;
};

Status route_console(const acpi::Tables& tables) {
    std::uint32_t input = kSerialIsaInterrupt;
    std::uint32_t mode = 0; // edge-triggered, active high
    for (const acpi::InterruptOverride& other : tables.overrides)
        if (other.isa == kSerialIsaInterrupt) {
            input = other.global;
            mode = ((other.flags & 3) == 3 ? 1u << 13 : 0) | ((other.flags >> 2 & 3) == 3 ? 1u << 15 : 0);
        }
    const std::uint32_t apic_id = own_id();
    for (const acpi::InterruptController& controller : tables.io_apics) {
        ASHLAR_TRY(map_device(controller.address, kPageSize));
        IoApic io_apic(controller.address);
        const unsigned inputs = io_apic.inputs();
        for (unsigned i = 0; i < inputs; ++i)
            io_apic.route(i, kMasked, 0);
        if (input - controller.first_interrupt < inputs) {
            io_apic.route(input - controller.first_interrupt, mode | kConsoleInterruptVector, apic_id << 24);
            console_route = {controller.address, controller.id, input - controller.first_interrupt, mode};
            enable_console_interrupt();
            return {};
        }
    }
    return Error::NotFound;
}

} // namespace

Status initialize_interrupts(const acpi::Tables& tables, Sink& diagnostics) {
    mask_legacy_controllers();
    ASHLAR_TRY(enable_local_apic(tables));
    if (!route_console(tables).ok())
        format(diagnostics, "ashlar: console: no interrupt, input is polled\n");
    return {};
}

void end_of_interrupt() {
    if (enabled)
        write(kEndOfInterrupt, 0);
}
void send_interrupt(std::uint32_t apic_id, unsigned vector) {
    if (registers == nullptr)
        return write_msr(kMsrX2Apic + kCommandLow / 16, std::uint64_t{apic_id} << 32 | vector);
    constexpr std::uint32_t kPending = 1 << 12;
    while ((read(kCommandLow) & kPending) != 0) { // the one before is on its way
    }
    write(kCommandHigh, apic_id << 24);
    write(kCommandLow, vector);
}
void kick(unsigned cpu) {
    ASHLAR_ASSERT(cpu == current_cpu());
    send_interrupt(id_of_this_cpu, kKickVector);
}

// By 8-bit numbers of CPUs, which x2APIC mode is not bound to.
Result<iommu::InterruptTarget> device_interrupt(unsigned number) {
    ASHLAR_ASSERT(number < kDeviceInterrupts);
    if (!enabled || registers == nullptr)
        return Error::Unsupported;
    return iommu::InterruptTarget{.apic_id = id_of_this_cpu,
                                  .vector = static_cast<std::uint8_t>(kFirstDeviceVector + number)};
}

std::optional<ConsoleInterrupt> console_interrupt() {
    if (!console_route || registers == nullptr)
        return std::nullopt;
    constexpr std::uint32_t kLevelTriggered = 1u << 15;
    return ConsoleInterrupt{console_route->id,
                            {.apic_id = id_of_this_cpu,
                             .vector = kConsoleInterruptVector,
                             .level = (console_route->mode & kLevelTriggered) != 0}};
}

// The remappable format of an entry (VT-d 4.1, section 5.1.2.1). The vector is for the end of the interrupt.
void remap_console_interrupt(std::uint16_t number) {
    ASHLAR_ASSERT(console_route.has_value());
    constexpr std::uint32_t kRemappable = 1u << 16;
    const std::uint32_t low = number & 0x7fffu, high = number >> 15;
    IoApic(console_route->io_apic)
        .route(console_route->input, console_route->mode | high << 11 | kConsoleInterruptVector,
               low << 17 | kRemappable);
}

void start_apic_timer(std::uint32_t ticks) {
    write(kTimerInitial, ticks);
}
std::uint32_t apic_timer_count() {
    return read(kTimerCurrent);
}

} // namespace ashlar::arch
