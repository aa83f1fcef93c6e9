#include "arch/aarch64/el2/cpu.h"

#include <algorithm>

#include "arch/aarch64/el2/stage2.h"
#include "arch/aarch64/el2/virtual_gic.h"
#include "arch/aarch64/registers.h"
#include "kernel/virtual_cpu.h"

namespace ashlar::arch {
namespace el2 {
namespace {

constinit Features detected{};

// Four levels for 44 bits, walks inner shareable and write-back.
std::uint64_t stage2_control() {
    constexpr std::uint64_t kReserved1 = std::uint64_t{1} << 31, kNoteAccess = 1 << 21;
    constexpr std::uint64_t kStartAtRoot = 2 << 6, kWalks = 1 << 8 | 1 << 10 | 3 << 12;
    constexpr std::uint64_t kSize = 64 - Stage2Format::kInputBits;
    return kReserved1 | kSize | kStartAtRoot | kWalks | std::uint64_t{detected.physical_width} << 16 |
           (detected.notes_access ? kNoteAccess : 0);
}

// Debugging, performance counters and what else a VM could watch others by, where the CPU has them.
std::uint64_t debug_control() {
    constexpr std::uint64_t kCounters = 1 << 5 | 1 << 6, kDebug = 1 << 9 | 1 << 10 | 1 << 11;
    constexpr std::uint64_t kProfiling = 1 << 14, kTraceFilter = 1 << 19;
    const std::uint64_t debug = READ_REGISTER(id_aa64dfr0_el1);
    constexpr unsigned kPmuVersion = 8, kProfilingVersion = 32, kTraceFilterVersion = 40;
    const unsigned pmu = id_field(debug, kPmuVersion);
    std::uint64_t control = kDebug;
    if (pmu != 0 && pmu != 0xf)
        control |= kCounters | (READ_REGISTER(pmcr_el0) >> 11 & 0x1f); // PMCR_EL0.N: none for the VM
    if (id_field(debug, kProfilingVersion) != 0)
        control |= kProfiling;
    if (id_field(debug, kTraceFilterVersion) != 0)
        control |= kTraceFilter;
    return control;
}

// Floating point is the VM's; SVE, SME, trace and activity monitors are nobody's.
std::uint64_t feature_control() {
    constexpr std::uint64_t kReserved1 = 0x33ff, kTrace = 1 << 20, kActivityMonitors = 1 << 30;
    constexpr unsigned kMonitorVersion = 44; // ID_AA64PFR0_EL1.AMU
    return kReserved1 | kTrace |
           (id_field(READ_REGISTER(id_aa64pfr0_el1), kMonitorVersion) != 0 ? kActivityMonitors : 0);
}

// Traps that newer CPUs have, whose registers hold anything after a reset: none of them is wanted.
void clear_fine_traps() {
    constexpr unsigned kFineTraps = 56, kExtendedControl = 40; // ID_AA64MMFR0_EL1.FGT, ID_AA64MMFR1_EL1.HCX
    if (id_field(READ_REGISTER(id_aa64mmfr0_el1), kFineTraps) != 0) {
        WRITE_REGISTER(S3_4_C1_C1_4, 0); // HFGRTR_EL2
        WRITE_REGISTER(S3_4_C1_C1_5, 0); // HFGWTR_EL2
        WRITE_REGISTER(S3_4_C1_C1_6, 0); // HFGITR_EL2
        WRITE_REGISTER(S3_4_C3_C1_4, 0); // HDFGRTR_EL2
        WRITE_REGISTER(S3_4_C3_C1_5, 0); // HDFGWTR_EL2
    }
    if (id_field(READ_REGISTER(id_aa64mmfr1_el1), kExtendedControl) != 0)
        WRITE_REGISTER(S3_4_C1_C2_2, 0); // HCRX_EL2
}

} // namespace

const Features& features() {
    return detected;
}

} // namespace el2

Status initialize_virtualization(kernel::MemorySource&, Sink& explanation) {
    using namespace el2;
    constexpr unsigned kWidth44 = 4, kWidth48 = 5;
    const unsigned width = id_field(READ_REGISTER(id_aa64mmfr0_el1), 0);
    if (width < kWidth44) {
        format(explanation, "this CPU's physical addresses have fewer than 44 bits");
        return Error::Unsupported;
    }
    detected.physical_width = std::min(width, kWidth48);
    detected.notes_access = id_field(READ_REGISTER(id_aa64mmfr1_el1), 0) != 0;
    detected.list_registers = VirtualGic::list_registers();
    WRITE_REGISTER(vtcr_el2, stage2_control());
    WRITE_REGISTER(vttbr_el2, 0);
    WRITE_REGISTER(mdcr_el2, debug_control());
    WRITE_REGISTER(cptr_el2, feature_control());
    WRITE_REGISTER(hstr_el2, 0);
    clear_fine_traps();
    WRITE_REGISTER(cnthctl_el2, 0); // the physical timer and counter are ours
    WRITE_REGISTER(vpidr_el2, READ_REGISTER(midr_el1));
    WRITE_REGISTER(vmpidr_el2, std::uint64_t{1} << 31); // CPU 0
    synchronize_context();
    asm volatile("tlbi alle1\n\tdsb nsh\n\tisb" : : : "memory");
    return {};
}

void describe_virtualization(Sink& sink) {
    format(sink, "EL2, stage 2, {} VM identifiers, {} list registers{}", el2::kMaxVmids - 1,
           el2::features().list_registers, el2::features().notes_access ? ", access flags by hardware" : "");
}

elf::Machine native_machine() {
    return elf::Machine::Aarch64;
}

} // namespace ashlar::arch
