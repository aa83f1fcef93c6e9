// From the Linux Image entry to kernel_main: console, exceptions, what the device tree says, our own tables,
// clocks.
#include <algorithm>

#include "arch/aarch64/clock.h"
#include "arch/aarch64/console.h"
#include "arch/aarch64/gic.h"
#include "arch/aarch64/memory_layout.h"
#include "arch/aarch64/paging.h"
#include "arch/aarch64/psci.h"
#include "arch/aarch64/registers.h"
#include "arch/cpu.h"
#include "arch/pci.h"
#include "kernel/device_tree.h"
#include "kernel/device_tree_nodes.h"
#include "kernel/image.h"
#include "kernel/log.h"
#include "kernel/selftest.h"

namespace ashlar::arch {
namespace {

using kernel::DeviceNode;
using kernel::find_device;
using kernel::log;

constinit kernel::BootInformation boot_information{};
constexpr std::size_t kMaxCommandLine = 1024;
constinit char command_line[kMaxCommandLine]{};

// What is taken from the device tree before its memory is reused.
struct Devices {
    std::optional<DeviceNode::Range> console, real_time_clock;
    InterruptController interrupts;
};
constinit Devices devices{};

[[noreturn]] void fail(std::string_view what, Error error) {
    log("ashlar: fatal: {}: {}\n", what, error);
    power_off(false);
}
// There is no console yet.
[[noreturn]] void fail_silently() {
    power_off(false);
}

// As much of it as the boot tables map at least.
Bytes tree_bytes(PhysicalAddress tree) {
    const std::uint64_t offset = tree.value() & (kBootBlock - 1);
    const bool last_block = (tree.value() >> IMAGE_BLOCK_SHIFT & 511) == 511;
    return {static_cast<const std::byte*>(physical_to_virtual(tree)),
            (last_block ? 1 : 2) * kBootBlock - offset};
}

void read_psci(const fdt::Tree& tree) {
    auto node = tree.find_compatible("arm,psci-0.2");
    if (!node)
        node = tree.find_compatible("arm,psci-1.0");
    const auto method = node ? node->property("method") : std::nullopt;
    if (method)
        psci::set_conduit(method->string() == "hvc" ? psci::Conduit::Hvc : psci::Conduit::Smc);
}

void read_devices(const fdt::Tree& tree) {
    if (const auto uart = find_device(tree, "arm,pl011")) {
        devices.console = uart->ranges[0];
        devices.interrupts.console = kernel::gic_interrupt(uart->node, 0).value_or(0);
    }
    if (const auto clock = find_device(tree, "arm,pl031"))
        devices.real_time_clock = clock->ranges[0];
    if (const auto gic = find_device(tree, "arm,gic-v3"); gic && gic->range_count >= 2) {
        devices.interrupts.distributor = gic->ranges[0].base;
        devices.interrupts.redistributors = gic->ranges[1].base;
        devices.interrupts.redistributors_size = gic->ranges[1].size;
    }
    constexpr std::size_t kVirtualTimer = 2,
                          kHypervisorTimer = 3; // of secure, non-secure, virtual, hypervisor
    if (const auto timer = tree.find_compatible("arm,armv8-timer")) {
        InterruptController& interrupts = devices.interrupts;
        interrupts.timer = kernel::gic_interrupt(*timer, kHypervisorTimer).value_or(interrupts.timer);
        interrupts.virtual_timer =
            kernel::gic_interrupt(*timer, kVirtualTimer).value_or(interrupts.virtual_timer);
    }
}

// MPIDR_EL1's affinity fields, as `reg` of a CPU's node has them.
std::uint64_t boot_cpu() {
    return READ_REGISTER(mpidr_el1) & 0xff'00ff'ffff;
}

// What the CPU can address and the direct map holds.
PhysicalAddress physical_limit() {
    constexpr unsigned kWidths[] = {32, 36, 40, 42, 44, 48};
    const unsigned range = id_field(READ_REGISTER(id_aa64mmfr0_el1), 0);
    const unsigned bits = kWidths[std::min<std::size_t>(range, std::size(kWidths) - 1)];
    return PhysicalAddress(std::min(std::uint64_t{1} << bits, kDirectMapBytes));
}

// The registers at their final place; null when they cannot be there.
void* map_registers(const std::optional<DeviceNode::Range>& range) {
    if (!range || !map_device(range->base, range->size).ok())
        return nullptr;
    return physical_to_virtual(range->base);
}

} // namespace

extern "C" [[noreturn]] void start(PhysicalAddress tree_address, PhysicalAddress image,
                                   std::uint64_t exception_level) {
    set_image_address(image);
    const Result<fdt::Tree> parsed = fdt::Tree::parse(tree_bytes(tree_address));
    if (!parsed.ok())
        fail_silently();
    const fdt::Tree& tree = parsed.value();
    read_psci(tree);
    read_devices(tree);
    if (devices.console)
        initialize_console(reach_boot_device(devices.console->base));
    if (exception_level != 2) {
        log("ashlar: fatal: entered at EL{}, but a hypervisor runs at EL2; under QEMU, -M "
            "virt,virtualization=on "
            "has it\n",
            exception_level);
        power_off(false);
    }
    boot_information.protocol = "Linux Image, device tree";
    boot_information.image_begin = image;
    boot_information.image_end = image_to_physical(kernel::image_end);
    kernel::ConsoleSink console;
    kernel::read_chosen(tree, command_line, boot_information);
    if (const Status read = kernel::read_device_tree(tree, boot_cpu(), boot_information, console); !read.ok())
        fail("cannot read the device tree", read.error());
    if (const std::uint64_t lost = boot_information.limit_ranges(physical_limit()); lost != 0)
        log("ashlar: memory: {} MiB of usable memory lie where this CPU or we cannot reach\n", lost >> 20);
    reach_usable_memory(boot_information);
    if (const Status mapped = enter_final_address_space(boot_information); !mapped.ok())
        fail("cannot build page tables", mapped.error());
    move_console(map_registers(devices.console));
    initialize_clock(static_cast<const volatile std::uint32_t*>(map_registers(devices.real_time_clock)));
    if (const Status ready = initialize_interrupts(devices.interrupts, console); !ready.ok())
        fail("cannot set up interrupts", ready.error());
    check_write_xor_execute(console);
    kernel::run_selftest(boot_information.command_line);
    kernel::kernel_main(boot_information);
}

} // namespace ashlar::arch
