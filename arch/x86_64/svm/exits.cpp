// What the VM did that it may not do alone.
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/svm/cpu.h"
#include "arch/x86_64/svm/cpuid_filter.h"
#include "arch/x86_64/svm/virtual_cpu.h"

namespace ashlar::arch::svm {
namespace {

using kernel::MemoryFault;
using kernel::VmExit;

constexpr unsigned kDebug = 1, kInvalidOpcode = 6, kGeneralProtection = 13, kAlignmentCheck = 17;
constexpr unsigned kHltLength = 1, kCpuidLength = 2, kMsrLength = 2, kHypercallLength = 3, kXsetbvLength = 3,
                   kInvdLength = 2;

// EXITINFO1 of a nested page fault.
constexpr std::uint64_t kFaultWrite = 1 << 1, kFaultFetch = 1 << 4, kFaultInWalk = std::uint64_t{1} << 33;

MemoryFault memory_fault(const ControlArea& control) {
    MemoryFault::Access access = MemoryFault::Access::Read;
    if ((control.exit_info1 & kFaultFetch) != 0)
        access = MemoryFault::Access::Execute;
    else if ((control.exit_info1 & kFaultWrite) != 0)
        access = MemoryFault::Access::Write;
    return {GuestPhysicalAddress(control.exit_info2), access, (control.exit_info1 & kFaultInWalk) != 0};
}

// EXITINFO1 of an I/O instruction: bit 0 IN, bits 4 to 6 the size in bytes, bits 16 to 31 the port.
kernel::PortAccess port_access(std::uint64_t info) {
    return {static_cast<std::uint16_t>(info >> 16), static_cast<std::uint8_t>(info >> 4 & 7),
            (info & 1) == 0};
}

constexpr std::uint32_t kMsrTsc = 0x10;
constexpr std::uint64_t kEferSyscall = 1, kEferLongMode = 1 << 8, kEferLongModeActive = 1 << 10,
                        kEferSvm = 1 << 12;

} // namespace

void SvmCpu::skip(unsigned length) {
    Vmcb& block = vmcb();
    const bool known = features().next_rip && block.control.next_rip != 0;
    block.save.rip = known ? block.control.next_rip : block.save.rip + length;
    block.control.interrupt_shadow = 0;
}

void SvmCpu::inject_exception(unsigned vector, bool has_error_code) {
    vmcb().control.event_injection =
        event::kValid | event::kTypeException | vector | (has_error_code ? event::kErrorCodeValid : 0);
}

VmExit SvmCpu::handle_exit() {
    const ControlArea& control = vmcb().control;
    const auto code = static_cast<ExitCode>(static_cast<std::uint32_t>(control.exit_code));
    VmExit exit;
    exit.reason = reason_of(code);
    exit.hardware_code = control.exit_code;
    switch (exit.reason) {
    case VmExit::Reason::Halt: skip(kHltLength); break;
    case VmExit::Reason::Hypercall:
        exit.hypercall = {vmcb().save.rax,
                          {registers_.rdi, registers_.rsi, registers_.rdx, registers_.r10, registers_.r8},
                          vmcb().save.cpl == 0};
        skip(kHypercallLength);
        break;
    case VmExit::Reason::MemoryFault: exit.memory = memory_fault(control); break;
    case VmExit::Reason::PortAccess: exit.port = port_access(control.exit_info1); break;
    case VmExit::Reason::SystemRegister: exit_msr(); break;
    case VmExit::Reason::Identification: exit_cpuid(); break;
    case VmExit::Reason::Emulated:
        // An exception while the same kind is being delivered would go on for ever: that is past recovery.
        if ((code == ExitCode::DebugException || code == ExitCode::AlignmentException) &&
            (control.exit_int_info & event::kValid) != 0)
            exit.reason = VmExit::Reason::Shutdown;
        else
            exit_emulated(code);
        break;
    default: break;
    }
    return exit;
}

void SvmCpu::exit_emulated(ExitCode code) {
    switch (code) {
    case ExitCode::DebugException: return inject_exception(kDebug);
    case ExitCode::AlignmentException: return inject_exception(kAlignmentCheck, true);
    case ExitCode::Xsetbv: return exit_xsetbv();
    case ExitCode::Rdpmc: return inject_exception(kGeneralProtection, true); // no such counter
    case ExitCode::Wbinvd:
    case ExitCode::Invd: // as a write-back, so that nobody else's data is lost
        return skip(kInvdLength);
    default: return inject_exception(kInvalidOpcode);
    }
}

void SvmCpu::exit_cpuid() {
    constexpr std::uint64_t kMask = 0xffff'ffff;
    const auto leaf = static_cast<std::uint32_t>(vmcb().save.rax & kMask);
    const auto subleaf = static_cast<std::uint32_t>(registers_.rcx & kMask);
    const bool osxsave = (vmcb().save.cr4 & kCr4OsXsave) != 0;
    const Cpuid answer = filter_cpuid(leaf, subleaf, cpuid(leaf, subleaf), osxsave);
    vmcb().save.rax = answer.eax;
    registers_.rbx = answer.ebx;
    registers_.rcx = answer.ecx;
    registers_.rdx = answer.edx;
    skip(kCpuidLength);
}

// Faults as the CPU does (APM volume 3, XSETBV).
void SvmCpu::exit_xsetbv() {
    if ((vmcb().save.cr4 & kCr4OsXsave) == 0)
        return inject_exception(kInvalidOpcode);
    const std::uint64_t value = registers_.rdx << 32 | (vmcb().save.rax & 0xffff'ffff);
    const auto number = static_cast<std::uint32_t>(registers_.rcx);
    if (vmcb().save.cpl != 0 || number != 0 || !is_valid_xcr0(value, features().xcr0))
        return inject_exception(kGeneralProtection, true);
    write_xcr0(value);
    skip(kXsetbvLength);
}

void SvmCpu::exit_msr() {
    const auto msr = static_cast<std::uint32_t>(registers_.rcx);
    const bool write = (vmcb().control.exit_info1 & 1) != 0;
    std::uint64_t value = registers_.rdx << 32 | (vmcb().save.rax & 0xffff'ffff);
    const bool done = write ? write_msr_for_guest(msr, value) : read_msr_for_guest(msr, value);
    if (!done)
        return inject_exception(kGeneralProtection, true);
    if (!write) {
        vmcb().save.rax = value & 0xffff'ffff;
        registers_.rdx = value >> 32;
    }
    skip(kMsrLength);
}

bool SvmCpu::read_msr_for_guest(std::uint32_t msr, std::uint64_t& value) const {
    switch (msr) {
    case kMsrEfer: value = vmcb().save.efer & ~kEferSvm; return true;
    case kMsrTsc: value = __builtin_ia32_rdtsc() + vmcb().control.tsc_offset; return true;
    default: return false;
    }
}

bool SvmCpu::write_msr_for_guest(std::uint32_t msr, std::uint64_t value) {
    if (msr != kMsrEfer)
        return false;
    constexpr std::uint64_t kChangeable = kEferSyscall | kEferLongMode | kEferNoExecute;
    std::uint64_t& efer = vmcb().save.efer;
    if ((value & ~(kChangeable | kEferLongModeActive)) != 0)
        return false;
    const bool paging = (vmcb().save.cr0 & std::uint64_t{1} << 31) != 0;
    if (paging && ((value ^ efer) & kEferLongMode) != 0)
        return false;
    efer = (efer & ~kChangeable) | (value & kChangeable);
    return true;
}

} // namespace ashlar::arch::svm
