#include "jit/region_former.h"

#include <algorithm>

#include "jit/optimizer/unroll.h"

namespace ashlar::jit {

using optimizer::Leave;
using optimizer::SourceBlock;

namespace {

// What runs more seldom than this part of the root is left out. Ways of an indirect jump are worth more, the
// ways out of the function that the region begins in less.
constexpr std::uint32_t kSeldom = 32, kSeldomWay = 128, kSeldomOutward = 2;
// Likely targets of calls and returns that are looked for. With more of them most lead elsewhere.
constexpr std::size_t kMaxCallees = 4;

bool is_access(const ir::Instruction& i) {
    return ir::info(i.opcode).is(ir::kMemory);
}

} // namespace

void RegionFormer::form(BlockFinder& finder, Block& root, std::uint64_t pc, unsigned limit) {
    limit_ = limit;
    source_->clear();
    pages_.clear();
    pending_.clear();
    guest_instructions_ = 0;
    blocks_ = 1; // the preheader
    root_pc_ = pc;
    follows_more_ = root.reforms != 0;
    root_weight_ = std::max<std::uint32_t>(1, finder.executions(root));
    Pending first;
    first.weight = root_weight_;
    add(finder, first);
    std::size_t inner = 0; // blocks that are reached without leaving the function
    while (!pending_.empty()) {
        // The likeliest first, until there is enough.
        const auto comes_later = [](const Pending& a, const Pending& b) {
            return a.outward != b.outward ? a.outward : a.weight < b.weight;
        };
        Pending* const next = std::max_element(pending_.begin(), pending_.end(), comes_later);
        const Pending chosen = *next;
        *next = pending_[pending_.size() - 1];
        pending_.resize(pending_.size() - 1);
        if (chosen.outward && inner == 0)
            inner = source_->blocks.size();
        resolve(chosen, add(finder, chosen));
    }
    if (inner != 0)
        drop_what_does_not_come_back(inner);
    for (SourceBlock& block : source_->blocks)
        if (leads_outside(block))
            block.profile = nullptr;
}

void RegionFormer::unroll() {
    optimizer::unroll_loops(*source_, optimizer::kMaxBlocks - blocks_);
}

// Whether it returns to where the region ends, and was expected to.
bool RegionFormer::leads_outside(const SourceBlock& block) const {
    for (std::size_t i = 0; i < block.way_count && block.taken_leave == Leave::Return; ++i)
        if (source_->ways[block.first_way + i].block == SourceBlock::kOutside)
            return true;
    return false;
}

// What comes after the function that a region begins in, or in a call that is not inlined, is of use if it
// leads back to what was there before, in a loop or by recursion. Else the region would only be left later.
void RegionFormer::drop_what_does_not_come_back(std::size_t inner) {
    const std::size_t count = source_->blocks.size();
    std::array<bool, optimizer::kMaxBlocks> kept{};
    for (std::size_t i = 0; i < inner; ++i)
        kept[i] = true;
    const auto reaches = [&](std::int16_t block) {
        return block != SourceBlock::kOutside && kept[static_cast<std::size_t>(block)];
    };
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = count; i-- > 0;) {
            const SourceBlock& block = source_->blocks[i];
            bool keep = reaches(block.taken) || reaches(block.not_taken);
            for (std::size_t w = 0; w < block.way_count; ++w)
                keep = keep || reaches(source_->ways[block.first_way + w].block);
            changed = changed || (keep && !kept[i]);
            kept[i] = kept[i] || keep;
        }
    }
    std::array<std::int16_t, optimizer::kMaxBlocks> numbers{};
    std::int16_t next = 0;
    guest_instructions_ = 0;
    pages_.clear();
    for (std::size_t i = 0; i < count; ++i) {
        numbers[i] = kept[i] ? next++ : SourceBlock::kOutside;
        if (numbers[i] == SourceBlock::kOutside)
            continue;
        const auto number = static_cast<std::size_t>(numbers[i]);
        guest_instructions_ += source_->blocks[i].guest_instructions;
        claim_page(source_->blocks[i].pc, physical_[i]);
        source_->blocks[number] = source_->blocks[i];
    }
    source_->blocks.resize(static_cast<std::size_t>(next));
    const auto renumber = [&](std::int16_t& block) {
        if (block != SourceBlock::kOutside)
            block = numbers[static_cast<std::size_t>(block)];
    };
    for (SourceBlock& block : source_->blocks) {
        renumber(block.taken);
        renumber(block.not_taken);
    }
    for (optimizer::Way& way : source_->ways)
        renumber(way.block);
}

