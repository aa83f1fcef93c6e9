// SVM's exit codes (appendix C) and what the kernel calls them.
#pragma once

#include <cstdint>

#include "kernel/vm_exit.h"

namespace ashlar::arch::svm {

enum class ExitCode : std::uint32_t {
    DebugRead = 0x20, // to 0x2f
    DebugWrite = 0x30,
    DebugException = 0x41,
    AlignmentException = 0x51,
    MachineCheck = 0x52,
    Intr = 0x60,
    Nmi = 0x61,
    Smi = 0x62,
    Init = 0x63,
    Vintr = 0x64,
    Rdpmc = 0x6f,
    Cpuid = 0x72,
    Rsm = 0x73,
    Invd = 0x76,
    Hlt = 0x78,
    Invlpga = 0x7a,
    Ioio = 0x7b,
    Msr = 0x7c,
    TaskSwitch = 0x7d,
    FerrFreeze = 0x7e,
    Shutdown = 0x7f,
    Vmrun = 0x80,
    Vmmcall = 0x81,
    Vmload = 0x82,
    Vmsave = 0x83,
    Stgi = 0x84,
    Clgi = 0x85,
    Skinit = 0x86,
    Rdtscp = 0x87,
    Wbinvd = 0x89,
    Monitor = 0x8a,
    Mwait = 0x8b,
    MwaitArmed = 0x8c,
    Xsetbv = 0x8d,
    Rdpru = 0x8e,
    NestedPageFault = 0x400,
    Invalid = 0xffff'ffff, // VMEXIT_INVALID is -1, of which emulators set 32 or 64 bits
};

constexpr kernel::VmExit::Reason reason_of(ExitCode code) {
    using Reason = kernel::VmExit::Reason;
    switch (code) {
    case ExitCode::Intr:
    case ExitCode::Nmi:
    case ExitCode::Smi:
    case ExitCode::Init: return Reason::Interrupt;
    case ExitCode::Vintr: return Reason::InterruptWindow;
    case ExitCode::Hlt: return Reason::Halt;
    case ExitCode::Vmmcall: return Reason::Hypercall;
    case ExitCode::NestedPageFault: return Reason::MemoryFault;
    case ExitCode::Ioio: return Reason::PortAccess;
    case ExitCode::Msr: return Reason::SystemRegister;
    case ExitCode::Cpuid: return Reason::Identification;
    case ExitCode::Shutdown:
    case ExitCode::MachineCheck: return Reason::Shutdown; // nothing of the VM can be trusted after it
    case ExitCode::Invalid: return Reason::InvalidState;
    case ExitCode::DebugException:
    case ExitCode::AlignmentException:
    case ExitCode::Rdpmc:
    case ExitCode::Rsm:
    case ExitCode::Invd:
    case ExitCode::Invlpga:
    case ExitCode::Vmrun:
    case ExitCode::Vmload:
    case ExitCode::Vmsave:
    case ExitCode::Stgi:
    case ExitCode::Clgi:
    case ExitCode::Skinit:
    case ExitCode::Rdtscp:
    case ExitCode::Wbinvd:
    case ExitCode::Monitor:
    case ExitCode::Mwait:
    case ExitCode::MwaitArmed:
    case ExitCode::Xsetbv:
    case ExitCode::Rdpru: return Reason::Emulated;
    default: break;
    }
    const auto number = static_cast<std::uint32_t>(code);
    const bool debug_register = number >= 0x20 && number < 0x40;
    return debug_register ? Reason::Emulated : Reason::Unexpected;
}

} // namespace ashlar::arch::svm
