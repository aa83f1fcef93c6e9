#include "arch/x86_64/boot/numa.h"

#include "kernel/numa_builder.h"

namespace ashlar::arch {
namespace {

using kernel::NumaBuilder;

const acpi::CpuAffinity* affinity_of(const acpi::Tables& tables, const acpi::Cpu& cpu) {
    for (const acpi::CpuAffinity& affinity : tables.cpu_affinity)
        if (affinity.apic_id == cpu.apic_id)
            return &affinity;
    return nullptr;
}

void report_faults(const acpi::Tables& tables, Sink& diagnostics) {
    if (tables.srat_faults != 0)
        format(diagnostics, "ashlar: acpi: SRAT: {} structures make no sense, they are left out\n",
               tables.srat_faults);
    if (tables.slit_faulty)
        format(diagnostics, "ashlar: acpi: SLIT left out: its size makes no sense\n");
    if (tables.cpus.dropped + tables.cpu_affinity.dropped != 0)
        format(diagnostics, "ashlar: acpi: {} CPUs in the MADT and {} in the SRAT are one too many\n",
               tables.cpus.dropped, tables.cpu_affinity.dropped);
    if (tables.memory_affinity.dropped != 0)
        format(diagnostics,
               "ashlar: acpi: SRAT: {} more ranges are ignored, their memory counts as node 0's\n",
               tables.memory_affinity.dropped);
}

} // namespace

void fill_numa(const acpi::Tables& tables, std::uint32_t boot_apic_id, kernel::BootInformation& boot,
               Sink& diagnostics) {
    report_faults(tables, diagnostics);
    boot.cpu_count = 0;
    for (const acpi::Cpu& cpu : tables.cpus)
        boot.cpu_count += cpu.enabled ? 1 : 0;
    NumaBuilder builder(boot.numa, diagnostics);
    for (const acpi::MemoryAffinity& memory : tables.memory_affinity) {
        if (memory.hot_pluggable)
            builder.add_hot_pluggable(memory.base, memory.size, memory.domain);
        else
            builder.add_memory(memory.base, memory.size, memory.domain);
    }
    for (const acpi::Cpu& cpu : tables.cpus) {
        if (!cpu.enabled)
            continue;
        if (const acpi::CpuAffinity* const affinity = affinity_of(tables, cpu); affinity != nullptr)
            builder.add_cpu(affinity->domain, cpu.apic_id == boot_apic_id);
        else
            builder.add_stray_cpu();
    }
    builder.finish();
    if (boot.cpu_count == 0)
        boot.cpu_count = boot.numa.cpus[boot.numa.boot_cpu_node] = 1;
    for (std::uint32_t from = 0; tables.has_slit && from < tables.localities; ++from)
        for (std::uint32_t to = 0; to < tables.localities; ++to)
            builder.set_distance(from, to, tables.distance[from][to]);
    builder.finish_distances();
}

} // namespace ashlar::arch
