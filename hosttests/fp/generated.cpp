#include "hosttests/fp/generated.h"

#include <cstddef>
#include <cstring>

#include "jit/fp_host.h"

namespace ashlar::jit::fp::test {

using x86_64::HostFeatures;
using Xbyak::Xmm;

// What the code is called with, in rdi. Operands have something else in their high halves.
struct Generated::Frame {
    struct Register {
        std::uint64_t low, high;
    };
    Register operands[3];
    Register after[3]; // the operands' registers, when the code returns
    std::uint64_t value, integer, slow;
};

std::vector<HostFeatures> feature_sets() {
    HostFeatures best = HostFeatures::detect();
    std::vector<HostFeatures> sets{best};
    best.avx = best.fma = false;
    sets.push_back(best);
    sets.push_back({});
    return sets;
}

Generated::Generated(const HostFeatures& features)
    : emitter_(x86_64::Emitter::create(memory_.get().writable.size()).value()), float_(*emitter_) {
    emitter_->features = features;
    for (int i = 0; i < 16; ++i)
        registers_.emplace_back(i);
    for (std::size_t i = 0; i < 3; ++i)
        addresses_.push_back(
            emitter_->ptr[emitter_->rdi + offsetof(Frame, operands) + i * sizeof(Frame::Register)]);
}

const Xbyak::Operand& Generated::operand(int where, std::size_t index) const {
    if (where == Layout::kMemory)
        return addresses_[index];
    return registers_[static_cast<std::size_t>(where)];
}

void Generated::begin(const Layout& layout) {
    layout_ = layout;
    Xbyak::CodeGenerator& e = *emitter_;
    emitter_->restart(0);
    const Xbyak::Reg64 context = emitter_->context_register();
    e.push(context);
    e.mov(context, reinterpret_cast<std::uintptr_t>(context_.get()) + x86_64::kContextBias);
    const int wheres[] = {layout.a, layout.b, layout.c};
    for (std::size_t i = 3; i-- != 0;)
        if (wheres[i] != Layout::kMemory)
            e.movups(Xmm(wheres[i]), addresses_[i]);
    e.mov(e.rcx, addresses_[0]);
}

void Generated::emit_return(bool slow) {
    Xbyak::CodeGenerator& e = *emitter_;
    e.mov(e.qword[e.rdi + offsetof(Frame, slow)], slow ? 1 : 0);
    const int wheres[] = {layout_.a, layout_.b, layout_.c};
    for (std::size_t i = 0; i < 3; ++i)
        if (wheres[i] != Layout::kMemory)
            e.movups(e.ptr[e.rdi + offsetof(Frame, after) + i * sizeof(Frame::Register)], Xmm(wheres[i]));
    e.pop(emitter_->context_register());
    e.ret();
}

void Generated::end() {
    Xbyak::CodeGenerator& e = *emitter_;
    e.movq(e.ptr[e.rdi + offsetof(Frame, value)], Xmm(layout_.d));
    e.mov(e.ptr[e.rdi + offsetof(Frame, integer)], e.rdx);
    emit_return(false);
    float_.emit_cold_code();
    const x86_64::FloatEmitter::SlowJumps jumps = float_.take_slow_jumps();
    for (std::size_t i = 0; i < jumps.count; ++i)
        emitter_->bind(jumps.positions[i]);
    emit_return(true);
    const Bytes code = emitter_->emitted();
    std::memcpy(memory_.get().writable.data(), code.data(), code.size());
}

Generated::Operands Generated::effective(const Operands& operands) const {
    Operands result = operands;
    const auto shares = [](int one, int other) { return one == other && one != Layout::kMemory; };
    if (shares(layout_.c, layout_.b))
        result[2] = result[1];
    if (shares(layout_.b, layout_.a))
        result[1] = result[0];
    if (shares(layout_.c, layout_.a))
        result[2] = result[0];
    return result;
}

Generated::Outcome Generated::run(Rounding mode, const Operands& operands) const {
    constexpr std::uint64_t kGarbage = 0x7ff0123400000001; // a signaling NaN
    const Operands used = effective(operands);
    Frame frame{};
    for (std::size_t i = 0; i < 3; ++i)
        frame.operands[i] = frame.after[i] = {used[i], kGarbage};
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.get().executable);
    std::uint64_t flags = 0;
    start_accruing(static_cast<std::uint64_t>(mode));
    reinterpret_cast<void (*)(Frame*)>(address)(&frame);
    accrue(flags);
    start_accruing(0);
    const bool intact =
        frame.after[0].low == used[0] && frame.after[1].low == used[1] && frame.after[2].low == used[2];
    return {frame.value, frame.integer, flags, frame.slow != 0, intact};
}

} // namespace ashlar::jit::fp::test
