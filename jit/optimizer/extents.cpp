// Checks against extents in place of probes: a compare with bounds that stay where they are, one for every
// value that is an address, and an addend that is the same for all of them.
#include <algorithm>

#include "jit/optimizer/addresses.h"
#include "jit/optimizer/bounds.h"
#include "jit/optimizer/cfg.h"
#include "jit/optimizer/growth.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

class ExtentInsertion {
public:
    ExtentInsertion(Graph& graph, const RegionSource& source) : graph_(graph), source_(source) {
        addends_.fill(kNoNode);
        starts_.fill(kNoNode);
    }

    void run() {
        addresses_.count_uses();
        find_values();
        for_each_access([&](NodeId id) {
            const Site site = site_of(id);
            if (site != kSitePaged && !graph_.overflowed())
                protect(id, slot_for(id, site));
        });
        // Now that all checks have their ranges.
        for (const NodeId id : distances_)
            graph_.at(id).displacement -= graph_.at(graph_.at(id).check).low;
    }

private:
    // A value that was checked: the bytes [low, high) from it are in the slot's extent.
    struct Check {
        NodeId value, within;
        NodeId start;   // the check of a growing value where its loop is entered
        NodeId pointer; // the value as a host address, if that was needed yet
    };
    // base + offset + (index << scale), where what is shifted is at most `bound`.
    struct Split {
        NodeId base = kNoNode, index = kNoNode;
        std::uint8_t scale = 0;
        std::int32_t offset = 0, bound = 0;
    };

    template <class Visit>
    void for_each_access(Visit visit) {
        for (const BlockId block : graph_.order)
            for (NodeId n = graph_.blocks[block].first; n != kNoNode; n = graph_.at(n).next)
                if (is_unprotected(graph_, n))
                    visit(n);
    }

    // What is known of one access holds for all through the same value. One that is stored through is checked
    // for that at once.
    void find_values() {
        sites_.fill(kSiteUnknown);
        for_each_access([&](NodeId id) {
            const Node& node = graph_.at(id);
            const NodeId address = graph_.resolve(node.operands[0]);
            stored_through_[address] = stored_through_[address] || writes_memory(node);
            if (node.site != kSiteUnknown && sites_[address] != kSitePaged)
                sites_[address] = node.site;
        });
    }

    Site site_of(NodeId id) {
        const Node& access = graph_.at(id);
        if (const Site known = sites_[graph_.resolve(access.operands[0])]; known != kSiteUnknown)
            return known;
        const RegionSource::Addresses& known = source_.addresses;
        const NodeId from = origin(access.operands[0], 4);
        Site site = known.usual;
        if (from != kNoNode && graph_.at(from).kind != Kind::Entry)
            site = known.code;
        else if (from != kNoNode &&
                 known.registers[static_cast<std::size_t>(graph_.at(from).immediate)] != kSiteUnknown)
            site = known.registers[static_cast<std::size_t>(graph_.at(from).immediate)];
        return site != kSiteUnknown ? site : Site{0};
    }

    // The entry value or place in the code that a pointer comes from, or kNoNode.
    NodeId origin(NodeId id, unsigned depth) {
        id = graph_.resolve(id);
        const Node& node = graph_.at(id);
        if (node.kind == Kind::Entry || graph_.is_operation(id, Opcode::PcRelative) || graph_.is_constant(id))
            return id;
        if (depth == 0)
            return kNoNode;
        if (node.kind == Kind::Phi) {
            const BasicBlock& block = graph_.blocks[node.block];
            for (unsigned p = 0; p < block.predecessor_count; ++p)
                if (graph_.blocks[block.predecessors[p]].order < block.order)
                    return origin(graph_.phis[node.phi].values[p], depth - 1);
        }
        return graph_.is_operation(id, Opcode::Add) ? origin(node.operands[0], depth - 1) : kNoNode;
    }

    std::uint8_t slot_for(NodeId id, Site site) const {
        const NodeId address = graph_.resolve(graph_.at(id).operands[0]);
        return static_cast<std::uint8_t>(site + (stored_through_[address] ? kFirstSlotToWrite : 0));
    }

