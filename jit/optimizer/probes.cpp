// Which check makes which access safe. A probe proves that a range of bytes around an address lies in one
// page of RAM that may be accessed; nothing in a region can take that away again, since whatever changes
// translations leaves the region. So one probe serves every later access through the same value.
#include <algorithm>

#include "jit/optimizer/cfg.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

// A wider range would cross pages too often.
constexpr std::int32_t kMaxRange = 256;

class ProbeInsertion {
public:
    ProbeInsertion(Graph& graph, bool share) : graph_(graph), share_(share) {}

    void run() {
        count_uses();
        for (const BlockId block : graph_.order)
            for (NodeId n = graph_.blocks[block].first; n != kNoNode; n = graph_.at(n).next)
                if (graph_.is_operation(n, Opcode::Load) || graph_.is_operation(n, Opcode::Store))
                    protect(n);
    }

private:
    struct Access {
        NodeId address;
        std::int32_t low, high;
        bool writes;
        BlockId block;
    };

    void protect(NodeId id) {
        Node& node = graph_.at(id);
        const bool writes = node.opcode == Opcode::Store;
        node.operands[0] = graph_.resolve(node.operands[0]);
        const Access access{graph_.resolve(node.operands[0]), node.displacement,
                            node.displacement + node.width, writes, node.block};
        NodeId probe = share_ ? find(access) : kNoNode;
        if (probe == kNoNode && share_)
            probe = create_stream(access, id);
        if (probe == kNoNode)
            probe = create(access, id);
        if (probe == kNoNode)
            return;
        node.operands[writes ? 2 : 1] = probe;
        const Node& by = graph_.at(probe);
        node.fused = by.fused;
        node.scale = by.scale;
        if (by.fused)
            node.operands[0] = by.operands[1];
    }

    // How often a node is looked at other than as an address and by exits.
    void count_uses() {
        uses_.fill(0);
        const auto count = [&](NodeId id) {
            if (id != kNoNode)
                ++uses_[graph_.resolve(id)];
        };
        for (const BlockId id : graph_.order) {
            const BasicBlock& block = graph_.blocks[id];
            for_each_end_operand(block, count);
            for (NodeId n = block.first; n != kNoNode; n = graph_.at(n).next) {
                const Node& node = graph_.at(n);
                const bool memory =
                    graph_.is_operation(n, Opcode::Load) || graph_.is_operation(n, Opcode::Store);
                for (unsigned i = memory ? 1 : 0; i < 3; ++i)
                    count(node.operands[i]);
                if (node.kind == Kind::Phi)
                    for (unsigned p = 0; p < block.predecessor_count; ++p)
                        count(graph_.phis[node.phi].values[p]);
            }
        }
    }

    // An address that nothing else needs, as the host's addressing modes can compute it: base + (index <<
    // scale), or a base that is part of the code.
    bool fuse(NodeId address, Node& probe) {
        const Node& node = graph_.at(address);
        if (node.kind != Kind::Operation)
            return false;
        const auto split = [&](NodeId base, NodeId index, unsigned scale) {
            probe.fused = true;
            probe.operands[0] = base;
            probe.operands[1] = index;
            probe.scale = static_cast<std::uint8_t>(scale);
            return true;
        };
        if (node.opcode == Opcode::Constant || node.opcode == Opcode::PcRelative)
            return split(address, kNoNode, 0);
        if (uses_[address] != 0)
            return false;
        const NodeId a = node.operands[0], b = node.operands[1];
        const auto shift = [&](NodeId id) -> std::int64_t {
            if (!graph_.is_operation(id, Opcode::ShiftLeft) || !graph_.is_constant(graph_.at(id).operands[1]))
                return 0;
            return graph_.at(graph_.at(id).operands[1]).immediate & 63;
        };
        switch (node.opcode) {
        case Opcode::Add:
            if (graph_.is_constant(b))
                return false;
            if (const std::int64_t by = shift(b); by >= 1 && by <= 3)
                return split(a, graph_.at(b).operands[0], static_cast<unsigned>(by));
            if (const std::int64_t by = shift(a); by >= 1 && by <= 3)
                return split(b, graph_.at(a).operands[0], static_cast<unsigned>(by));
            return split(a, b, 0);
        case Opcode::ShiftAdd1: return split(b, a, 1);
        case Opcode::ShiftAdd2: return split(b, a, 2);
        case Opcode::ShiftAdd3: return split(b, a, 3);
        default: return false;
        }
    }

    NodeId find(const Access& access) {
        for (std::size_t i = probes_.size(); i-- > 0;) {
            Node& probe = graph_.at(probes_[i]);
            if (keys_[i] != access.address || !graph_.dominates(probe.block, access.block))
                continue;
            const std::int32_t low = std::min(probe.low, access.low);
            const std::int32_t high = std::max(probe.high, access.high);
            if (high - low > kMaxRange || (probe.kind == Kind::StreamProbe && !is_near(low, high)))
                continue;
            // Where the access is rare, its page may be another, or not writable, all the time.
            const bool often = graph_.blocks[access.block].weight * 2 >= graph_.blocks[probe.block].weight;
            const bool covered = low == probe.low && high == probe.high && (probe.writes || !access.writes);
            if (!covered && !often)
                continue;
            if (access.writes && !probe.writes) {
                probe.writes = true;
                probe.speculative_write = true;
            }
            probe.low = low;
            probe.high = high;
            return probes_[i];
        }
        return kNoNode;
    }

