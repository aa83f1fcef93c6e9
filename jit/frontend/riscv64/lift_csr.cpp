// CSR instructions. Those that a kernel executes at every turn become plain accesses to the hart's state: the
// supervisor's and the machine's registers for traps, and sstatus as long as only its harmless bits change.
// The rest is left to a helper. Specification: Privileged Architecture, 2.1, 3.1 and 4.1.
#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/lift.h"
#include "jit/frontend/riscv64/privileged.h"

namespace ashlar::jit::riscv64 {

namespace {

using enum ir::Opcode;

#define ASHLAR_CONTROL_SLOT(field) (offsetof(HartState, control.field) / sizeof(std::uint64_t))
constexpr unsigned kPrivilegeSlot = ASHLAR_CONTROL_SLOT(privilege),
                   kStatusSlot = ASHLAR_CONTROL_SLOT(mstatus),
                   kWatchedSlot = ASHLAR_CONTROL_SLOT(watched_status);

// A register without effects beyond its value.
struct PlainRegister {
    Csr csr;
    Privilege lowest;
    unsigned slot;
    std::uint64_t writable;
};
constexpr std::uint64_t kAllBits = ~std::uint64_t{0}, kEvenAddress = ~std::uint64_t{1};
constexpr PlainRegister kPlainRegisters[] = {
    {Csr::Sscratch, Privilege::Supervisor, ASHLAR_CONTROL_SLOT(sscratch), kAllBits},
    {Csr::Sepc, Privilege::Supervisor, ASHLAR_CONTROL_SLOT(sepc), kEvenAddress},
    {Csr::Scause, Privilege::Supervisor, ASHLAR_CONTROL_SLOT(scause), kAllBits},
    {Csr::Stval, Privilege::Supervisor, ASHLAR_CONTROL_SLOT(stval), kAllBits},
    {Csr::Mscratch, Privilege::Machine, ASHLAR_CONTROL_SLOT(mscratch), kAllBits},
    {Csr::Mepc, Privilege::Machine, ASHLAR_CONTROL_SLOT(mepc), kEvenAddress},
    {Csr::Mcause, Privilege::Machine, ASHLAR_CONTROL_SLOT(mcause), kAllBits},
    {Csr::Mtval, Privilege::Machine, ASHLAR_CONTROL_SLOT(mtval), kAllBits},
};
#undef ASHLAR_CONTROL_SLOT

struct Access {
    CsrOperation operation;
    bool immediate, writes;
};

Access access_of(const Instruction& i) {
    const std::uint32_t funct3 = i.bits >> 12 & 7; // 1, 2, 3 and, with an immediate, 5, 6, 7
    const auto operation = static_cast<CsrOperation>((funct3 & 3) - 1);
    return {operation, funct3 >= 4, operation == CsrOperation::Write || (i.bits >> 15 & 31) != 0};
}

std::int64_t immediate_of(const Instruction& i) {
    return i.bits >> 15 & 31;
}

ir::Value operand(Lifter& lift, const Instruction& i, const Access& access) {
    return access.immediate ? lift.build.constant(immediate_of(i)) : lift.x(i.rs1);
}

ir::Value masked(Lifter& lift, ir::Value value, std::uint64_t mask) {
    if (mask == kAllBits)
        return value;
    return lift.build.binary(And, value, lift.build.constant(static_cast<std::int64_t>(mask)));
}

Lifted lift_plain(Lifter& lift, const Instruction& i, const Access& access, const PlainRegister& csr) {
    lift.require_privilege(i, csr.lowest);
    const bool reads = i.rd != 0 || access.operation != CsrOperation::Write;
    const ir::Value old = reads ? lift.build.get(csr.slot) : ir::kNoValue;
    if (access.writes) {
        ir::Value value = operand(lift, i, access);
        if (access.operation != CsrOperation::Write)
            value = lift.build.binary(access.operation == CsrOperation::Set ? Or : AndNot, old, value);
        lift.build.set(csr.slot, masked(lift, value, csr.writable));
    }
    if (reads)
        lift.set_x(i.rd, old);
    return Lifted::Continue;
}

// The write itself, and then a call if that has changed what the engine watches.
Lifted lift_status(Lifter& lift, const Instruction& i, const Access& access) {
    ir::Builder& build = lift.build;
    lift.require_privilege(i, Privilege::Supervisor);
    const ir::Value status = build.get(kStatusSlot);
    const ir::Value old = i.rd != 0 ? masked(lift, status, mstatus::kSupervisorVisible) : ir::kNoValue;
    ir::Value watched = ir::kNoValue;
    if (access.writes) {
        const ir::Value value = masked(lift, operand(lift, i, access), mstatus::kSupervisorWritable);
        ir::Value changed = ir::kNoValue, next = ir::kNoValue;
        switch (access.operation) {
        case CsrOperation::Write:
            changed = masked(lift, build.binary(Xor, status, value), mstatus::kSupervisorWritable);
            next = build.binary(Xor, status, changed);
            break;
        case CsrOperation::Set:
            changed = build.binary(AndNot, value, status);
            next = build.binary(Or, status, value);
            break;
        case CsrOperation::Clear:
            changed = build.binary(And, status, value);
            next = build.binary(AndNot, status, value);
            break;
        }
        // An immediate has none of the bits that are always watched, and clearing SIE needs nobody.
        if (!access.immediate || access.operation != CsrOperation::Clear)
            watched = build.binary(And, changed, build.get(kWatchedSlot));
        build.set(kStatusSlot, next);
    }
    if (old != ir::kNoValue)
        lift.set_x(i.rd, old);
    if (watched != ir::kNoValue) {
        build.call_if(watched, static_cast<std::uint8_t>(Helper::StatusChanged), i.bits);
        lift.forget_float_state();
    }
    return Lifted::Continue;
}

bool is_float(Csr csr) {
    return csr == Csr::Fflags || csr == Csr::Frm || csr == Csr::Fcsr;
}

} // namespace

void Lifter::require_privilege(const Instruction& i, Privilege lowest) {
    if (privilege_ >= lowest)
        return;
    privilege_ = lowest;
    constexpr auto kHelper = static_cast<std::uint8_t>(Helper::Csr);
    const ir::Value privilege = build.get(kPrivilegeSlot);
    if (lowest == Privilege::Supervisor)
        return build.call_unless(privilege, kHelper, i.bits);
    const ir::Value wanted = build.constant(static_cast<std::int64_t>(lowest));
    build.call_if(build.binary(Xor, privilege, wanted), kHelper, i.bits);
}

Lifted lift_csr(Lifter& lift, const Instruction& i) {
    if (i.opcode < Opcode::Csrrw || i.opcode > Opcode::Csrrci)
        return Lifted::NotMine;
    const auto number = static_cast<Csr>(i.bits >> 20);
    const Access access = access_of(i);
    if (number == Csr::Sstatus)
        return lift_status(lift, i, access);
    for (const PlainRegister& csr : kPlainRegisters)
        if (csr.csr == number)
            return lift_plain(lift, i, access, csr);
    lift.build.call(static_cast<std::uint8_t>(is_float(number) ? Helper::FloatCsr : Helper::Csr), i.bits);
    lift.forget_float_state();
    return Lifted::Continue;
}

} // namespace ashlar::jit::riscv64
