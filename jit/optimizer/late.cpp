// What a value need not be before somebody sees it. NaNs are made canonical, and singles boxed, where it
// makes a difference: a result that only arithmetic looks at in its loop leaves that to exits, to copies that
// others look at behind the loop, and to the ways to phis there (Node::late, Node::unboxed).
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

// Property::kFlag is what such a value has, starts() whether it may have it, fits() whether a phi may have it
// that merges the value, sees() whether `user` looks.
struct Nans {
    static constexpr bool Node::*kFlag = &Node::late;
    static bool starts(const Graph& graph, NodeId id) {
        return graph.nodes[id].kind == Kind::Phi || graph.is_operation(id, Opcode::FloatArithmetic);
    }
    static bool fits(const Graph& graph, const Node& phi, NodeId id) {
        const Node& value = graph.nodes[id];
        return (value.late && value.precision == phi.precision) || makes(value, phi.precision) ||
               is_number(graph, id, phi.precision);
    }
    static bool sees(const Node& user, const Node& value) { return sees_nan(user, value); }
};

struct Boxes {
    static constexpr bool Node::*kFlag = &Node::unboxed;
    static bool starts(const Graph& graph, NodeId id) {
        const Node& node = graph.nodes[id];
        if (graph.is_operation(id, Opcode::Load))
            return node.width == 4;
        return node.precision == Precision::Single &&
               (node.kind == Kind::Phi || graph.is_operation(id, Opcode::FloatArithmetic) ||
                graph.is_operation(id, Opcode::FloatFused));
    }
    static bool fits(const Graph& graph, const Node& phi, NodeId id) {
        const Node& value = graph.nodes[id];
        return phi.precision == Precision::Single &&
               (value.unboxed || makes(value, Precision::Single) ||
                (graph.is_operation(id, Opcode::Load) && value.width == 4));
    }
    static bool sees(const Node& user, const Node&) { return sees_box(user); }
};

template <class Property>
class Delay {
public:
    explicit Delay(Graph& graph) : graph_(graph) {}

    void run() {
        for_each([&](NodeId n) {
            Node& node = graph_.at(n);
            if (node.kind == Kind::Phi && node.type == ir::Type::Float)
                find_precision(node);
            node.*kFlag = node.type == ir::Type::Float && Property::starts(graph_, n);
        });
        do {
            changed_ = false;
            for_each([&](NodeId n) { visit(graph_.at(n)); });
        } while (changed_);
        for_each([&](NodeId n) { insert_copies(n); });
    }

private:
    static constexpr bool Node::*kFlag = Property::kFlag;

    template <class Visit>
    void for_each(Visit visit) {
        for (const BlockId block : graph_.order)
            for (NodeId n = graph_.blocks[block].first; n != kNoNode; n = graph_.at(n).next)
                visit(n);
    }

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

    void clear(Node& node) {
        changed_ = changed_ || node.*kFlag;
        node.*kFlag = false;
    }

    void visit(Node& node) {
        if (node.kind == Kind::Phi)
            return node.type == ir::Type::Float ? visit_phi(node) : void();
        for (const NodeId operand : node.operands)
            if (operand != kNoNode) {
                Node& value = graph_.at(graph_.resolve(operand));
                if (value.*kFlag && Property::sees(node, value) && !is_rarer(node.block, value))
                    clear(value);
            }
    }

    // All that it merges is of one precision, so that exits know what is due; or it does not have it.
    void visit_phi(Node& phi) {
        const BasicBlock& block = graph_.blocks[phi.block];
        const auto value = [&](unsigned p) { return graph_.resolve(graph_.phis[phi.phi].values[p]); };
        for (unsigned p = 0; p < block.predecessor_count; ++p)
            if (!Property::fits(graph_, phi, value(p)))
                clear(phi);
        for (unsigned p = 0; p < block.predecessor_count && !(phi.*kFlag); ++p)
            if (!is_rarer(phi.block, graph_.at(value(p))))
                clear(graph_.at(value(p)));
    }

    void insert_copies(NodeId n) {
        for (unsigned i = 0; i < 3 && graph_.at(n).kind != Kind::Phi; ++i) {
            const NodeId operand = graph_.resolve(graph_.at(n).operands[i]);
            if (operand == kNoNode || !(graph_.at(operand).*kFlag) ||
                !Property::sees(graph_.at(n), graph_.at(operand)))
                continue;
            Node copy;
            copy.kind = Kind::Operation;
            copy.opcode = Opcode::FloatSign;
            copy.attribute = static_cast<std::uint8_t>(fp::SignInjection::Copy);
            copy.type = ir::Type::Float;
            copy.precision =
                graph_.is_operation(operand, Opcode::Load) ? Precision::Single : graph_.at(operand).precision;
            copy.settles = true;
            copy.operands[0] = copy.operands[1] = operand;
            copy.pc = graph_.at(n).pc;
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

bool sees_box(const Node& user) {
    if (user.kind != Kind::Operation)
        return true;
    switch (user.opcode) {
    case Opcode::FloatArithmetic:
    case Opcode::FloatFused: return user.precision != Precision::Single || !user.unboxed; // they keep it
    case Opcode::FloatCompare:
    case Opcode::FloatToInteger:
    case Opcode::FloatClassify:
    case Opcode::FloatToBits: return user.precision != Precision::Single;
    case Opcode::FloatSign: // as a copy
        return user.precision != Precision::Single || user.operands[0] != user.operands[1] ||
               user.attribute != static_cast<std::uint8_t>(fp::SignInjection::Copy);
    case Opcode::FloatWiden: return false;
    case Opcode::Store: return user.width != 4;
    default: return true;
    }
}

void delay_nans(Graph& graph) {
    if (graph.uses_float)
        Delay<Nans>(graph).run();
}

void delay_boxes(Graph& graph) {
    if (graph.uses_float)
        Delay<Boxes>(graph).run();
}

} // namespace ashlar::jit::optimizer
