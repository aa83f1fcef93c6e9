// The hypervisor's main program: says what the machine is, starts the VMs and runs them to their end.
#include "kernel/boot_information.h"
#include "kernel/bundle.h"
#include "kernel/command_line.h"
#include "kernel/devices.h"
#include "kernel/disk_bundle.h"
#include "kernel/driver_platform.h"
#include "kernel/log.h"
#include "kernel/physical_memory.h"
#include "kernel/scheduler.h"
#include "kernel/virtual_cpu.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

alignas(PhysicalMemory) constinit std::byte frames_storage[sizeof(PhysicalMemory)]{};
constinit MemoryAccount hypervisor_account{.name = "hypervisor"};
constinit Devices devices;
alignas(Scheduler) constinit std::byte scheduler_storage[sizeof(Scheduler)]{};

const char* to_string(MemoryRange::Kind kind) {
    switch (kind) {
    case MemoryRange::Kind::Usable: return "usable";
    case MemoryRange::Kind::Reserved: return "reserved";
    case MemoryRange::Kind::AcpiReclaimable: return "ACPI tables";
    case MemoryRange::Kind::AcpiNvs: return "ACPI NVS";
    case MemoryRange::Kind::Unusable: return "defective";
    }
    return "unknown";
}

void print_machine(const BootInformation& boot, const PhysicalMemory& frames) {
    log("ashlar: boot        {}, command line \"{}\"\n", boot.protocol, boot.command_line);
    log("ashlar: image       {:#x} to {:#x}, {} KiB\n", boot.image_begin, boot.image_end,
        (boot.image_end - boot.image_begin) / 1024);
    for (std::size_t i = 0; i < boot.range_count; ++i) {
        const MemoryRange& range = boot.ranges[i];
        log("ashlar: memory      {:#014x} to {:#014x} {}\n", range.base, range.base + range.size,
            to_string(range.kind));
    }
    if (boot.ranges_dropped != 0)
        log("ashlar: memory      {} more ranges are ignored\n", boot.ranges_dropped);
    for (NodeId node = 0; node < frames.node_count(); ++node) {
        const NodeStatistics statistics = frames.statistics(node);
        log("ashlar: numa        node {}: {} MiB, {} MiB free, {} cpus, distances", node,
            statistics.total_frames * kPageSize / kMiB, statistics.free_frames * kPageSize / kMiB,
            boot.numa.cpus[node]);
        for (NodeId other = 0; other < frames.node_count(); ++other)
            log(" {}", boot.numa.distance[node][other]);
        if (boot.numa.domains[node] != node)
            log(", domain {}", boot.numa.domains[node]);
        log("\n");
    }
}

BundleResult start_vms(const BootInformation& boot, PhysicalMemory& frames, MemorySource& hypervisor,
                       Scheduler& scheduler) {
    if (const auto disk = option(boot.command_line, "bundle")) {
        ConsoleSink sink;
        const Result<Bytes> archive = load_bundle(devices, *disk, hypervisor, sink);
        return archive.ok() ? start_bundle(archive.value(), frames, hypervisor, scheduler)
                            : BundleResult{.rejected = 1};
    }
    if (boot.bundle_size == 0) {
        log("ashlar: bundle      none, running the embedded guest\n");
        return start_embedded_guest(frames, hypervisor, scheduler);
    }
    log("ashlar: bundle      {} KiB at {:#x}\n", boot.bundle_size / 1024, boot.bundle);
    const Bytes archive{static_cast<const std::byte*>(arch::physical_to_virtual(boot.bundle)),
                        boot.bundle_size};
    return start_bundle(archive, frames, hypervisor, scheduler);
}

} // namespace

void kernel_main(const BootInformation& boot) {
    PhysicalMemory& frames = *::new (frames_storage) PhysicalMemory;
    Scheduler& scheduler = *::new (scheduler_storage) Scheduler(boot.numa.boot_cpu_node);
    ConsoleSink sink;
    const NodeId cpu_nodes[] = {boot.numa.boot_cpu_node};
    frames.initialize(boot, cpu_nodes, sink);
    log("ashlar: Ashlar {} {}, {} cpu{} found, 1 in use, {} MHz counter\n", ASHLAR_VERSION, arch::kName,
        boot.cpu_count, boot.cpu_count == 1 ? "" : "s", arch::counter_hz() / 1'000'000);
    log("ashlar: cpu         ");
    arch::describe_cpu(sink);
    log("\n");
    if (kDebugBuild)
        log("ashlar: debug       every frame is checked when it is freed and when it is handed out\n");
    print_machine(boot, frames);

    MemorySource hypervisor(frames, hypervisor_account);
    devices.find(boot, hypervisor, sink);
    alignas(DriverPlatform) static constinit std::byte platform_storage[sizeof(DriverPlatform)]{};
    devices.dma().start(boot, devices.functions(), hypervisor,
                        *::new (platform_storage) DriverPlatform(hypervisor), sink);
    scheduler.set_devices(devices);
    alignas(MachineDisks) static constinit std::byte disks_storage[sizeof(MachineDisks)]{};
    scheduler.set_disks(*::new (disks_storage) MachineDisks(devices, hypervisor));
    BufferSink<128> explanation;
    if (const Status ready = arch::initialize_virtualization(hypervisor, explanation); !ready.ok()) {
        log("ashlar: virt        unavailable: {}\n", explanation.view());
        log("ashlar: fatal: VMs need hardware virtualization; under QEMU, -cpu max has it\n");
        arch::power_off(false);
    }
    log("ashlar: virt        ");
    arch::describe_virtualization(sink);
    log("\n");
    const BundleResult started = start_vms(boot, frames, hypervisor, scheduler);
    log("ashlar: {} VM{} started{}\n", started.started, started.started == 1 ? "" : "s",
        started.rejected != 0 ? ", see above for what was not" : "");
    const bool well = scheduler.run();
    log("ashlar: all VMs have ended, powering off\n");
    arch::power_off(well && started.rejected == 0);
}

} // namespace ashlar::kernel
