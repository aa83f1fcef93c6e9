// A region's IR, as docs/ir.md says.
#include "hosttests/optimizer/model.h"
#include "jit/ir/evaluate.h"

namespace ashlar::jit::optimizer::test {

using ir::Opcode;

std::uint64_t float_result(Opcode opcode, unsigned attribute, ir::Precision precision, unsigned rounding,
                           std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    std::uint64_t hash = static_cast<std::uint64_t>(opcode) << 24 ^ attribute << 16 ^
                         static_cast<unsigned>(precision) << 8 ^ rounding;
    for (const std::uint64_t value : {a, b, c})
        hash = (hash ^ value) * 0x9e3779b97f4a7c15 + (hash >> 29);
    // As comparisons and classes are.
    return opcode == Opcode::FloatCompare || opcode == Opcode::FloatClassify ? hash >> 63 : hash;
}

std::uint64_t extend(std::uint64_t raw, unsigned width, unsigned attribute) {
    switch (static_cast<ir::Extension>(attribute)) {
    case ir::Extension::Box: return raw | 0xffffffff00000000;
    case ir::Extension::Sign:
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(raw << (64 - 8 * width)) >>
                                          (64 - 8 * width));
    default: return raw;
    }
}

bool holds(ir::Condition condition, std::uint64_t a, std::uint64_t b) {
    const auto as = static_cast<std::int64_t>(a), bs = static_cast<std::int64_t>(b);
    switch (condition) {
    case ir::Condition::Equal: return a == b;
    case ir::Condition::NotEqual: return a != b;
    case ir::Condition::Less: return as < bs;
    case ir::Condition::GreaterEqual: return as >= bs;
    case ir::Condition::LessUnsigned: return a < b;
    default: return a >= b;
    }
}

namespace {

class PlainMachine {
public:
    PlainMachine(const RegionSource& source, State& state) : source_(source), state_(state) {}

    std::string run(unsigned instructions) {
        const std::uint64_t base = state_.pc;
        std::int16_t index = 0;
        unsigned left = instructions;
        for (;;) {
            if (left == 0)
                return error_;
            if (index == SourceBlock::kOutside)
                return "the region was left earlier than its graph";
            const SourceBlock& block = source_.blocks[static_cast<std::size_t>(index)];
            base_ = base + static_cast<std::uint64_t>(std::int64_t{block.pc});
            values_.assign(block.count, 0);
            for (std::uint32_t i = 0; i < block.count; ++i) {
                const ir::Instruction& instruction = source_.instructions[block.first + i];
                if (instruction.guest_index >= left) {
                    state_.pc = base_ + instruction.pc_offset;
                    return error_;
                }
                values_[i] = execute(instruction);
            }
            left -= block.guest_instructions;
            const ir::Instruction& last = source_.instructions[block.first + block.count - 1];
            bool taken = true;
            if (last.opcode == Opcode::Branch) {
                taken = holds(static_cast<ir::Condition>(last.attribute), a(last), b(last));
                state_.pc = base_ + static_cast<std::uint64_t>(taken ? last.immediate : last.displacement);
            } else if (last.opcode == Opcode::Jump) {
                state_.pc = base_ + static_cast<std::uint64_t>(last.immediate);
            } else {
                state_.pc = (a(last) + static_cast<std::uint64_t>(std::int64_t{last.displacement})) &
                            ~std::uint64_t{1};
            }
            index = taken ? block.taken : block.not_taken;
            for (std::size_t i = 0; i < block.way_count; ++i)
                if (const std::int16_t way = source_.ways[block.first_way + i].block;
                    way != SourceBlock::kOutside &&
                    state_.pc == base + static_cast<std::uint64_t>(pc_of(way)))
                    index = way;
            if (index != SourceBlock::kOutside &&
                state_.pc != base + static_cast<std::uint64_t>(pc_of(index)))
                index = SourceBlock::kOutside; // an unexpected return
        }
    }

private:
    std::int64_t pc_of(std::int16_t block) const {
        return source_.blocks[static_cast<std::size_t>(block)].pc;
    }
    std::uint64_t a(const ir::Instruction& i) const { return operand(i, 0); }
    std::uint64_t b(const ir::Instruction& i) const { return operand(i, 1); }
    std::uint64_t operand(const ir::Instruction& i, std::size_t n) const {
        return n < ir::info(i.opcode).operand_count() ? values_[ir::index(i.operands[n])] : 0;
    }

    std::uint64_t execute(const ir::Instruction& i) {
        if (ir::is_binary(i.opcode))
            return ir::evaluate(i.opcode, a(i), b(i));
        if (ir::is_unary(i.opcode))
            return ir::evaluate(i.opcode, a(i));
        switch (i.opcode) {
        case Opcode::Constant: return static_cast<std::uint64_t>(i.immediate);
        case Opcode::PcRelative: return base_ + static_cast<std::uint64_t>(i.immediate);
        case Opcode::Get: return slot(i);
        case Opcode::Set: slot(i) = a(i); return 0;
        case Opcode::CallIf:
        case Opcode::CallUnless:
            if ((a(i) != 0) == (i.opcode == Opcode::CallIf))
                error_ = "the graph went on behind a call";
            return 0;
        case Opcode::Load:
        case Opcode::Store:
        case Opcode::LoadReserved:
        case Opcode::StoreConditional:
        case Opcode::Atomic: return access(i);
        case Opcode::Fence:
        case Opcode::Guard:
        case Opcode::Jump:
        case Opcode::Branch:
        case Opcode::JumpIndirect: return 0;
        default:
            return float_result(i.opcode, i.attribute, i.precision, rounding(i), a(i), b(i), operand(i, 2));
        }
    }

    std::uint64_t& slot(const ir::Instruction& i) {
        const auto number = static_cast<std::size_t>(i.immediate);
        return number < kValueSlots ? state_.slots[number] : state_.words[number];
    }
    // Of what rounds.
    unsigned rounding(const ir::Instruction& i) const {
        return i.rounding == ir::kDynamicRounding && rounds(i.opcode)
                   ? static_cast<unsigned>(state_.words[ir::kRoundingSlot])
                   : i.rounding;
    }

    std::uint64_t access(const ir::Instruction& i) {
        const bool writes = i.opcode != Opcode::Load && i.opcode != Opcode::LoadReserved;
        const std::uint64_t address = a(i) + static_cast<std::uint64_t>(std::int64_t{i.displacement});
        const std::optional<std::uint64_t> addend = state_.memory.addend(address, i.width, writes);
        std::uint64_t result = 0;
        if (!addend ||
            !access_memory(state_, {i.opcode, i.width, i.attribute, address + *addend, b(i)}, result).empty())
            error_ = "the graph went on behind an access that cannot be";
        return result;
    }

    const RegionSource& source_;
    State& state_;
    std::uint64_t base_ = 0; // pc of the block
    std::string error_;
    std::vector<std::uint64_t> values_;
};

} // namespace

std::string run_plainly(const RegionSource& source, State& state, unsigned instructions) {
    return PlainMachine(source, state).run(instructions);
}

} // namespace ashlar::jit::optimizer::test
