// Which check makes which access safe. A probe proves that a range of bytes around an address lies in one
// page of RAM that may be accessed; nothing in a region can take that away again, since whatever changes
// translations leaves the region. So one probe serves every later access through the same value.
#include <algorithm>

#include "jit/optimizer/addresses.h"
#include "jit/optimizer/cfg.h"
#include "jit/optimizer/growth.h"
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
        addresses_.count_uses();
        for (const BlockId block : graph_.order)
            for (NodeId n = graph_.blocks[block].first; n != kNoNode; n = graph_.at(n).next)
                if (is_unprotected(graph_, n))
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
        const bool writes = writes_memory(node);
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
        node.operands[probe_operand(node)] = probe;
        const Node& by = graph_.at(probe);
        node.fused = by.fused;
        node.scale = by.scale;
        if (by.fused)
            node.operands[0] = by.operands[1];
    }

    // An address that need not be computed by itself, or a base that is part of the code.
    void fuse(NodeId address, Node& probe) {
        const bool part_of_code =
            graph_.is_constant(address) || graph_.is_operation(address, Opcode::PcRelative);
        const Addresses::Sum sum = part_of_code ? Addresses::Sum{.base = address} : addresses_.sum(address);
        if (sum.base == kNoNode)
            return;
        probe.fused = true;
        probe.operands[0] = sum.base;
        probe.operands[1] = sum.index;
        probe.scale = sum.scale;
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
        const BlockId home = share_ ? home_of_check(graph_, access.address, access.block) : access.block;
        NodeId id = kNoNode;
        if (home == access.block) {
            id = graph_.create(probe);
            if (id != kNoNode)
                graph_.insert_before(before, id);
        } else {
            place_at_end(graph_, home, probe);
            probe.speculative = true;
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

    static bool is_near(std::int32_t low, std::int32_t high) {
        return low >= -kMaxStreamDistance && high <= kMaxStreamDistance;
    }

    NodeId create_stream(const Access& access, NodeId before) {
        if (graph_.streams == Graph::kMaxStreams || !is_near(access.low, access.high))
            return kNoNode;
        BlockId entry = kNoBlock;
        const NodeId initial = initial_of_growing(graph_, access.address, access.block, entry);
        if (initial == kNoNode)
            return kNoNode;
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
    Addresses addresses_{graph_};
};

} // namespace

void insert_probes(Graph& graph, bool share) {
    ProbeInsertion(graph, share).run();
}

} // namespace ashlar::jit::optimizer
