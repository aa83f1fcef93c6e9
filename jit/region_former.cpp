#include "jit/region_former.h"

#include <algorithm>

namespace ashlar::jit {

using optimizer::Leave;
using optimizer::SourceBlock;

namespace {

// What runs more seldom than this part of the root is left out.
constexpr std::uint32_t kSeldom = 32;

bool is_access(const ir::Instruction& i) {
    return ir::info(i.opcode).is(ir::kMemory);
}

} // namespace

void RegionFormer::form(BlockFinder& finder, Block& root, std::uint64_t pc, unsigned limit) {
    limit_ = limit;
    source_.clear();
    pages_.clear();
    pending_.clear();
    guest_instructions_ = 0;
    root_pc_ = pc;
    root_weight_ = std::max<std::uint32_t>(1, finder.executions(root));
    add(finder, Place{}, root_weight_);
    while (!pending_.empty()) {
        // The likeliest first, until there is enough.
        Pending* const next =
            std::max_element(pending_.begin(), pending_.end(),
                             [](const Pending& a, const Pending& b) { return a.weight < b.weight; });
        const Pending chosen = *next;
        *next = pending_[pending_.size() - 1];
        pending_.resize(pending_.size() - 1);
        const std::int16_t index = add(finder, chosen.place, chosen.weight);
        SourceBlock& from = source_.blocks[chosen.from];
        (chosen.taken ? from.taken : from.not_taken) = index;
        if (index == SourceBlock::kOutside)
            (chosen.taken ? from.taken_leave : from.not_taken_leave) = leave_;
    }
}

std::uint32_t RegionFormer::bases(bool of_stores) const {
    std::uint32_t found = 0;
    for (const SourceBlock& block : source_.blocks) {
        const auto instruction = [&](ir::Value of) -> const ir::Instruction& {
            return source_.instructions[block.first + ir::index(of)];
        };
        const auto note = [&](const ir::Instruction& i) {
            if (i.opcode == ir::Opcode::Get && i.immediate < ir::kFloatSlot)
                found |= 1u << i.immediate;
        };
        for (std::uint32_t n = 0; n < block.count; ++n) {
            const ir::Instruction& access = source_.instructions[block.first + n];
            if (!is_access(access) || (of_stores && access.opcode != ir::Opcode::Store))
                continue;
            const ir::Instruction& address = instruction(access.operands[0]);
            note(address);
            if (address.opcode == ir::Opcode::Add)
                note(instruction(address.operands[0]));
        }
    }
    return found;
}

bool RegionFormer::claim_page(std::int64_t pc, GuestPhysicalAddress physical) {
    const std::uint64_t address = root_pc_ + static_cast<std::uint64_t>(pc);
    const auto offset = static_cast<std::int64_t>((address >> kPageShift) - (root_pc_ >> kPageShift))
                        << kPageShift;
    for (const RegionPage& page : pages_)
        if (page.offset == offset)
            return true;
    return pages_.size() < kMaxPages && pages_.push({offset, physical.align_down(kPageSize)});
}

std::int16_t RegionFormer::add(BlockFinder& finder, const Place& place, std::uint32_t weight) {
    for (std::size_t i = 0; i < source_.blocks.size(); ++i)
        if (places_[i] == place)
            return static_cast<std::int16_t>(i);
    Block* const block = finder.find_block(root_pc_ + static_cast<std::uint64_t>(place.pc));
    leave_ = Leave::Absent;
    if (block == nullptr || block->key.single || block->key.straddles())
        return SourceBlock::kOutside;
    weight = std::min(weight, finder.executions(*block));
    leave_ = weight == 0 ? Leave::Absent : Leave::Seldom;
    if (weight * kSeldom < root_weight_)
        return SourceBlock::kOutside;
    leave_ = Leave::Large;
    if (!source_.blocks.empty() && guest_instructions_ + block->guest_instructions > limit_)
        return SourceBlock::kOutside;
    const ir::Block& code = finder.lift_block(*block);
    if (source_.blocks.size() + 1 >= optimizer::kMaxBlocks ||
        source_.instructions.size() + code.size() > optimizer::RegionSource::kMaxInstructions ||
        !claim_page(place.pc, block->key.address))
        return SourceBlock::kOutside;
    SourceBlock added;
    added.pc = static_cast<std::int32_t>(place.pc);
    added.first = static_cast<std::uint32_t>(source_.instructions.size());
    added.count = static_cast<std::uint32_t>(code.size());
    added.guest_instructions = static_cast<std::uint16_t>(code.guest_instructions());
    added.weight = weight;
    for (const ir::Instruction& instruction : code.instructions()) {
        if (is_access(instruction))
            source_.sites[source_.instructions.size()] =
                finder.site(root_pc_ + static_cast<std::uint64_t>(place.pc + instruction.pc_offset));
        source_.instructions.push(instruction);
    }
    guest_instructions_ += code.guest_instructions();
    const std::size_t index = source_.blocks.size();
    places_[index] = place;
    source_.blocks.push(added);
    expand(index);
    return static_cast<std::int16_t>(index);
}

void RegionFormer::expand(std::size_t index) {
    const SourceBlock& block = source_.blocks[index];
    const ir::Instruction& last = source_.instructions[block.first + block.count - 1];
    Place place = places_[index];
    const std::int64_t pc = place.pc;
    switch (last.opcode) {
    case ir::Opcode::Jump:
        place.pc = pc + last.immediate;
        if (last.attribute == static_cast<std::uint8_t>(ir::JumpHint::Call)) {
            const auto end = place.callees.begin() + place.depth;
            if (place.depth == kMaxDepth || std::find(place.callees.begin(), end, place.pc) != end) {
                source_.blocks[index].taken_leave = Leave::Deep;
                return;
            }
            place.returns[place.depth] = pc + last.pc_offset + last.guest_length;
            place.callees[place.depth++] = place.pc;
        }
        return consider(index, true, place);
    case ir::Opcode::Branch:
        place.pc = pc + last.immediate;
        consider(index, true, place);
        place.pc = pc + last.displacement;
        return consider(index, false, place);
    case ir::Opcode::JumpIndirect:
        if (last.attribute != static_cast<std::uint8_t>(ir::JumpHint::Return)) {
            source_.blocks[index].taken_leave = Leave::Indirect;
            return;
        }
        if (place.depth == 0) {
            source_.blocks[index].taken_leave = Leave::Return;
            return;
        }
        place.pc = place.returns[--place.depth];
        place.returns[place.depth] = place.callees[place.depth] = 0;
        return consider(index, true, place);
    default: return;
    }
}

void RegionFormer::consider(std::size_t from, bool taken, const Place& place) {
    constexpr std::int64_t kReach = std::int64_t{1} << 28;
    if (place.pc < -kReach || place.pc > kReach)
        return;
    pending_.push({from, taken, place, source_.blocks[from].weight});
}

} // namespace ashlar::jit
