// NaNs are made canonical where somebody sees which NaN it is. Arithmetic does not: an operation whose result
// only arithmetic looks at in its loop leaves that to exits, to copies that others look at behind the loop,
// and to the ways to phis there (Node::late).
#include "jit/fp.h"
#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;
using ir::Precision;

namespace {

bool makes(const Node& node, Precision precision) {
    if (node.kind != Kind::Operation || node.type != ir::Type::Float)
        return false;
    switch (node.opcode) {
    case Opcode::FloatArithmetic:
    case Opcode::FloatFused:
    case Opcode::FloatMinimum:
    case Opcode::FloatMaximum:
    case Opcode::FloatFromInteger: return node.precision == precision;
    case Opcode::FloatWiden: return precision == Precision::Double;
    case Opcode::FloatNarrow: return precision == Precision::Single;
    default: return false;
    }
}

// Zero and other constants, as fmv.d.x makes them.
bool is_number(const Graph& graph, NodeId id, Precision precision) {
    if (!graph.is_operation(id, Opcode::FloatFromBits) || precision != Precision::Double ||
        graph.nodes[id].precision != Precision::Double || !graph.is_constant(graph.nodes[id].operands[0]))
        return false;
    constexpr std::uint64_t kInfinity = 0x7ff0'0000'0000'0000, kMagnitude = ~std::uint64_t{0} >> 1;
    const auto bits = static_cast<std::uint64_t>(graph.nodes[graph.nodes[id].operands[0]].immediate);
    return (bits & kMagnitude) <= kInfinity;
}

class Delay {
public:
    explicit Delay(Graph& graph) : graph_(graph) {}

    void run() {
        for (const BlockId block : graph_.order)
            for (NodeId n = graph_.blocks[block].first; n != kNoNode; n = graph_.at(n).next) {
                Node& node = graph_.at(n);
                if (node.kind == Kind::Phi && node.type == ir::Type::Float)
                    find_precision(node);
                node.late = node.type == ir::Type::Float &&
                            (node.kind == Kind::Phi || graph_.is_operation(n, Opcode::FloatArithmetic));
            }
        do {
            changed_ = false;
            for (const BlockId block : graph_.order)
                for (NodeId n = graph_.blocks[block].first; n != kNoNode; n = graph_.at(n).next)
                    visit(graph_.at(n));
        } while (changed_);
        for (const BlockId block : graph_.order)
            for (NodeId n = graph_.blocks[block].first; n != kNoNode; n = graph_.at(n).next)
                insert_copies(n);
    }

private:
    bool is_rarer(BlockId block, const Node& than) const {
        return graph_.blocks[block].depth < graph_.blocks[than.block].depth;
    }

    void find_precision(Node& phi) {
        phi.precision = Precision::Single;
        const BasicBlock& block = graph_.blocks[phi.block];
        for (unsigned p = 0; p < block.predecessor_count; ++p) {
            const Node& value = graph_.at(graph_.resolve(graph_.phis[phi.phi].values[p]));
            if (makes(value, Precision::Double))
                phi.precision = Precision::Double;
        }
    }

    void show(NodeId id) {
        Node& node = graph_.at(id);
        changed_ = changed_ || node.late;
        node.late = false;
    }

    void visit(Node& node) {
        if (node.kind == Kind::Phi)
            return node.type == ir::Type::Float ? visit_phi(node) : void();
        for (unsigned i = 0; i < 3; ++i)
            if (node.operands[i] != kNoNode) {
                const NodeId operand = graph_.resolve(node.operands[i]);
                const Node& value = graph_.at(operand);
                if (value.late && sees_nan(node, value) && !is_rarer(node.block, value))
                    show(operand);
            }
    }

    // All that it merges is of one precision, so that exits know which NaN is canonical; or none is late.
    void visit_phi(Node& phi) {
        const BasicBlock& block = graph_.blocks[phi.block];
        for (unsigned p = 0; p < block.predecessor_count; ++p) {
            const NodeId id = graph_.resolve(graph_.phis[phi.phi].values[p]);
            const Node& value = graph_.at(id);
            const bool fits = (value.late && value.precision == phi.precision) ||
                              makes(value, phi.precision) || is_number(graph_, id, phi.precision);
            if (phi.late && !fits) {
                phi.late = false;
                changed_ = true;
            }
        }
        for (unsigned p = 0; p < block.predecessor_count && !phi.late; ++p)
            if (const NodeId id = graph_.resolve(graph_.phis[phi.phi].values[p]);
                !is_rarer(phi.block, graph_.at(id)))
                show(id);
    }

    void insert_copies(NodeId n) {
        for (unsigned i = 0; i < 3 && graph_.at(n).kind != Kind::Phi; ++i) {
            const NodeId operand = graph_.resolve(graph_.at(n).operands[i]);
            if (operand == kNoNode || !graph_.at(operand).late || !sees_nan(graph_.at(n), graph_.at(operand)))
                continue;
            const Node& user = graph_.at(n);
            Node copy;
            copy.kind = Kind::Operation;
            copy.opcode = Opcode::FloatSign;
            copy.attribute = static_cast<std::uint8_t>(fp::SignInjection::Copy);
            copy.type = ir::Type::Float;
            copy.precision = graph_.at(operand).precision;
            copy.operands[0] = copy.operands[1] = operand;
            copy.sets = user.sets;
            copy.guest_index = user.guest_index;
            copy.pc = user.pc;
            const NodeId settled = graph_.create(copy);
            if (settled == kNoNode)
                return; // overflowed: the region is given up
            graph_.insert_before(n, settled);
            graph_.at(n).operands[i] = settled;
        }
    }

    Graph& graph_;
    bool changed_ = false;
};

} // namespace

bool sees_nan(const Node& user, const Node& value) {
    if (user.kind != Kind::Operation)
        return true;
    switch (user.opcode) {
    case Opcode::FloatArithmetic:
    case Opcode::FloatFused:
    case Opcode::FloatCompare:
    case Opcode::FloatMinimum:
    case Opcode::FloatMaximum:
    case Opcode::FloatToInteger:
    case Opcode::FloatClassify: return user.precision != value.precision;
    case Opcode::FloatWiden: return value.precision != Precision::Single;
    case Opcode::FloatNarrow: return value.precision != Precision::Double;
    default: return true;
    }
}

void delay_nans(Graph& graph) {
    if (graph.uses_float)
        Delay(graph).run();
}

} // namespace ashlar::jit::optimizer