    void protect(NodeId id, std::uint8_t slot) {
        Node& node = graph_.at(id);
        node.operands[0] = graph_.resolve(node.operands[0]);
        NodeId& by = node.operands[probe_operand(node)];
        std::int32_t low = node.displacement, high = low + node.width;
        if (const Split split = split_address(node.operands[0], node.block); split.base != kNoNode) {
            low += split.offset;
            high += split.offset + split.bound;
            Check* const check = find_or_create(split.base, low, high, slot, id);
            if (check == nullptr)
                return;
            node.displacement = low;
            by = pointer_of(*check, slot);
            node.operands[0] = split.index;
            node.scale = split.scale;
            node.fused = true;
            node.check = check->within;
            return;
        }
        const Check* const check = find_or_create(node.operands[0], low, high, slot, id);
        if (check == nullptr || (graph_.at(check->within).fused && !distances_.push(id)))
            return;
        node.check = check->within;
        by = addend(slot, graph_.at(check->within).fused);
        if (graph_.at(check->within).fused)
            node.operands[0] = check->within;
    }

    // Worth it only where the base is checked less often than the address would be.
    Split split_address(NodeId address, BlockId block) {
        const Node& node = graph_.at(address);
        Split split;
        const auto attempt = [&](NodeId base, NodeId index, unsigned scale) {
            index = graph_.resolve(index);
            base = graph_.resolve(base);
            const std::uint64_t bound = bound_of(graph_, index);
            if (bound > static_cast<std::uint64_t>(kFarRange / 2) >> scale || graph_.is_constant(index))
                return false;
            if (home_of_check(graph_, base, block) == block && !is_checked(base))
                return false;
            split = {base, index, static_cast<std::uint8_t>(scale), 0,
                     static_cast<std::int32_t>(bound << scale)};
            // Without a carry out of the bounds, the constant of a sum is as well added to the address.
            if (const Node& sum = graph_.at(index); graph_.is_operation(index, Opcode::Add) &&
                                                    graph_.is_constant(sum.operands[1]) &&
                                                    graph_.at(sum.operands[1]).immediate >= 0) {
                split.index = graph_.resolve(sum.operands[0]);
                split.offset = static_cast<std::int32_t>(graph_.at(sum.operands[1]).immediate << scale);
                split.bound -= split.offset;
            }
            return true;
        };
        const auto scaled = [&](NodeId base, NodeId index) {
            index = graph_.resolve(index);
            const Node& of = graph_.at(index);
            if (graph_.is_operation(index, Opcode::ShiftLeft) && graph_.is_constant(of.operands[1])) {
                const auto by = static_cast<unsigned>(graph_.at(of.operands[1]).immediate & 63);
                if (by >= 1 && by <= 3 && attempt(base, of.operands[0], by))
                    return true;
            }
            return attempt(base, index, 0);
        };
        if (node.kind != Kind::Operation)
            return split;
        switch (node.opcode) {
        case Opcode::Add:
            scaled(node.operands[0], node.operands[1]) || scaled(node.operands[1], node.operands[0]);
            break;
        case Opcode::ShiftAdd1: attempt(node.operands[1], node.operands[0], 1); break;
        case Opcode::ShiftAdd2: attempt(node.operands[1], node.operands[0], 2); break;
        case Opcode::ShiftAdd3: attempt(node.operands[1], node.operands[0], 3); break;
        default: break;
        }
        return split;
    }

    bool is_checked(NodeId value) const {
        for (const Check& check : checks_)
            if (check.value == value)
                return true;
        return false;
    }

    Check* find_or_create(NodeId value, std::int32_t low, std::int32_t high, std::uint8_t slot,
                          NodeId before) {
        const BlockId block = graph_.at(before).block;
        for (std::size_t i = checks_.size(); i-- > 0;) {
            Check& check = checks_[i];
            const Node& within = graph_.at(check.within);
            if (check.value == value && within.slot == slot && graph_.dominates(within.block, block) &&
                widen(check, low, high, block))
                return &check;
        }
        if (high - low > kFarRange)
            return nullptr;
        Node node;
        node.kind = Kind::Within;
        node.operands[0] = value;
        node.slot = slot;
        node.low = low;
        node.high = high;
        const Node& access = graph_.at(before);
        node.sets = access.sets;
        node.guest_index = access.guest_index;
        node.pc = access.pc;
        node.immediate = access.pc;
        return create(node, before);
    }

