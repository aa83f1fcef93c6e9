// Puts instructions one behind the other, with labels between them.
#pragma once

#include <cstddef>
#include <span>

#include "jit/backend/aarch64/encode_branch.h"

namespace ashlar::jit::aarch64 {

// A place in the code that branches lead to, before or after it is known. Branches to it may be emitted
// before it is bound: each holds the distance to the one before.
class Label {
public:
    Label() = default;
    Label(const Label&) = delete;
    Label& operator=(const Label&) = delete;

private:
    friend class Assembler;
    static constexpr std::size_t kNone = ~std::size_t{0};
    std::size_t place_ = kNone;    // index of a word, once bound
    std::size_t last_use_ = kNone; // of those that wait
};

// Over memory of the caller's. What has no room is dropped: overflowed() says so.
class Assembler {
public:
    explicit Assembler(std::span<Word> code) : code_(code) {}

    void emit(Word instruction) {
        if (position_ < code_.size())
            code_[position_] = instruction;
        ++position_;
    }
    // A branch (or ADR) whose distance is that to the label; it was made with distance 0.
    void emit(Word instruction, Label& to);
    // Once.
    void bind(Label& label);

    // `value` by as few instructions as there are: one that holds it, or 16 bits at a time.
    void load_constant(Register d, std::uint64_t value);

    std::size_t position() const { return position_; } // words
    bool overflowed() const { return position_ > code_.size(); }
    std::span<const Word> emitted() const { return code_.first(overflowed() ? code_.size() : position_); }

private:
    std::span<Word> code_;
    std::size_t position_ = 0;
};

} // namespace ashlar::jit::aarch64
