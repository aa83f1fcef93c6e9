// Exception classes that take a VM to EL2 (ESR_EL2.EC; Arm ARM, section D19.2.37) and what the kernel calls
// them.
#pragma once

#include <cstdint>

#include "kernel/vm_exit.h"

namespace ashlar::arch::el2 {

enum class ExitClass : std::uint32_t {
    Unknown = 0x00,
    WaitFor = 0x01, // WFI, WFE
    FloatingPoint = 0x07,
    PointerAuthentication = 0x09,
    Load64Bytes = 0x0a,
    IllegalState = 0x0e,
    Hypercall = 0x16,
    SecureCall = 0x17,
    SystemRegister = 0x18,
    Sve = 0x19,
    Sme = 0x1d,
    InstructionAbort = 0x20,
    DataAbort = 0x24,
};

constexpr ExitClass exit_class(std::uint64_t syndrome) {
    return static_cast<ExitClass>(syndrome >> 26 & 0x3f);
}

constexpr kernel::VmExit::Reason reason_of(ExitClass exit) {
    using Reason = kernel::VmExit::Reason;
    switch (exit) {
    case ExitClass::WaitFor: return Reason::Halt;
    case ExitClass::Hypercall: return Reason::Hypercall;
    case ExitClass::SystemRegister: return Reason::SystemRegister;
    case ExitClass::InstructionAbort:
    case ExitClass::DataAbort: return Reason::MemoryFault;
    case ExitClass::Unknown:
    case ExitClass::FloatingPoint:
    case ExitClass::PointerAuthentication:
    case ExitClass::Load64Bytes:
    case ExitClass::SecureCall:
    case ExitClass::Sve:
    case ExitClass::Sme: return Reason::Emulated;
    case ExitClass::IllegalState: return Reason::InvalidState;
    }
    return Reason::Unexpected;
}

// A trapped access to a system register (section D19.2.37, "ISS encoding for an exception from MSR, MRS, or
// System instruction execution in AArch64 state").
struct SystemAccess {
    unsigned op0, op1, crn, crm, op2;
    unsigned target; // general register, 31: none
    bool read;
};
constexpr SystemAccess system_access(std::uint64_t syndrome) {
    const auto field = [&](unsigned shift, unsigned mask) {
        return static_cast<unsigned>(syndrome >> shift & mask);
    };
    return {.op0 = field(20, 3),
            .op1 = field(14, 7),
            .crn = field(10, 15),
            .crm = field(1, 15),
            .op2 = field(17, 7),
            .target = field(5, 31),
            .read = (syndrome & 1) != 0};
}

// An abort that stage 2 may have caused.
struct Abort {
    enum class Kind : std::uint8_t { AddressSize, Translation, AccessFlag, Permission, Other };
    Kind kind;
    bool write;       // else a read, or a fetch when it is an instruction abort
    bool during_walk; // of the VM's own tables
};
constexpr Abort decode_abort(std::uint64_t syndrome) {
    constexpr std::uint64_t kStatus = 0x3f, kWrite = 1 << 6, kDuringWalk = 1 << 7;
    const std::uint64_t status = syndrome & kStatus;
    const auto kind = status < 0x10 ? static_cast<Abort::Kind>(status >> 2) : Abort::Kind::Other;
    const bool data = exit_class(syndrome) == ExitClass::DataAbort;
    return {kind, data && (syndrome & kWrite) != 0, (syndrome & kDuringWalk) != 0};
}

} // namespace ashlar::arch::el2
