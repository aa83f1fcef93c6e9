#include "jit/optimizer/fold.h"

#include <bit>
#include <utility>

#include "jit/ir/evaluate.h"

namespace ashlar::jit::optimizer {

using ir::Opcode;

std::size_t Folder::hash(const Node& node) {
    std::size_t h = static_cast<std::size_t>(node.opcode) * 0x9e3779b97f4a7c15u;
    h ^= static_cast<std::size_t>(node.immediate) * 0xff51afd7ed558ccdu;
    h ^= (std::size_t{node.operands[0]} | std::size_t{node.operands[1]} << 16 |
          std::size_t{node.operands[2]} << 32) *
         0xc4ceb9fe1a85ec53u;
    return h >> 50 & 4095;
}

bool Folder::same(const Node& a, const Node& b) {
    return a.opcode == b.opcode && a.immediate == b.immediate && a.attribute == b.attribute &&
           a.precision == b.precision && a.rounding == b.rounding && a.operands[0] == b.operands[0] &&
           a.operands[1] == b.operands[1] && a.operands[2] == b.operands[2];
}

NodeId Folder::find(const Node& node, BlockId block) const {
    for (NodeId id = buckets_[hash(node)]; id != kNoNode; id = graph_.nodes[id].hash_next) {
        const Node& other = graph_.nodes[id];
        if (other.kind == Kind::Operation && same(other, node) && other.block != kNoBlock &&
            graph_.dominates(other.block, block))
            return id;
    }
    return kNoNode;
}

void Folder::enter(NodeId id) {
    Node& node = graph_.nodes[id];
    NodeId& head = buckets_[hash(node)];
    node.hash_next = head;
    head = id;
}

NodeId Folder::constant(std::int64_t value) {
    Node node;
    node.kind = Kind::Operation;
    node.opcode = Opcode::Constant;
    node.immediate = value;
    return make(node, 0);
}

NodeId Folder::pc_relative(std::int64_t offset) {
    Node node;
    node.kind = Kind::Operation;
    node.opcode = Opcode::PcRelative;
    node.immediate = offset;
    return make(node, 0);
}

NodeId Folder::binary(Opcode opcode, NodeId a, NodeId b, BlockId block) {
    if (a == kNoNode || b == kNoNode)
        return kNoNode;
    Node node;
    node.kind = Kind::Operation;
    node.opcode = opcode;
    node.operands[0] = a;
    node.operands[1] = b;
    return make(node, block);
}

NodeId Folder::make(Node node, BlockId block) {
    ASHLAR_ASSERT(is_pure(node));
    if (const NodeId known = simplify(node, block); known != kNoNode)
        return known;
    if (node.opcode == Opcode::Constant || node.opcode == Opcode::PcRelative)
        block = 0; // available everywhere
    if (const NodeId known = find(node, block); known != kNoNode)
        return known;
    const NodeId id = graph_.create(node);
    if (id == kNoNode)
        return id;
    graph_.at(id).pc = pc_;
    graph_.at(id).is_word = computes_word(graph_, graph_.at(id));
    if (position_ != kNoNode && graph_.at(position_).block == block)
        graph_.insert_before(position_, id);
    else
        graph_.append(block, id);
    enter(id);
    return id;
}

NodeId Folder::renew(NodeId id) {
    Node& node = graph_.at(id);
    for (NodeId& operand : node.operands)
        operand = graph_.resolve(operand);
    Node changed = node;
    const BlockId block = node.block;
    pc_ = node.pc;
    position_ = id;
    NodeId known = simplify(changed, block);
    position_ = kNoNode;
    if (known == kNoNode)
        known = find(changed, block);
    if (known != kNoNode && known != id)
        return known;
    changed.previous = node.previous;
    changed.next = node.next;
    node = changed;
    node.is_word = computes_word(graph_, node);
    enter(id);
    return id;
}

NodeId Folder::simplify(Node& node, BlockId block) {
    if (ir::is_unary(node.opcode))
        return simplify_unary(node);
    if (!ir::is_binary(node.opcode))
        return kNoNode;
    NodeId &a = node.operands[0], &b = node.operands[1];
    if (graph_.is_constant(a) && graph_.is_constant(b))
        return constant(static_cast<std::int64_t>(ir::evaluate(
            node.opcode, static_cast<std::uint64_t>(value_of(a)), static_cast<std::uint64_t>(value_of(b)))));
    if (ir::commutes(node.opcode) && (graph_.is_constant(a) || (!graph_.is_constant(b) && a > b)))
        std::swap(a, b);
    if (a == b) {
        switch (node.opcode) {
        case Opcode::Subtract:
        case Opcode::Xor:
        case Opcode::SubtractWord:
        case Opcode::Less:
        case Opcode::LessUnsigned:
        case Opcode::AndNot: return constant(0);
        case Opcode::And:
        case Opcode::Or:
        case Opcode::Minimum:
        case Opcode::Maximum:
        case Opcode::MinimumUnsigned:
        case Opcode::MaximumUnsigned: return a;
        default: break;
        }
    }
    if (graph_.is_constant(a, 0)) {
        switch (node.opcode) {
        case Opcode::ShiftAdd1:
        case Opcode::ShiftAdd2:
        case Opcode::ShiftAdd3:
        case Opcode::AddUnsignedWord: return b;
        default: break;
        }
    }
    if (graph_.is_constant(b))
        return simplify_immediate(node, value_of(b), block);
    if (node.opcode == Opcode::Or || node.opcode == Opcode::Xor || node.opcode == Opcode::Add)
        if (const NodeId rotation = simplify_rotation(a, b, block); rotation != kNoNode)
            return rotation;
    return node.opcode == Opcode::Add ? simplify_sum(a, b, block) : kNoNode;
}

// Constants outward, where they can become a displacement.
NodeId Folder::simplify_sum(NodeId a, NodeId b, BlockId block) {
    for (int turn = 0; turn < 2; ++turn, std::swap(a, b)) {
        const Node& sum = graph_.nodes[a];
        if (graph_.is_operation(a, Opcode::Add) && graph_.is_constant(sum.operands[1]) &&
            !graph_.is_operation(b, Opcode::PcRelative))
            return binary(Opcode::Add, binary(Opcode::Add, sum.operands[0], b, block), sum.operands[1],
                          block);
    }
    return kNoNode;
}

// Two shifts whose amounts make up the width, combined: bits that come from different ends of one value.
NodeId Folder::simplify_rotation(NodeId a, NodeId b, BlockId block) {
    const auto is_shift = [&](NodeId id, Opcode opcode) {
        return graph_.is_operation(id, opcode) && graph_.is_constant(graph_.nodes[id].operands[1]);
    };
    if (is_shift(a, Opcode::ShiftLeft) || is_shift(a, Opcode::ShiftLeftWord))
        std::swap(a, b);
    const bool word = is_shift(a, Opcode::ShiftRightWord) && is_shift(b, Opcode::ShiftLeftWord);
    if (!word && !(is_shift(a, Opcode::ShiftRight) && is_shift(b, Opcode::ShiftLeft)))
        return kNoNode;
    const Node &right = graph_.nodes[a], &left = graph_.nodes[b];
    const std::int64_t width = word ? 32 : 64;
    const std::int64_t down = value_of(right.operands[1]) & (width - 1);
    const std::int64_t up = value_of(left.operands[1]) & (width - 1);
    if (right.operands[0] != left.operands[0] || down == 0 || down + up != width)
        return kNoNode;
    return binary(word ? Opcode::RotateRightWord : Opcode::RotateRight, right.operands[0], constant(down),
                  block);
}

NodeId Folder::simplify_immediate(Node& node, std::int64_t value, BlockId block) {
    const NodeId a = node.operands[0];
    const Node& left = graph_.nodes[a];
    switch (node.opcode) {
    case Opcode::Subtract:
        if (value != INT64_MIN)
            return binary(Opcode::Add, a, constant(-value), block);
        break;
    case Opcode::Add:
        if (value == 0)
            return a;
        if (graph_.is_operation(a, Opcode::PcRelative))
            return pc_relative(static_cast<std::int64_t>(static_cast<std::uint64_t>(left.immediate) +
                                                         static_cast<std::uint64_t>(value)));
        if (graph_.is_operation(a, Opcode::Add) && graph_.is_constant(left.operands[1])) {
            const auto sum =
                static_cast<std::uint64_t>(value_of(left.operands[1])) + static_cast<std::uint64_t>(value);
            return binary(Opcode::Add, left.operands[0], constant(static_cast<std::int64_t>(sum)), block);
        }
        break;
    case Opcode::Or:
    case Opcode::Xor:
        if (value == 0)
            return a;
        break;
    case Opcode::And:
        if (value == 0)
            return constant(0);
        if (value == -1)
            return a;
        break;
    case Opcode::AddWord:
        if (value == 0 && left.is_word)
            return a;
        // (a + c) + d, of which only low halves count.
        if ((graph_.is_operation(a, Opcode::AddWord) || graph_.is_operation(a, Opcode::Add)) &&
            graph_.is_constant(left.operands[1])) {
            const auto sum = static_cast<std::int32_t>(
                static_cast<std::uint32_t>(value) + static_cast<std::uint32_t>(value_of(left.operands[1])));
            return binary(Opcode::AddWord, left.operands[0], constant(sum), block);
        }
        break;
    case Opcode::SubtractWord:
        return binary(Opcode::AddWord, a,
                      constant(static_cast<std::int32_t>(0u - static_cast<std::uint32_t>(value))), block);
    case Opcode::ShiftLeft:
    case Opcode::RotateLeft:
    case Opcode::RotateRight:
        if ((value & 63) == 0)
            return a;
        break;
    case Opcode::ShiftRight:
    case Opcode::ShiftRightSigned:
        if ((value & 63) == 0)
            return a;
        return simplify_shift_right(node, value & 63, block);
    case Opcode::Multiply:
        if (value == 0)
            return constant(0);
        if (value == 1)
            return a;
        if (value > 0 && std::has_single_bit(static_cast<std::uint64_t>(value)))
            return binary(Opcode::ShiftLeft, a, constant(std::countr_zero(static_cast<std::uint64_t>(value))),
                          block);
        break;
    case Opcode::Divide:
    case Opcode::DivideUnsigned:
    case Opcode::DivideWord:
    case Opcode::DivideUnsignedWord:
    case Opcode::Remainder:
    case Opcode::RemainderUnsigned:
    case Opcode::RemainderWord:
    case Opcode::RemainderUnsignedWord: return simplify_division(node.opcode, a, value, block);
    default: break;
    }
    return kNoNode;
}

// The pairs of shifts that stand for extensions.
NodeId Folder::simplify_shift_right(Node& node, std::int64_t amount, BlockId block) {
    const NodeId a = node.operands[0];
    const Node left = graph_.nodes[a];
    if (!graph_.is_operation(a, Opcode::ShiftLeft) || !graph_.is_constant(left.operands[1]))
        return kNoNode;
    const std::int64_t up = value_of(left.operands[1]) & 63;
    if (node.opcode == Opcode::ShiftRightSigned) {
        if (up == amount && amount == 32)
            return binary(Opcode::AddWord, left.operands[0], constant(0), block);
        if (up == amount && (amount == 48 || amount == 56)) {
            Node extension;
            extension.kind = Kind::Operation;
            extension.opcode = amount == 48 ? Opcode::SignExtend16 : Opcode::SignExtend8;
            extension.operands[0] = left.operands[0];
            return make(extension, block);
        }
        return kNoNode;
    }
    if (up == 32 && amount == 32)
        return binary(Opcode::AddUnsignedWord, left.operands[0], constant(0), block);
    if (up == 32 && amount < 32 && amount >= 29) // zero-extended and scaled, as for an index
        return binary(Opcode::ShiftLeft,
                      binary(Opcode::AddUnsignedWord, left.operands[0], constant(0), block),
                      constant(32 - amount), block);
    if (up == amount && amount > 32)
        return binary(Opcode::And, left.operands[0],
                      constant(static_cast<std::int64_t>(~std::uint64_t{0} >> amount)), block);
    return kNoNode;
}

NodeId Folder::simplify_unary(Node& node) {
    if (!graph_.is_constant(node.operands[0]))
        return kNoNode;
    return constant(static_cast<std::int64_t>(
        ir::evaluate(node.opcode, static_cast<std::uint64_t>(value_of(node.operands[0])))));
}

bool computes_word(const Graph& graph, const Node& node) {
    if (node.kind != Kind::Operation)
        return node.kind == Kind::Phi && node.is_word;
    const auto operand_is_word = [&](int i) { return graph.nodes[node.operands[i]].is_word; };
    const auto constant_operand = [&](std::int64_t& value) {
        if (!graph.is_constant(node.operands[1]))
            return false;
        value = graph.nodes[node.operands[1]].immediate;
        return true;
    };
    std::int64_t value = 0;
    switch (node.opcode) {
    case Opcode::Constant: return node.immediate == static_cast<std::int32_t>(node.immediate);
    case Opcode::AddWord:
    case Opcode::SubtractWord:
    case Opcode::ShiftLeftWord:
    case Opcode::ShiftRightWord:
    case Opcode::ShiftRightSignedWord:
    case Opcode::RotateLeftWord:
    case Opcode::RotateRightWord:
    case Opcode::MultiplyWord:
    case Opcode::DivideWord:
    case Opcode::DivideUnsignedWord:
    case Opcode::RemainderWord:
    case Opcode::RemainderUnsignedWord:
    case Opcode::Less:
    case Opcode::LessUnsigned:
    case Opcode::BitExtract:
    case Opcode::CountLeadingZeros:
    case Opcode::CountTrailingZeros:
    case Opcode::PopulationCount:
    case Opcode::CountLeadingZerosWord:
    case Opcode::CountTrailingZerosWord:
    case Opcode::PopulationCountWord:
    case Opcode::SignExtend8:
    case Opcode::SignExtend16:
    case Opcode::ZeroExtend16:
    case Opcode::FloatCompare:
    case Opcode::FloatClassify: return true;
    case Opcode::And:
        if (constant_operand(value) && value >= 0 && value <= INT32_MAX)
            return true;
        return operand_is_word(0) && operand_is_word(1);
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::XorNot:
    case Opcode::AndNot:
    case Opcode::OrNot:
    case Opcode::Minimum:
    case Opcode::Maximum:
    case Opcode::MinimumUnsigned:
    case Opcode::MaximumUnsigned: return operand_is_word(0) && operand_is_word(1);
    case Opcode::ShiftRight: return constant_operand(value) && (value & 63) >= 33;
    case Opcode::ShiftRightSigned:
        return constant_operand(value) && ((value & 63) >= 32 || operand_is_word(0));
    case Opcode::Load:
        return node.type == ir::Type::Integer &&
               (node.width < 4 ||
                (node.width == 4 && node.attribute == static_cast<std::uint8_t>(ir::Extension::Sign)));
    case Opcode::StoreConditional: return true;
    case Opcode::LoadReserved:
    case Opcode::Atomic: return node.width == 4;
    default: return false;
    }
}

} // namespace ashlar::jit::optimizer
