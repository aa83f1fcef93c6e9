#include "jit/interpreter/lower.h"

#include <cstring>

#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"

namespace ashlar::jit::interpreter {

namespace {

using ir::Opcode;

Site site_of(const ir::Instruction& i) {
    return {static_cast<std::uint8_t>(i.pc_offset / 2),
            static_cast<std::uint8_t>(i.guest_index | (i.guest_length == 4 ? Site::kFourBytes : 0))};
}

bool fits(std::int64_t value) {
    return value == static_cast<std::int32_t>(value);
}

// Until they are linked, both ways lead to ops behind the links that leave.
void put_links(Op* at) {
    ::new (at) Links{at + 1, at + 2};
}

} // namespace

void copy_code(std::span<const Op> code, std::span<Op> to) {
    std::memcpy(to.data(), code.data(), code.size_bytes());
    constexpr std::size_t kLinkOps = 3;
    if (code.size() > kLinkOps && code.back().handler == link_not_taken_handler())
        put_links(&to[to.size() - kLinkOps]);
}

Result<Lowering> Lowering::create(std::size_t capacity) {
    std::unique_ptr<Location[]> locations(new (std::nothrow) Location[capacity]);
    if (locations == nullptr)
        return Error::OutOfMemory;
    return Lowering(std::move(locations), capacity);
}

std::size_t Lowering::lower(const ir::Block& block, std::span<Op> code,
                            std::span<std::uint16_t> guest_offsets) {
    ASHLAR_ASSERT(block.size() <= capacity_ && code.size() >= max_ops(block.size()));
    block_ = &block;
    code_ = code;
    size_ = 0;
    free_count_ = 0;
    for (unsigned slot = kSlots - 1; slot >= kFirstFreeSlot; --slot)
        free_[free_count_++] = static_cast<std::uint8_t>(slot);
    slot_values_.fill(ir::kNoValue);
    count_uses();
    const auto instructions = block.instructions();
    for (position_ = 0; position_ < instructions.size(); ++position_) {
        const std::size_t first = size_;
        lower_instruction(instructions[position_], ir::Value{static_cast<std::uint16_t>(position_)});
        release_operands();
        for (std::size_t op = first; op < size_ && !guest_offsets.empty(); ++op)
            guest_offsets[op] = instructions[position_].pc_offset;
    }
    return size_;
}

void Lowering::count_uses() {
    for (std::size_t i = 0; i < block_->size(); ++i)
        locations_[i] = {};
    for (const ir::Instruction& instruction : block_->instructions())
        for (std::size_t n = 0; n < info(instruction.opcode).operand_count(); ++n)
            ++at(instruction.operands[n]).uses;
}

void Lowering::lower_instruction(const ir::Instruction& i, ir::Value value) {
    const ir::OperationInfo& operation = info(i.opcode);
    if (ir::is_binary(i.opcode))
        return lower_binary(i, value);
    if (ir::is_unary(i.opcode)) {
        const std::uint8_t a = use(i.operands[0]);
        const std::uint8_t d = destination(value);
        emit({unary_handler(i.opcode), d, a});
        return settle(value, d);
    }
    if (operation.is(ir::kMemory) || i.opcode == Opcode::Fence)
        return lower_memory(i, value);
    if (operation.is(ir::kTerminator))
        return lower_terminator(i);
    switch (i.opcode) {
    case Opcode::Constant: at(value).kind = Location::Kind::Constant; return;
    case Opcode::Get: return bind_to_slot(value, static_cast<std::uint8_t>(i.immediate));
    case Opcode::Set: return lower_set(i);
    case Opcode::PcRelative: {
        ASHLAR_ASSERT(fits(i.immediate));
        const std::uint8_t d = destination(value);
        emit({pc_relative_handler(), d, 0, 0, 0, static_cast<std::int32_t>(i.immediate)});
        return settle(value, d);
    }
    case Opcode::Guard:
    case Opcode::Call: {
        vacate_all();
        const Site site = site_of(i);
        emit({i.opcode == Opcode::Guard ? guard_handler() : call_handler(), 0, i.attribute, site.half_offset,
              site.index_and_length, static_cast<std::int32_t>(i.immediate)});
        return;
    }
    case Opcode::CallIf:
    case Opcode::CallUnless: {
        const std::uint8_t condition = use(i.operands[0]); // before its slot is vacated
        vacate_all();
        const Site site = site_of(i);
        emit({i.opcode == Opcode::CallIf ? call_if_handler() : call_unless_handler(), condition, i.attribute,
              site.half_offset, site.index_and_length, static_cast<std::int32_t>(i.immediate)});
        return;
    }
    default: break;
    }
    // Floating point.
    std::uint8_t operands[3] = {};
    for (std::size_t n = 0; n < operation.operand_count(); ++n)
        operands[n] = use(i.operands[n]);
    const std::uint8_t d = destination(value);
    emit({float_handler(i), d, operands[0], operands[1], operands[2], pack(site_of(i)) | i.rounding << 16});
    settle(value, d);
}

void Lowering::lower_binary(const ir::Instruction& i, ir::Value value) {
    ir::Value left = i.operands[0], right = i.operands[1];
    std::int32_t immediate = 0;
    if (ir::commutes(i.opcode) && fits_immediate(left, immediate))
        std::swap(left, right);
    if (fits_immediate(right, immediate)) {
        const std::uint8_t a = use(left);
        consume(right);
        const std::uint8_t d = destination(value);
        emit({binary_immediate_handler(i.opcode), d, a, 0, 0, immediate});
        return settle(value, d);
    }
    const std::uint8_t a = use(left), b = use(right);
    const std::uint8_t d = destination(value);
    emit({binary_handler(i.opcode), d, a, b});
    settle(value, d);
}

void Lowering::lower_set(const ir::Instruction& i) {
    const ir::Value value = i.operands[0];
    const auto slot = static_cast<std::uint8_t>(i.immediate);
    Location& location = at(value);
    if (location.kind == Location::Kind::Constant) {
        consume(value);
        vacate(slot);
        return emit_constant(slot, (*block_)[value].immediate);
    }
    if (location.slot == slot)
        return consume(value);
    const std::uint8_t from = use(value);
    vacate(slot);
    emit({copy_handler(), slot, from});
}

void Lowering::lower_memory(const ir::Instruction& i, ir::Value value) {
    const Site site = site_of(i);
    if (i.opcode == Opcode::Fence)
        return emit({fence_handler()});
    const std::uint8_t address = use(i.operands[0]);
    if (i.opcode == Opcode::Store) {
        const std::uint8_t data = use(i.operands[1]);
        return emit(
            {store_handler(i.width), data, address, site.half_offset, site.index_and_length, i.displacement});
    }
    if (i.opcode == Opcode::Load) {
        const std::uint8_t d = destination(value);
        emit({load_handler(i.width, static_cast<ir::Extension>(i.attribute)), d, address, site.half_offset,
              site.index_and_length, i.displacement});
        return settle(value, d);
    }
    const std::uint8_t data = i.opcode == Opcode::LoadReserved ? std::uint8_t{0} : use(i.operands[1]);
    const std::uint8_t d = destination(value);
    Handler handler = load_reserved_handler(i.width);
    if (i.opcode == Opcode::StoreConditional)
        handler = store_conditional_handler(i.width);
    else if (i.opcode == Opcode::Atomic)
        handler = atomic_handler(static_cast<ir::AtomicOperation>(i.attribute), i.width);
    emit({handler, d, address, data, 0, pack(site)});
    settle(value, d);
}

void Lowering::lower_terminator(const ir::Instruction& i) {
    const auto count = static_cast<std::uint8_t>(block_->guest_instructions());
    const Site site = site_of(i);
    const auto immediate = static_cast<std::int32_t>(i.immediate);
    ASHLAR_ASSERT(fits(i.immediate) || i.opcode == Opcode::CallExit);
    switch (i.opcode) {
    case Opcode::Jump: emit({jump_handler(), 0, 0, 0, count, immediate}); return emit_links(immediate, 0);
    case Opcode::Branch: {
        const std::uint8_t a = use(i.operands[0]), b = use(i.operands[1]);
        emit({branch_handler(static_cast<ir::Condition>(i.attribute)),
              static_cast<std::uint8_t>(i.displacement / 2), a, b, count, immediate});
        return emit_links(immediate, i.displacement);
    }
    case Opcode::JumpIndirect:
        return emit({jump_indirect_handler(), 0, use(i.operands[0]), 0, count, i.displacement});
    case Opcode::CallExit:
        return emit(
            {call_exit_handler(), 0, i.attribute, site.half_offset, site.index_and_length, immediate});
    case Opcode::Raise:
        return emit(
            {raise_handler(), 0, use(i.operands[0]), site.half_offset, site.index_and_length, immediate});
    default: ASHLAR_ASSERT(false);
    }
}

bool Lowering::fits_immediate(ir::Value value, std::int32_t& immediate) {
    if (at(value).kind != Location::Kind::Constant || !fits((*block_)[value].immediate))
        return false;
    immediate = static_cast<std::int32_t>((*block_)[value].immediate);
    return true;
}

std::uint8_t Lowering::use(ir::Value value) {
    Location& location = at(value);
    if (location.kind == Location::Kind::Constant) {
        const std::int64_t constant = (*block_)[value].immediate;
        consume(value);
        if (constant == 0)
            return kZeroSlot;
        const std::uint8_t slot = allocate();
        emit_constant(slot, constant);
        operand_slots_[operand_slot_count_++] = slot;
        return slot;
    }
    ASHLAR_ASSERT(location.kind == Location::Kind::Slot);
    const std::uint8_t slot = location.slot;
    consume(value);
    return slot;
}

void Lowering::consume(ir::Value value) {
    Location& location = at(value);
    ASHLAR_ASSERT(location.uses != 0);
    if (--location.uses == 0 && location.kind == Location::Kind::Slot && location.slot >= kFirstFreeSlot)
        operand_slots_[operand_slot_count_++] = location.slot;
}

std::uint8_t Lowering::destination(ir::Value value) {
    const auto instructions = block_->instructions();
    if (position_ + 1 < instructions.size()) {
        const ir::Instruction& next = instructions[position_ + 1];
        if (next.opcode == Opcode::Set && next.operands[0] == value) {
            const auto slot = static_cast<std::uint8_t>(next.immediate);
            vacate(slot);
            return slot;
        }
    }
    return at(value).uses == 0 ? std::uint8_t{kDiscardSlot} : allocate();
}

void Lowering::settle(ir::Value value, std::uint8_t slot) {
    if (slot < ir::kStateSlots)
        return bind_to_slot(value, slot);
    at(value).kind = Location::Kind::Slot;
    at(value).slot = slot;
}

void Lowering::bind_to_slot(ir::Value value, std::uint8_t slot) {
    Location& location = at(value);
    location.kind = Location::Kind::Slot;
    location.slot = slot;
    location.next_in_slot = slot_values_[slot];
    slot_values_[slot] = value;
}

void Lowering::vacate(std::uint8_t slot) {
    ir::Value value = slot_values_[slot];
    slot_values_[slot] = ir::kNoValue;
    std::uint8_t saved = 0;
    while (value != ir::kNoValue) {
        Location& location = at(value);
        if (location.uses != 0) {
            if (saved == 0) {
                saved = allocate();
                emit({copy_handler(), saved, slot});
            } else {
                ++holders_[saved];
            }
            location.slot = saved;
        }
        value = location.next_in_slot;
    }
}

void Lowering::vacate_all() {
    for (std::uint8_t slot = 0; slot < ir::kStateSlots; ++slot)
        if (slot_values_[slot] != ir::kNoValue)
            vacate(slot);
}

std::uint8_t Lowering::allocate() {
    ASHLAR_ASSERT(free_count_ != 0);
    const std::uint8_t slot = free_[--free_count_];
    holders_[slot] = 1;
    return slot;
}

void Lowering::release_operands() {
    while (operand_slot_count_ != 0) {
        const std::uint8_t slot = operand_slots_[--operand_slot_count_];
        if (--holders_[slot] == 0)
            free_[free_count_++] = slot;
    }
}

void Lowering::emit(const Op& op) {
    ASHLAR_ASSERT(size_ < code_.size());
    code_[size_++] = op;
}

void Lowering::emit_constant(std::uint8_t slot, std::int64_t value) {
    if (fits(value))
        return emit({load_immediate_handler(), slot, 0, 0, 0, static_cast<std::int32_t>(value)});
    emit({load_wide_handler(), slot});
    ASHLAR_ASSERT(size_ < code_.size());
    ::new (&code_[size_++]) WideConstant{static_cast<std::uint64_t>(value), 0};
}

void Lowering::emit_links(std::int32_t taken, std::int32_t not_taken) {
    ASHLAR_ASSERT(size_ + 3 <= code_.size());
    put_links(&code_[size_++]);
    emit({link_taken_handler(), 0, 0, 0, 0, taken});
    emit({link_not_taken_handler(), 0, 0, 0, 0, not_taken});
}

} // namespace ashlar::jit::interpreter
