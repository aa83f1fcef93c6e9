// What the VM did that it may not do alone.
#include "arch/aarch64/el2/cpu.h"
#include "arch/aarch64/el2/id_registers.h"
#include "arch/aarch64/el2/virtual_cpu.h"
#include "arch/aarch64/exception_frame.h"
#include "arch/aarch64/registers.h"

namespace ashlar::arch::el2 {
namespace {

using kernel::MemoryFault;
using kernel::VmExit;
using Reason = VmExit::Reason;

// The machine's, of those that a VM sees something of.
std::uint64_t machine_id_register(const SystemAccess& access) {
    switch (access.crm * 8 + access.op2) {
    case 4 * 8: return READ_REGISTER(id_aa64pfr0_el1);
    case 6 * 8: return READ_REGISTER(id_aa64isar0_el1);
    case 6 * 8 + 1: return READ_REGISTER(id_aa64isar1_el1);
    case 7 * 8: return READ_REGISTER(id_aa64mmfr0_el1);
    case 7 * 8 + 1: return READ_REGISTER(id_aa64mmfr1_el1);
    default: return 0;
    }
}

constexpr bool is_id_register(const SystemAccess& a) {
    return a.op0 == 3 && a.op1 == 0 && a.crn == 0 && a.crm >= 1 && a.crm <= 7;
}
// DC ISW, CSW, CISW. Other CPUs' caches and the system's are coherent with what these would reach.
constexpr bool is_set_way(const SystemAccess& a) {
    return a.op0 == 1 && a.op1 == 0 && a.crn == 7 && a.op2 == 2 && (a.crm == 6 || a.crm == 10 || a.crm == 14);
}
constexpr bool is_auxiliary_control(const SystemAccess& a) {
    return a.op0 == 3 && a.op1 == 0 && a.crn == 1 && a.crm == 0 && a.op2 == 1;
}

// The guest-physical address of an abort. HPFAR_EL2 has it but for permission faults on the access itself:
// there the VM's own translation is asked once more.
Result<GuestPhysicalAddress> fault_address(const Abort& abort, std::uint64_t virtual_address) {
    const std::uint64_t offset = virtual_address & (kPageSize - 1);
    if (abort.kind != Abort::Kind::Permission || abort.during_walk) {
        constexpr std::uint64_t kPage = 0xfff'ffff'fff0; // HPFAR_EL2.FIPA: bits 47 up, at bit 4
        return GuestPhysicalAddress((READ_REGISTER(hpfar_el2) & kPage) << 8 |
                                    (abort.during_walk ? 0 : offset));
    }
    const std::uint64_t vm_result = READ_REGISTER(par_el1);
    asm volatile("at s1e1r, %0\n\tisb" : : "r"(virtual_address) : "memory");
    const std::uint64_t result = READ_REGISTER(par_el1);
    WRITE_REGISTER(par_el1, vm_result);
    constexpr std::uint64_t kFailed = 1;
    if ((result & kFailed) != 0)
        return Error::NotFound; // the VM has changed its tables meanwhile
    return GuestPhysicalAddress((result & descriptor::kAddress) | offset);
}

} // namespace

VmExit El2Cpu::handle_exit(std::uint32_t kind) {
    VmExit exit;
    switch (static_cast<Kind>(kind)) {
    case Kind::Irq: exit.reason = Reason::Interrupt; break;
    case Kind::Synchronous: exit_synchronous(exit); break;
    case Kind::SError: exit.reason = Reason::Shutdown; break; // nothing of the VM can be trusted after it
    case Kind::Fiq: break;
    }
    return exit;
}

void El2Cpu::exit_synchronous(VmExit& exit) {
    syndrome_ = READ_REGISTER(esr_el2);
    fault_address_ = READ_REGISTER(far_el2);
    const ExitClass code = exit_class(syndrome_);
    exit.reason = reason_of(code);
    exit.hardware_code = syndrome_;
    switch (exit.reason) {
    case Reason::Halt: return skip();
    case Reason::Hypercall:
        if ((syndrome_ & 0xffff) != 0) { // another service than ours
            context_.pc -= 4;
            exit.reason = Reason::Emulated;
            return inject_undefined();
        }
        for (std::size_t i = 0; i < exit.hypercall.arguments.size(); ++i)
            exit.hypercall.arguments[i] = context_.x[1 + i];
        exit.hypercall.number = context_.x[0];
        exit.hypercall.privileged = true; // at EL0 it is undefined
        return;
    case Reason::MemoryFault: return exit_abort(exit);
    case Reason::SystemRegister: return exit_system_register(exit);
    case Reason::Emulated:
        if (code != ExitClass::SecureCall)
            return inject_undefined();
        context_.x[0] = ~std::uint64_t{0}; // SMCCC: not supported
        return skip();
    default: return;
    }
}

void El2Cpu::exit_system_register(VmExit& exit) {
    const SystemAccess access = system_access(syndrome_);
    std::uint64_t value = 0;
    if (is_id_register(access) && access.read) {
        exit.reason = Reason::Identification;
        value = filter_id_register(access.crm, access.op2, machine_id_register(access),
                                   features().physical_width);
    } else if (!is_set_way(access) && !is_auxiliary_control(access)) {
        return inject_undefined();
    }
    if (access.read && access.target != 31)
        context_.x[access.target] = value;
    skip();
}

void El2Cpu::exit_abort(VmExit& exit) {
    const Abort abort = decode_abort(syndrome_);
    if (abort.kind == Abort::Kind::Other) {
        exit.reason = Reason::Shutdown; // an error of memory itself
        return;
    }
    const Result<GuestPhysicalAddress> address = fault_address(abort, fault_address_);
    if (!address.ok()) {
        exit.reason = Reason::Emulated;
        return;
    }
    const bool fetch = exit_class(syndrome_) == ExitClass::InstructionAbort && !abort.during_walk;
    exit.memory.address = address.value();
    exit.memory.during_walk = abort.during_walk;
    exit.memory.access = fetch         ? MemoryFault::Access::Execute
                         : abort.write ? MemoryFault::Access::Write
                                       : MemoryFault::Access::Read;
    if (space_.note_use(exit.memory.address,
                        {.read = !fetch && !abort.write, .write = abort.write, .execute = fetch}))
        exit.reason = Reason::Emulated;
}

// As the CPU takes an exception to EL1 (Arm ARM, section D1.3.1), with a syndrome that says nothing.
void El2Cpu::inject_undefined() {
    constexpr std::uint64_t kModeMask = 0xf, kEl1Threads = 4, kEl1Handlers = 5,
                            kInstructionLength32 = 1 << 25;
    constexpr std::uint64_t kMaskAll = 0x3c0, kPrivilegedNever = 1 << 22;
    const std::uint64_t mode = context_.pstate & kModeMask;
    const std::uint64_t vector = mode == kEl1Handlers ? 0x200 : mode == kEl1Threads ? 0 : 0x400;
    WRITE_REGISTER(elr_el1, context_.pc);
    WRITE_REGISTER(spsr_el1, context_.pstate);
    WRITE_REGISTER(esr_el1, kInstructionLength32);
    context_.pc = READ_REGISTER(vbar_el1) + vector;
    context_.pstate = (context_.pstate & kPrivilegedNever) | kMaskAll | kEl1Handlers;
}

} // namespace ashlar::arch::el2
