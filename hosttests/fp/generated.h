// Runs what FloatEmitter emits, one operation at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "jit/backend/x86_64/emit_float.h"
#include "jit/fp.h"
#include "jit/hosted/code_memory.h"

namespace ashlar::jit::fp::test {

// Where the operands and the result of an operation are.
struct Layout {
    const char* name;
    int d, a, b, c; // numbers of xmm registers; of operands also kMemory
    static constexpr int kMemory = -1;
};
inline constexpr Layout kLayouts[] = {{"d,a,b,c", 3, 0, 1, 2},
                                      {"a,a,b,c", 9, 9, 1, 12},
                                      {"b,a,b,c", 1, 0, 1, 2},
                                      {"c,a,b,c", 13, 0, 11, 13},
                                      {"d,m,m,m", 0, Layout::kMemory, Layout::kMemory, Layout::kMemory},
                                      {"d,a,m,c", 8, 10, Layout::kMemory, 2},
                                      {"b,m,b,m", 1, Layout::kMemory, 1, Layout::kMemory},
                                      {"a,a,m,m", 2, 2, Layout::kMemory, Layout::kMemory},
                                      {"d,a,a,a", 3, 0, 0, 0},
                                      {"a,a,a,a", 3, 3, 3, 3}};

// The host's instruction sets, the best one first.
std::vector<x86_64::HostFeatures> feature_sets();

// An operation as machine code.
class Generated {
public:
    using Source = x86_64::FloatEmitter::Source;
    using Operands = std::array<std::uint64_t, 3>; // a, b, c
    struct Outcome {
        std::uint64_t value, integer, flags; // which result it is depends on the operation
        bool slow;                           // the handler is wanted; no value
        bool operands_intact;                // in their registers
    };

    explicit Generated(const x86_64::HostFeatures& features);

    // `emit` gets the FloatEmitter, the registers for a result and the operands, and says whether the
    // operation is done. Integers are passed in rcx and come back in rdx.
    template <class Emit>
    bool assemble(const Layout& layout, bool known_boxed, Emit emit) {
        begin(layout);
        const Xbyak::Operand &a = operand(layout.a, 0), &b = operand(layout.b, 1), &c = operand(layout.c, 2);
        const bool done = emit(float_, Xbyak::Xmm(layout.d), Source{a, known_boxed}, Source{b, known_boxed},
                               Source{c, known_boxed});
        end();
        return done;
    }
    // Runs it in a rounding mode, by the protocol of fp_host.h. Of operands that share a register the first
    // counts; it is the integer too.
    Outcome run(Rounding mode, const Operands& operands) const;
    Operands effective(const Operands& operands) const;

private:
    struct Frame;
    void begin(const Layout& layout);
    void end();
    void emit_return(bool slow);
    const Xbyak::Operand& operand(int where, std::size_t index) const;

    hosted::HostedCodeMemory memory_{16384};
    std::unique_ptr<interpreter::Context> context_ =
        std::make_unique<interpreter::Context>(); // has constants
    std::unique_ptr<x86_64::Emitter> emitter_;
    x86_64::FloatEmitter float_;
    std::vector<Xbyak::Xmm> registers_;
    std::vector<Xbyak::Address> addresses_;
    Layout layout_{};
};

inline constexpr Rounding kHostModes[] = {Rounding::NearestEven, Rounding::TowardZero, Rounding::Down,
                                          Rounding::Up};
inline constexpr ir::Precision kPrecisions[] = {ir::Precision::Single, ir::Precision::Double};
inline bool is_double(ir::Precision precision) {
    return precision == ir::Precision::Double;
}

// Whether an operation was done inline, for tests of how often.
struct Counts {
    unsigned all = 0, slow = 0;
};

// `expected` computes the value from (operands, mode, flags).
template <class Expected>
void check(const Generated& code, const Generated::Operands& operands, Rounding mode, bool integer,
           Expected expected, Counts& counts) {
    const Generated::Operands used = code.effective(operands);
    std::uint64_t flags = 0;
    const std::uint64_t value = expected(used, mode, flags);
    const Generated::Outcome outcome = code.run(mode, operands);
    ++counts.all;
    if (outcome.slow) {
        ++counts.slow;
        EXPECT_TRUE(outcome.operands_intact);
        EXPECT_EQ(outcome.flags & ~flags, 0u); // the handler would not take them back
    } else {
        EXPECT_EQ(integer ? outcome.integer : outcome.value, value);
        EXPECT_EQ(outcome.flags, flags);
    }
    if (testing::Test::HasFailure())
        FAIL() << std::hex << used[0] << " " << used[1] << " " << used[2] << " mode "
               << static_cast<int>(mode);
}

} // namespace ashlar::jit::fp::test