    Node describe(const Access& access, NodeId before) const {
        const Node& user = graph_.nodes[before];
        Node probe;
        probe.kind = Kind::Probe;
        probe.operands[0] = access.address;
        probe.low = access.low;
        probe.high = access.high;
        probe.writes = access.writes;
        probe.sets = user.sets;
        probe.guest_index = user.guest_index;
        probe.pc = user.pc;
        return probe;
    }

    // Before the access, or before the loops in which its address stays the same.
    NodeId create(const Access& access, NodeId before) {
        Node probe = describe(access, before);
        if (share_)
            fuse(access.address, probe);
        BlockId home = access.block;
        while (share_) {
            const BlockId header = graph_.blocks[home].loop;
            if (header == kNoBlock || in_loop(graph_, graph_.at(access.address).block, header) ||
                graph_.blocks[home].weight * 2 < graph_.blocks[header].weight)
                break;
            const BlockId entry = loop_entry(graph_, header);
            if (entry == kNoBlock)
                break;
            home = entry;
        }
        NodeId id = kNoNode;
        if (home == access.block) {
            id = graph_.create(probe);
            if (id != kNoNode)
                graph_.insert_before(before, id);
        } else {
            place_at_end(home, probe);
            id = graph_.create(probe);
            if (id != kNoNode)
                graph_.append(home, id);
        }
        if (id != kNoNode) {
            probes_.push(id);
            keys_.push(access.address);
        }
        return id;
    }

    // What an exit at the end of the block needs: where the guest is then.
    void place_at_end(BlockId block, Node& probe) const {
        const BasicBlock& home = graph_.blocks[block];
        probe.speculative = true;
        probe.sets = home.set_count;
        const bool branches = home.end == BasicBlock::End::Branch;
        probe.pc = branches ? home.end_pc : home.taken.pc;
        probe.guest_index = static_cast<std::uint8_t>(home.guest_instructions - (branches ? 1 : 0));
    }

    static bool is_near(std::int32_t low, std::int32_t high) {
        return low >= -kMaxStreamDistance && high <= kMaxStreamDistance;
    }

    // Whether `value` is `phi` or at most `room` more in one turn of its loop.
    bool grows(NodeId value, NodeId phi, unsigned depth, std::int64_t room = kMaxStride) {
        value = graph_.resolve(value);
        if (value == phi)
            return true;
        const Node& node = graph_.at(value);
        if (graph_.is_operation(value, Opcode::Add) && graph_.is_constant(node.operands[1])) {
            const std::int64_t step = graph_.at(node.operands[1]).immediate;
            return step > 0 && step <= room && grows(node.operands[0], phi, depth, room - step);
        }
        if (node.kind != Kind::Phi || depth == 0 || !in_loop(graph_, node.block, graph_.at(phi).block))
            return false;
        for (unsigned p = 0; p < graph_.blocks[node.block].predecessor_count; ++p)
            if (!grows(graph_.phis[node.phi].values[p], phi, depth - 1, room))
                return false;
        return true;
    }

    NodeId create_stream(const Access& access, NodeId before) {
        const Node& phi = graph_.at(access.address);
        if (phi.kind != Kind::Phi || graph_.streams == Graph::kMaxStreams ||
            !is_near(access.low, access.high))
            return kNoNode;
        const BlockId header = phi.block;
        if (graph_.blocks[access.block].loop != header ||
            graph_.blocks[access.block].weight * 2 < graph_.blocks[header].weight)
            return kNoNode;
        const BlockId entry = loop_entry(graph_, header);
        if (entry == kNoBlock)
            return kNoNode;
        const BasicBlock& of = graph_.blocks[header];
        NodeId initial = kNoNode;
        for (unsigned p = 0; p < of.predecessor_count; ++p) {
            const NodeId value = graph_.phis[phi.phi].values[p];
            if (of.predecessors[p] == entry)
                initial = graph_.resolve(value);
            // Every turn looks at the address, so that it cannot pass the end of the address space unseen.
            else if (!graph_.dominates(access.block, of.predecessors[p]) || !grows(value, access.address, 3))
                return kNoNode;
        }
        Node probe = describe(access, before);
        probe.kind = Kind::StreamProbe;
        probe.stream = static_cast<std::uint8_t>(graph_.streams);
        const NodeId id = graph_.create(probe);
        Node start = probe;
        start.kind = Kind::StreamStart;
        start.operands[0] = initial;
        const NodeId start_id = graph_.create(start);
        if (start_id == kNoNode)
            return kNoNode;
        graph_.stream_probes[graph_.streams] = id;
        graph_.insert_before(before, id);
        graph_.append(entry, start_id);
        ++graph_.streams;
        probes_.push(id);
        keys_.push(access.address);
        return id;
    }

    Graph& graph_;
    const bool share_;
    Bounded<NodeId, 1024> probes_, keys_; // and the addresses that they are for
    std::array<std::uint16_t, kMaxNodes> uses_{};
};

} // namespace

void insert_probes(Graph& graph, bool share) {
    ProbeInsertion(graph, share).run();
}

} // namespace ashlar::jit::optimizer
