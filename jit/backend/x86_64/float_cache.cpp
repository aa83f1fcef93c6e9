#include "jit/backend/x86_64/float_cache.h"

#include "lib/assert.h"

namespace ashlar::jit::x86_64 {

using interpreter::Op;
using ir::Opcode;

void FloatCache::begin(const Classifier& classifier, std::span<const Op> code) {
    clear();
    used_ = false;
    for (std::size_t i = 1; i < code.size() && !used_; ++i) {
        const OpClass op_class = classifier.classify(code[i].handler);
        used_ = op_class.shape == Shape::Float ||
                (op_class.shape == Shape::Load &&
                 (op_class.extension == ir::Extension::Box || is_float(code[i].d)));
        if (op_class.shape == Shape::LoadWide)
            ++i;
        if (op_class.shape >= Shape::Jump)
            break;
    }
    if (!used_)
        return;
    boxed_.fill(false);
    last_read_.fill(0);
    for (std::size_t i = 1; i < code.size(); ++i) {
        const Op& op = code[i];
        const Shape shape = classifier.classify(op.handler).shape;
        const auto index = static_cast<std::uint16_t>(i);
        if (shape == Shape::Float)
            last_read_[op.a] = last_read_[op.b] = last_read_[op.c] = index;
        else if (shape == Shape::Store)
            last_read_[op.d] = index;
        else if (shape == Shape::LoadWide)
            ++i;
        if (shape >= Shape::Jump)
            break;
    }
}

void FloatCache::end_op(const OpClass& op_class, const Op& op) {
    if (!used_)
        return;
    switch (op_class.shape) {
    case Shape::Float:
        // The result's register is the slot's already, or an integer has been written.
        boxed_[op.d] = op_class.opcode == Opcode::FloatNarrow ||
                       (op_class.precision == ir::Precision::Single &&
                        op_class.opcode != Opcode::FloatWiden && !op_class.has_integer_result());
        return;
    case Shape::Load:
        boxed_[op.d] = op_class.extension == ir::Extension::Box;
        if (!is_float(op.d))
            forget(op.d);
        return;
    case Shape::Call: // perhaps of a helper, which may write anything
        boxed_.fill(false);
        return clear();
    case Shape::Copy: boxed_[op.d] = boxed_[op.a]; return forget(op.d);
    case Shape::Store:
    case Shape::Fence:
    case Shape::Guard:
    case Shape::CallIf: return; // without a result
    default: boxed_[op.d] = false; return forget(op.d);
    }
}

void FloatCache::forget(unsigned slot) {
    if (const int found = find(slot); found >= 0)
        contents_[static_cast<std::size_t>(found)] = kNothing;
}

int FloatCache::find(unsigned slot) {
    for (unsigned i = 0; i < kRegisters; ++i)
        if (contents_[i] == slot && slot != kNothing) {
            busy_ |= 1u << i;
            return static_cast<int>(i);
        }
    return -1;
}

int FloatCache::assign(unsigned slot) {
    const int found = find(slot);
    return found >= 0 ? found : assign_another(slot);
}

int FloatCache::assign_another(unsigned slot) {
    forget(slot);
    // One that is not needed any more, else the next in turn.
    unsigned chosen = kRegisters;
    for (unsigned i = 0; i < kRegisters && chosen == kRegisters; ++i)
        if ((busy_ >> i & 1) == 0 && !is_needed(contents_[i]))
            chosen = i;
    while (chosen == kRegisters) {
        if ((busy_ >> next_ & 1) == 0)
            chosen = next_;
        next_ = (next_ + 1) % kRegisters;
    }
    busy_ |= 1u << chosen;
    contents_[chosen] = static_cast<std::uint8_t>(slot);
    return static_cast<int>(chosen);
}

FloatCache::Contents FloatCache::needed() const {
    Contents contents = contents_;
    if (!used_)
        return contents; // nothing
    for (std::uint8_t& slot : contents)
        if (!is_needed(slot))
            slot = kNothing;
    return contents;
}

} // namespace ashlar::jit::x86_64
