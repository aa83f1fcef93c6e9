// Why a VM stopped running: one vocabulary for SVM, VMX and EL2. A backend translates its numbers into it in
// one table and deals itself with what only its ISA knows (CPUID, MSRs, ...).
#pragma once

#include <array>
#include <cstdint>

#include "lib/address.h"

namespace ashlar::kernel {

// lib/vm_abi.h's calling convention, in register order.
struct HypercallRequest {
    std::uint64_t number = 0;
    std::array<std::uint64_t, 5> arguments = {};
    bool privileged = false; // from the VM's kernel mode
};

// An access that second-level translation refused.
struct MemoryFault {
    enum class Access : std::uint8_t { Read, Write, Execute };
    GuestPhysicalAddress address;
    Access access = Access::Read;
    bool during_walk = false; // the VM's own page tables lie there
};

// An access to x86's I/O space.
struct PortAccess {
    std::uint16_t port = 0;
    std::uint8_t size = 0; // bytes
    bool write = false;
};

struct VmExit {
    enum class Reason : std::uint8_t {
        Interrupt,       // a host interrupt came; it has been taken
        InterruptWindow, // the VM can take an interrupt again; nothing to do
        Halt,            // the VM waits for an interrupt
        Hypercall,       // `hypercall`; answered by VirtualCpu::complete_hypercall
        MemoryFault,     // `memory`
        PortAccess,      // `port`
        SystemRegister,  // an MSR or system register; the backend has answered
        Identification,  // CPUID or an ID register; the backend has answered
        Emulated,        // another instruction or exception that the backend has dealt with
        Shutdown,        // the VM's CPU is past recovery (x86: triple fault)
        InvalidState,    // the hardware refuses to run the VM in the state that it has got into
        Unexpected,      // an exit that was not asked for
    };

    Reason reason = Reason::Unexpected;
    std::uint64_t hardware_code = 0; // as the hardware numbers it, for reports
    HypercallRequest hypercall;
    MemoryFault memory;
    PortAccess port;
};

constexpr const char* to_string(VmExit::Reason reason) {
    switch (reason) {
    case VmExit::Reason::Interrupt: return "interrupt";
    case VmExit::Reason::InterruptWindow: return "interrupt window";
    case VmExit::Reason::Halt: return "halt";
    case VmExit::Reason::Hypercall: return "hypercall";
    case VmExit::Reason::MemoryFault: return "memory fault";
    case VmExit::Reason::PortAccess: return "port access";
    case VmExit::Reason::SystemRegister: return "system register";
    case VmExit::Reason::Identification: return "identification";
    case VmExit::Reason::Emulated: return "emulated instruction";
    case VmExit::Reason::Shutdown: return "shutdown";
    case VmExit::Reason::InvalidState: return "invalid state";
    case VmExit::Reason::Unexpected: return "unexpected exit";
    }
    return "unknown exit";
}

constexpr const char* to_string(MemoryFault::Access access) {
    switch (access) {
    case MemoryFault::Access::Read: return "read";
    case MemoryFault::Access::Write: return "write";
    case MemoryFault::Access::Execute: return "instruction fetch";
    }
    return "access";
}

} // namespace ashlar::kernel