void RegionFormer::resolve(const Pending& pending, std::int16_t target) {
    SourceBlock& from = source_->blocks[pending.from];
    switch (pending.exit) {
    case Pending::Exit::Taken:
        from.taken = target;
        from.taken_leave = leave_;
        return;
    case Pending::Exit::NotTaken:
        from.not_taken = target;
        from.not_taken_leave = leave_;
        return;
    case Pending::Exit::Way: source_->ways[pending.way].block = target;
    }
}

std::uint32_t RegionFormer::bases(bool of_stores) const {
    std::uint32_t found = 0;
    for (const SourceBlock& block : source_->blocks) {
        const auto instruction = [&](ir::Value of) -> const ir::Instruction& {
            return source_->instructions[block.first + ir::index(of)];
        };
        const auto note = [&](const ir::Instruction& i) {
            if (i.opcode == ir::Opcode::Get && i.immediate < ir::kFloatSlot)
                found |= 1u << i.immediate;
        };
        for (std::uint32_t n = 0; n < block.count; ++n) {
            const ir::Instruction& access = source_->instructions[block.first + n];
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

std::int16_t RegionFormer::add(BlockFinder& finder, const Pending& pending) {
    const Place& place = pending.place;
    for (std::size_t i = 0; i < source_->blocks.size(); ++i)
        if (places_[i] == place) {
            leave_ = Leave::Large;
            if (entries_[i] == optimizer::kMaxPredecessors)
                return SourceBlock::kOutside;
            ++entries_[i];
            return static_cast<std::int16_t>(i);
        }
    Block* const block = finder.find_block(root_pc_ + static_cast<std::uint64_t>(place.pc));
    leave_ = Leave::Absent;
    if (block == nullptr || block->key.single || block->key.straddles())
        return SourceBlock::kOutside;
    const std::uint32_t weight = std::min(pending.weight, finder.executions(*block));
    leave_ = weight == 0 ? Leave::Absent : Leave::Seldom;
    if (weight * (pending.exit == Pending::Exit::Way ? kSeldomWay : kSeldom) < root_weight_)
        return SourceBlock::kOutside;
    leave_ = Leave::Large;
    if (!source_->blocks.empty() && guest_instructions_ + block->guest_instructions > limit_)
        return SourceBlock::kOutside;
    const ir::Block& code = finder.lift_block(*block);
    if (blocks_ == optimizer::kMaxBlocks ||
        source_->instructions.size() + code.size() > optimizer::RegionSource::kMaxInstructions ||
        !claim_page(place.pc, block->key.address))
        return SourceBlock::kOutside;
    ++blocks_;
    SourceBlock added;
    added.pc = static_cast<std::int32_t>(place.pc);
    added.first = static_cast<std::uint32_t>(source_->instructions.size());
    added.count = static_cast<std::uint32_t>(code.size());
    added.guest_instructions = static_cast<std::uint16_t>(code.guest_instructions());
    added.weight = weight;
    for (const ir::Instruction& instruction : code.instructions()) {
        if (is_access(instruction))
            source_->sites[source_->instructions.size()] =
                finder.site(root_pc_ + static_cast<std::uint64_t>(place.pc + instruction.pc_offset));
        source_->instructions.push(instruction);
    }
    guest_instructions_ += code.guest_instructions();
    const std::size_t index = source_->blocks.size();
    places_[index] = place;
    physical_[index] = block->key.address;
    entries_[index] = 1;
    source_->blocks.push(added);
    expand(index, finder, *block);
    return static_cast<std::int16_t>(index);
}

void RegionFormer::expand(std::size_t index, BlockFinder& finder, Block& of) {
    const SourceBlock& block = source_->blocks[index];
    const ir::Instruction& last = source_->instructions[block.first + block.count - 1];
    Pending next;
    next.from = index;
    next.place = places_[index];
    next.weight = block.weight;
    const std::int64_t pc = next.place.pc;
    switch (last.opcode) {
    case ir::Opcode::Jump:
        next.place.pc = pc + last.immediate;
        if (last.attribute == static_cast<std::uint8_t>(ir::JumpHint::Call))
            next.enter(next.place.pc, pc + last.pc_offset + last.guest_length);
        if (next.outward && !follows_more_) {
            source_->blocks[index].taken_leave = Leave::Deep;
            return;
        }
        return consider(next);
    case ir::Opcode::Branch:
        next.place.pc = pc + last.immediate;
        consider(next);
        next.exit = Pending::Exit::NotTaken;
        next.place.pc = pc + last.displacement;
        return consider(next);
    case ir::Opcode::JumpIndirect:
        if (last.attribute != static_cast<std::uint8_t>(ir::JumpHint::Return) || next.place.depth == 0)
            return expand_indirect(index, last, finder.jump_profile(of));
        next.place.pc = next.place.returns[--next.place.depth];
        next.place.returns[next.place.depth] = next.place.callees[next.place.depth] = 0;
        return consider(next);
    default: return;
    }
}

// Calls are inlined, but for those that are nested too deep, and recursion: what they call is not in a chain.
void RegionFormer::Pending::enter(std::int64_t callee, std::int64_t return_pc) {
    const auto end = place.callees.begin() + place.depth;
    outward = place.depth == kMaxDepth || std::find(place.callees.begin(), end, callee) != end;
    if (outward) {
        place = {};
    } else {
        place.returns[place.depth] = return_pc;
        place.callees[place.depth++] = callee;
    }
    place.pc = callee;
}

void RegionFormer::expand_indirect(std::size_t index, const ir::Instruction& jump, JumpProfile* profile) {
    SourceBlock& block = source_->blocks[index];
    const auto hint = static_cast<ir::JumpHint>(jump.attribute);
    block.taken_leave = hint == ir::JumpHint::Return ? Leave::Return : Leave::Indirect;
    block.profile = profile;
    if (profile->target_count == 0 || !follows_more_)
        return;
    block.profile = nullptr;
    const std::span<const JumpTarget> targets(profile->targets.data(), profile->target_count);
    std::uint64_t all = 0, most = 0;
    std::size_t count = std::min(targets.size(), optimizer::RegionSource::kMaxWays);
    if (hint != ir::JumpHint::None)
        count = std::min(count, kMaxCallees);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        all += targets[i].weight;
        most += i < count ? targets[i].weight : 0;
    }
    // Where most lead elsewhere, or there is no room, nobody needs to know what was not expected.
    const std::size_t blocks = optimizer::RegionSource::blocks_of_dispatch(count);
    if (most * 2 < all || blocks_ + blocks >= optimizer::kMaxBlocks)
        return;
    blocks_ += blocks;
    if (count == targets.size())
        block.profile = profile;
    block.first_way = static_cast<std::uint16_t>(source_->ways.size());
    const std::uint64_t here = root_pc_ + static_cast<std::uint64_t>(std::int64_t{block.pc});
    for (const JumpTarget& target : targets.first(count)) {
        Pending next;
        next.from = index;
        next.exit = Pending::Exit::Way;
        next.way = static_cast<std::uint16_t>(source_->ways.size());
        next.place = places_[index];
        next.outward = hint == ir::JumpHint::Return;
        const auto distance = static_cast<std::int32_t>(target.low - static_cast<std::uint32_t>(here));
        const std::int64_t pc = std::int64_t{block.pc} + distance;
        if (hint == ir::JumpHint::Call)
            next.enter(pc, block.pc + jump.pc_offset + jump.guest_length);
        next.place.pc = pc;
        next.weight =
            static_cast<std::uint32_t>(std::max<std::uint64_t>(1, block.weight * target.weight / all));
        if (!source_->ways.push({SourceBlock::kOutside, target.weight}))
            return;
        ++block.way_count;
        consider(next);
    }
}

void RegionFormer::consider(Pending pending) {
    constexpr std::int64_t kReach = std::int64_t{1} << 28;
    const bool likely = !pending.outward || pending.weight * kSeldomOutward >= root_weight_;
    if (likely && pending.place.pc >= -kReach && pending.place.pc <= kReach)
        pending_.push(pending);
}

} // namespace ashlar::jit
