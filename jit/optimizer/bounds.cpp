#include "jit/optimizer/bounds.h"

#include <algorithm>

namespace ashlar::jit::optimizer {

using ir::Opcode;

namespace {

constexpr unsigned kDepth = 6;

std::uint64_t shifted(std::uint64_t bound, unsigned by) {
    return bound > kUnbounded >> by ? kUnbounded : bound << by;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    return a > kUnbounded - b ? kUnbounded : a + b;
}

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    return b != 0 && a > kUnbounded / b ? kUnbounded : a * b;
}

// Of a sum or the like that is then extended from its low half.
std::uint64_t word(std::uint64_t bound) {
    return bound <= 0x7fff'ffff ? bound : kUnbounded;
}

std::uint64_t bound(Graph& graph, NodeId id, unsigned depth);

// All values of `width` bytes that memory extends.
std::uint64_t bound_of_load(const Node& load) {
    if (load.attribute != static_cast<std::uint8_t>(ir::Extension::Zero) || load.width >= 8)
        return kUnbounded;
    return (std::uint64_t{1} << (8 * load.width)) - 1;
}

std::uint64_t bound_of_operation(Graph& graph, const Node& node, unsigned depth) {
    const auto of = [&](unsigned operand) { return bound(graph, node.operands[operand], depth - 1); };
    const auto amount = [&](unsigned mask) -> int {
        const NodeId by = graph.resolve(node.operands[1]);
        return graph.is_constant(by) ? static_cast<int>(graph.at(by).immediate & mask) : -1;
    };
    switch (node.opcode) {
    case Opcode::Constant:
        return node.immediate >= 0 ? static_cast<std::uint64_t>(node.immediate) : kUnbounded;
    case Opcode::Load: return bound_of_load(node);
    case Opcode::And: return std::min(of(0), of(1));
    case Opcode::Or:
    case Opcode::Xor: { // no bit above the highest of both
        const std::uint64_t most = std::max(of(0), of(1));
        return most == 0 ? 0 : kUnbounded >> std::countl_zero(most);
    }
    case Opcode::Add: return sum(of(0), of(1));
    case Opcode::AddWord: return word(sum(of(0), of(1)));
    case Opcode::ShiftLeftWord:
        return amount(31) < 0 ? kUnbounded : word(shifted(of(0), static_cast<unsigned>(amount(31))));
    case Opcode::ShiftRightSigned:
        return amount(63) < 0 || of(0) > kUnbounded / 2 ? kUnbounded : of(0) >> amount(63);
    case Opcode::Multiply: return product(of(0), of(1));
    case Opcode::ZeroExtend16: return 0xffff;
    case Opcode::Less:
    case Opcode::LessUnsigned: return 1;
    case Opcode::MinimumUnsigned: return std::min(of(0), of(1));
    case Opcode::MaximumUnsigned: return std::max(of(0), of(1));
    case Opcode::ShiftLeft:
        return amount(63) < 0 ? kUnbounded : shifted(of(0), static_cast<unsigned>(amount(63)));
    case Opcode::ShiftRight: return amount(63) < 0 ? kUnbounded : of(0) >> amount(63);
    case Opcode::ShiftRightWord: // of the low half, then sign-extended
        return amount(31) <= 0 ? kUnbounded : std::uint64_t{0xffffffff} >> amount(31);
    case Opcode::ShiftAdd1: return sum(shifted(of(0), 1), of(1));
    case Opcode::ShiftAdd2: return sum(shifted(of(0), 2), of(1));
    case Opcode::ShiftAdd3: return sum(shifted(of(0), 3), of(1));
    default: return kUnbounded;
    }
}

std::uint64_t bound(Graph& graph, NodeId id, unsigned depth) {
    if (id == kNoNode || depth == 0)
        return kUnbounded;
    const Node& node = graph.at(graph.resolve(id));
    return node.kind == Kind::Operation ? bound_of_operation(graph, node, depth) : kUnbounded;
}

} // namespace

std::uint64_t bound_of(Graph& graph, NodeId id) {
    return bound(graph, id, kDepth);
}

} // namespace ashlar::jit::optimizer
