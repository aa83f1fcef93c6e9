#include "jit/ir/verifier.h"

#include "jit/ir/state_layout.h"

namespace ashlar::jit::ir {

namespace {

bool matches(char letter, Type type) {
    switch (letter) {
    case 'i': return type == Type::Integer;
    case 'f': return type == Type::Float;
    case 'x': return type != Type::None;
    default: return type == Type::None;
    }
}

std::string_view check_slot(const Instruction& i) {
    if (i.immediate < 0 || i.immediate >= std::int64_t{kStateSlots})
        return "no such slot";
    const bool is_float = i.immediate >= std::int64_t{kFloatSlot} && i.immediate < std::int64_t{kPcSlot};
    return (i.type == Type::Float) == is_float ? "" : "slot and type differ";
}

std::string_view check_memory(const Instruction& i) {
    if (i.width != 1 && i.width != 2 && i.width != 4 && i.width != 8)
        return "width is not 1, 2, 4 or 8";
    if (i.ordering > (kAcquire | kRelease))
        return "unknown ordering";
    if (i.opcode == Opcode::Atomic || i.opcode == Opcode::LoadReserved ||
        i.opcode == Opcode::StoreConditional) {
        if (i.width < 4)
            return "atomic access narrower than 4 bytes";
        return i.attribute > static_cast<std::uint8_t>(AtomicOperation::MaximumUnsigned) ? "unknown atomic"
                                                                                         : "";
    }
    if (i.attribute > static_cast<std::uint8_t>(Extension::Box))
        return "unknown extension";
    return i.attribute == static_cast<std::uint8_t>(Extension::Box) && i.width != 4
               ? "only 4 bytes can be boxed"
               : "";
}

// One past the last value of the fp.h enum that the operation takes as its attribute.
unsigned attributes_of(Opcode opcode) {
    switch (opcode) {
    case Opcode::FloatArithmetic: return 5;
    case Opcode::FloatFused:
    case Opcode::FloatToInteger:
    case Opcode::FloatFromInteger: return 4;
    case Opcode::FloatCompare:
    case Opcode::FloatSign: return 3;
    default: return 1;
    }
}

std::string_view check_float(const Instruction& i) {
    if (i.attribute >= attributes_of(i.opcode))
        return "unknown variant";
    return i.rounding <= 4 || i.rounding == kDynamicRounding ? "" : "reserved rounding mode";
}

std::string_view check_fields(const Instruction& i) {
    if (i.opcode == Opcode::Get || i.opcode == Opcode::Set)
        return check_slot(i);
    if (info(i.opcode).is(kMemory))
        return check_memory(i);
    if (i.opcode >= Opcode::FloatArithmetic && i.opcode <= Opcode::FloatFromBits)
        return check_float(i);
    if (i.opcode == Opcode::Branch &&
        i.attribute > static_cast<std::uint8_t>(Condition::GreaterEqualUnsigned))
        return "unknown condition";
    return "";
}

std::string_view check_operands(const Block& block, const Instruction& i, std::size_t position) {
    const OperationInfo& operation = info(i.opcode);
    for (std::size_t n = 0; n < operation.operand_count(); ++n) {
        const std::size_t operand = index(i.operands[n]);
        if (operand >= position || !info(block.instructions()[operand].opcode).has_result())
            return "operand is no earlier result";
        const Type type = block.instructions()[operand].type;
        if (!matches(operation.operand_letter(n), type))
            return "operand has the wrong type";
        if ((i.opcode == Opcode::Set || i.opcode == Opcode::Store) && operation.operand_letter(n) == 'x' &&
            type != i.type)
            return "operand and instruction differ in type";
    }
    if (operation.has_result() && !matches(operation.result_letter(), i.type))
        return "result has the wrong type";
    return "";
}

// A Set of an access's result elsewhere than right behind it.
bool sets_late(const Block& block, const Instruction& i, std::size_t position) {
    if (i.opcode != Opcode::Set)
        return false;
    const std::size_t source = index(i.operands[0]);
    return info(block.instructions()[source].opcode).is(kMemory) && source + 1 != position;
}

} // namespace

Verdict verify(const Block& block) {
    const auto instructions = block.instructions();
    if (instructions.empty())
        return {"block is empty", 0};
    unsigned offset = 0;
    for (std::size_t position = 0; position < instructions.size(); ++position) {
        const Instruction& i = instructions[position];
        std::string_view message = check_operands(block, i, position);
        if (message.empty())
            message = check_fields(i);
        if (message.empty() && (i.pc_offset < offset || i.pc_offset >= block.guest_bytes()))
            message = "guest offset goes back or beyond the block";
        if (message.empty() && info(i.opcode).is(kTerminator) != (position + 1 == instructions.size()))
            message = "terminator is not last, or the last is none";
        if (message.empty() && sets_late(block, i, position))
            message = "result of a memory access is set late";
        if (!message.empty())
            return {message, position};
        offset = i.pc_offset;
    }
    return {};
}

} // namespace ashlar::jit::ir