    bool widen(Check& check, std::int32_t low, std::int32_t high, BlockId block) {
        Node& within = graph_.at(check.within);
        low = std::min(low, within.low);
        high = std::max(high, within.high);
        if (low == within.low && high == within.high)
            return true;
        const bool near = within.grows || within.high - within.low <= kNearRange;
        // Where the access is rare, its address may be outside all the time.
        if (high - low > (near ? kNearRange : kFarRange) || (within.grows && high > kNearRange) ||
            graph_.blocks[block].weight * 2 < graph_.blocks[within.block].weight)
            return false;
        within.low = low;
        within.high = high;
        if (check.start != kNoNode) {
            graph_.at(check.start).low = low;
            graph_.at(check.start).high = high;
        }
        return true;
    }

    Check* create(Node& node, NodeId before) {
        BlockId home = graph_.at(before).block, entry = kNoBlock;
        const NodeId value = node.operands[0];
        Check check{value, kNoNode, kNoNode, kNoNode};
        if (const Addresses::Sum sum = addresses_.sum(value); sum.base != kNoNode) {
            node.fused = true;
            node.operands[0] = sum.base;
            node.operands[1] = sum.index;
            node.scale = sum.scale;
        }
        const bool near = node.high - node.low <= kNearRange && node.high <= kNearRange;
        const NodeId initial = near ? initial_of_growing(graph_, value, home, entry) : kNoNode;
        if (initial != kNoNode) {
            Node start = node;
            start.operands[0] = initial;
            place_at_end(graph_, entry, start);
            check.start = append(entry, start);
            node.grows = true;
        } else {
            home = home_of_check(graph_, value, home);
        }
        if (home != graph_.at(before).block) {
            place_at_end(graph_, home, node);
            check.within = append(home, node);
        } else if (check.within = graph_.create(node); check.within != kNoNode) {
            graph_.insert_before(before, check.within);
        }
        if (check.within == kNoNode || (node.grows && check.start == kNoNode) || !checks_.push(check))
            return nullptr;
        return &checks_[checks_.size() - 1];
    }

    NodeId append(BlockId block, const Node& node) {
        const NodeId id = graph_.create(node);
        if (id != kNoNode)
            graph_.append(block, id);
        return id;
    }

    // What the slots of a number have in common is one value.
    NodeId addend(std::uint8_t slot, bool of_start = false) {
        if (!of_start)
            slot %= kFirstSlotToWrite;
        NodeId& id = (of_start ? starts_ : addends_)[slot];
        if (id == kNoNode) {
            Node node;
            node.kind = Kind::Extent;
            node.slot = slot;
            node.fused = of_start;
            id = graph_.create(node);
            if (id != kNoNode)
                graph_.insert_before(graph_.blocks[0].first, id);
        }
        return id;
    }

    // Behind the check.
    NodeId pointer_of(Check& check, std::uint8_t slot) {
        if (check.pointer != kNoNode)
            return check.pointer;
        Node node;
        node.kind = Kind::Operation;
        node.opcode = Opcode::Add;
        node.operands[0] = check.value;
        node.operands[1] = addend(slot);
        node.pc = graph_.at(check.within).pc;
        check.pointer = graph_.create(node);
        const NodeId next = graph_.at(check.within).next;
        if (check.pointer != kNoNode && next != kNoNode)
            graph_.insert_before(next, check.pointer);
        else if (check.pointer != kNoNode)
            graph_.append(graph_.at(check.within).block, check.pointer);
        return check.pointer;
    }

    Graph& graph_;
    const RegionSource& source_;
    std::array<bool, kMaxNodes> stored_through_{}; // values that are addresses
    std::array<Site, kMaxNodes> sites_;            // of accesses through them
    Addresses addresses_{graph_};
    std::array<NodeId, kExtentSlots> addends_{}, starts_{};
    Bounded<NodeId, 512> distances_; // accesses whose displacement is yet from the address
    Bounded<Check, 512> checks_;
};

} // namespace

void insert_extents(Graph& graph, const RegionSource& source) {
    ExtentInsertion(graph, source).run();
}

} // namespace ashlar::jit::optimizer
