#include "arch/x86_64/svm/cpu.h"

#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/svm/vmcb.h"
#include "kernel/virtual_cpu.h"

namespace ashlar::arch {
namespace svm {
namespace {

constexpr std::uint32_t kMsrVmCr = 0xc001'0114, kMsrHsavePa = 0xc001'0117, kMsrPredictorCommand = 0x49;
constexpr std::uint64_t kVmCrDisable = 1 << 4, kEferSvme = 1 << 12;
constexpr std::uint32_t kSvmLeaf = 0x8000'000a;

constinit Features detected{};
constinit PhysicalAddress host_block, ports, msrs;

// Two bits per MSR, read and write; three ranges of 0x2000 MSRs, each in 0x800 bytes.
void allow_msr(std::byte* permissions, std::uint32_t msr) {
    std::uint32_t bit = 2 * (msr & 0x1fff);
    if (msr >= 0xc001'0000)
        bit += 8 * 0x1000;
    else if (msr >= 0xc000'0000)
        bit += 8 * 0x800;
    permissions[bit / 8] &= ~std::byte(3u << (bit % 8));
}

// What VMLOAD, VMSAVE or the control block switches anyway is the VM's own.
void fill_msr_permissions(std::byte* permissions) {
    std::memset(permissions, 0xff, 2 * kPageSize);
    for (const std::uint32_t msr : {0x174u, 0x175u, 0x176u /* SYSENTER */, 0x277u /* PAT */, 0xc000'0081u,
                                    0xc000'0082u, 0xc000'0083u, 0xc000'0084u /* STAR, LSTAR, CSTAR, SFMASK */,
                                    0xc000'0100u, 0xc000'0101u, 0xc000'0102u /* FS, GS */})
        allow_msr(permissions, msr);
}

// Breakpoint addresses are not switched: a VM can only ever stop at these.
void clear_breakpoints() {
    constexpr std::uint64_t kNowhere = 0, kAllOff = 0x400; // DR7's reserved bit
    asm volatile("mov %0, %%dr7; mov %1, %%dr0; mov %1, %%dr1; mov %1, %%dr2; mov %1, %%dr3"
                 :
                 : "r"(kAllOff), "r"(kNowhere));
}

void detect_extended_state() {
    constexpr std::uint32_t kXsave = 1 << 26;
    constexpr std::uint32_t kFxsaveSize = 512;
    detected.xsave = (cpuid(1).ecx & kXsave) != 0;
    detected.state_size = kFxsaveSize;
    if (!detected.xsave)
        return;
    const Cpuid state = cpuid(0xd);
    detected.xcr0 = std::uint64_t{state.edx} << 32 | state.eax;
    detected.state_size = state.ecx;
    write_xcr0(detected.xcr0);
}

} // namespace

const Features& features() {
    return detected;
}
PhysicalAddress host_state() {
    return host_block;
}
PhysicalAddress port_permissions() {
    return ports;
}
PhysicalAddress msr_permissions() {
    return msrs;
}

void save_extended_state(std::byte* area) {
    const auto low = static_cast<std::uint32_t>(detected.xcr0),
               high = static_cast<std::uint32_t>(detected.xcr0 >> 32);
    if (detected.xsave)
        asm volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}
void restore_extended_state(const std::byte* area) {
    const auto low = static_cast<std::uint32_t>(detected.xcr0),
               high = static_cast<std::uint32_t>(detected.xcr0 >> 32);
    if (detected.xsave)
        asm volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void predictor_barrier() {
    constexpr std::uint64_t kBarrier = 1; // IBPB
    if (detected.predictor_barrier)
        write_msr(kMsrPredictorCommand, kBarrier);
}

} // namespace svm

Status initialize_virtualization(kernel::MemorySource& memory, Sink& explanation) {
    using namespace svm;
    constexpr std::uint32_t kSvm = 1 << 2; // CPUID 0x80000001, ecx
    if (cpuid(0x8000'0000).eax < kSvmLeaf || (cpuid(0x8000'0001).ecx & kSvm) == 0) {
        format(explanation, "this CPU has no SVM (AMD-V)");
        return Error::Unsupported;
    }
    if ((read_msr(kMsrVmCr) & kVmCrDisable) != 0) {
        format(explanation, "SVM is switched off in the firmware's setup");
        return Error::Unsupported;
    }
    const Cpuid leaf = cpuid(kSvmLeaf);
    constexpr std::uint32_t kNestedPaging = 1 << 0, kNextRip = 1 << 3, kFlushByAsid = 1 << 6;
    if ((leaf.edx & kNestedPaging) == 0) {
        format(explanation, "this CPU's SVM has no nested paging");
        return Error::Unsupported;
    }
    detected.asids = leaf.ebx;
    detected.next_rip = (leaf.edx & kNextRip) != 0;
    detected.flush_by_asid = (leaf.edx & kFlushByAsid) != 0;
    constexpr std::uint32_t kPredictorBarrier = 1 << 12; // CPUID 0x80000008, ebx
    detected.predictor_barrier = (cpuid(0x8000'0008).ebx & kPredictorBarrier) != 0;
    detect_extended_state();
    clear_breakpoints();

    constexpr unsigned kIopmOrder = 2, kMsrpmOrder = 1; // 12 KiB, 8 KiB
    const PhysicalAddress save_area = ASHLAR_TRY(memory.allocate_zeroed(0));
    host_block = ASHLAR_TRY(memory.allocate_zeroed(0));
    ports = ASHLAR_TRY(memory.allocate(kIopmOrder));
    std::memset(physical_to_virtual(ports), 0xff, kPageSize << kIopmOrder);
    msrs = ASHLAR_TRY(memory.allocate(kMsrpmOrder));
    fill_msr_permissions(static_cast<std::byte*>(physical_to_virtual(msrs)));

    write_msr(kMsrEfer, read_msr(kMsrEfer) | kEferSvme);
    write_msr(kMsrHsavePa, save_area.value());
    asm volatile("vmsave %0" : : "a"(host_block.value()) : "memory");
    return {};
}

void describe_virtualization(Sink& sink) {
    const svm::Features& f = svm::features();
    format(sink, "SVM, nested paging, {} address-space identifiers{}{}", f.asids,
           f.next_rip ? ", next RIP" : "", f.flush_by_asid ? ", flush by ASID" : "");
    if (f.predictor_barrier)
        sink.write(", predictor barrier");
}

} // namespace ashlar::arch
