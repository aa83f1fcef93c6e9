#include "jit/ir/printer.h"

#include "jit/ir/state_layout.h"

namespace ashlar::jit::ir {

namespace {

constexpr std::string_view kExtensions[] = {"zero", "sign", "box"};
constexpr std::string_view kConditions[] = {"eq", "ne", "lt", "ge", "ltu", "geu"};
constexpr std::string_view kAtomics[] = {"swap", "add", "xor", "and", "or", "min", "max", "minu", "maxu"};
constexpr std::string_view kOrderings[] = {"", ".acquire", ".release", ".acquire.release"};
constexpr std::string_view kRoundings[] = {"rne", "rtz", "rdn", "rup", "rmm", "?", "?", "dyn"};

template <std::size_t n>
constexpr std::string_view name(const std::string_view (&names)[n], std::size_t index) {
    return index < n ? names[index] : "?";
}

// What distinguishes instructions of one operation, as suffixes of its name.
void print_suffix(const Instruction& i, Sink& sink) {
    const OperationInfo& operation = info(i.opcode);
    if (operation.is(kMemory)) {
        if (i.opcode == Opcode::Atomic)
            format(sink, ".{}", name(kAtomics, i.attribute));
        format(sink, ".{}{}", i.width * 8, name(kOrderings, i.ordering));
        if (i.opcode == Opcode::Load)
            format(sink, ".{}", name(kExtensions, i.attribute));
    } else if (i.opcode == Opcode::Branch) {
        format(sink, ".{}", name(kConditions, i.attribute));
    } else if (i.opcode >= Opcode::FloatArithmetic && i.opcode <= Opcode::FloatFromBits) {
        format(sink, ".{}.{}.{}", i.precision == Precision::Single ? "s" : "d", i.attribute,
               name(kRoundings, i.rounding));
    }
}

void print_operands(const Instruction& i, Sink& sink) {
    const std::size_t count = info(i.opcode).operand_count();
    for (std::size_t n = 0; n < count; ++n)
        format(sink, "{}%{}", n == 0 ? " " : ", ", index(i.operands[n]));
}

} // namespace

void print_slot(std::int64_t slot, Sink& sink) {
    constexpr std::string_view kNames[] = {
        "pc", "fflags", "frm", "reserved", "reserved_address", "reserved_value", "retired"};
    if (slot < std::int64_t{kFloatSlot})
        format(sink, "x{}", slot - std::int64_t{kIntegerSlot});
    else if (slot < std::int64_t{kPcSlot})
        format(sink, "f{}", slot - std::int64_t{kFloatSlot});
    else if (slot < std::int64_t{kFrontendSlot})
        sink.write(name(kNames, static_cast<std::size_t>(slot - std::int64_t{kPcSlot})));
    else
        format(sink, "state{}", slot - std::int64_t{kFrontendSlot});
}

std::string_view name_of(Condition condition) {
    return name(kConditions, static_cast<std::size_t>(condition));
}

void print_name(const Instruction& i, Sink& sink) {
    sink.write(info(i.opcode).name);
    print_suffix(i, sink);
}

void print(const Instruction& i, Value value, Sink& sink) {
    if (info(i.opcode).has_result())
        format(sink, "%{} = ", index(value));
    print_name(i, sink);
    switch (i.opcode) {
    case Opcode::Constant: return format(sink, " {:#x}", static_cast<std::uint64_t>(i.immediate));
    case Opcode::PcRelative: return format(sink, " pc+{}", i.immediate);
    case Opcode::Get: sink.write(" "); return print_slot(i.immediate, sink);
    case Opcode::Set:
        sink.write(" ");
        print_slot(i.immediate, sink);
        return format(sink, ", %{}", index(i.operands[0]));
    case Opcode::Load: return format(sink, " [%{} + {}]", index(i.operands[0]), i.displacement);
    case Opcode::Store:
        return format(sink, " [%{} + {}], %{}", index(i.operands[0]), i.displacement, index(i.operands[1]));
    case Opcode::Jump: return format(sink, " pc+{}", i.immediate);
    case Opcode::Branch:
        print_operands(i, sink);
        return format(sink, ", pc+{}, pc+{}", i.immediate, i.displacement);
    case Opcode::JumpIndirect: return format(sink, " %{} + {}", index(i.operands[0]), i.displacement);
    case Opcode::Raise: return format(sink, " {}, %{}", i.immediate, index(i.operands[0]));
    case Opcode::CallIf:
    case Opcode::CallUnless:
        return format(sink, " %{}, #{}, {:#x}", index(i.operands[0]), i.attribute,
                      static_cast<std::uint64_t>(i.immediate));
    case Opcode::Guard:
    case Opcode::Call:
    case Opcode::CallExit:
        return format(sink, " #{}, {:#x}", i.attribute, static_cast<std::uint64_t>(i.immediate));
    case Opcode::Fence: return format(sink, " {:#x}", static_cast<std::uint64_t>(i.immediate));
    default: return print_operands(i, sink);
    }
}

void print(const Block& block, Sink& sink) {
    std::uint16_t number = 0;
    for (const Instruction& instruction : block.instructions()) {
        format(sink, "{:4}  ", instruction.pc_offset);
        print(instruction, Value{number++}, sink);
        sink.write("\n");
    }
}

} // namespace ashlar::jit::ir
