// Random blocks of floating-point instructions, loads and stores on all f registers, against a model made of
// jit/fp.h: copies of f registers in host registers come and go, and survive what is left to the interpreter.
#include "hosttests/semantics/float_guest.h"

#include <random>

#include "jit/fp.h"

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;
using fp::Rounding;

constexpr unsigned kDynamic = 7;
constexpr U kBox = 0xffffffff00000000;
constexpr U kData = kRam + 0x10000, kFar = 0x100000; // kFar apart: the same entry of the TLB
constexpr unsigned kWords = 8, kInstructions = 45;

struct Model {
    std::array<U, 32> f{}, x{};
    std::array<U, 2 * kWords> memory{};
    U flags = 0;
    Rounding mode{};
};

// The next random instruction: carried out on the model, and returned as its encoding.
class RandomInstruction {
public:
    RandomInstruction(Model& model, std::mt19937_64& generator)
        : model_(model),
          generator_(generator),
          is_double_(below(3) != 0),
          format_(is_double_ ? 1 : 0),
          rd_(below(32)),
          rs1_(below(32)),
          rs2_(below(32)),
          rs3_(below(32)),
          xd_(5 + below(4)) {}

    std::uint32_t next() {
        switch (below(10)) {
        case 0: return fused();
        case 1: return sign();
        case 2: return minimum();
        case 3: return compare_or_classify();
        case 4: return convert();
        case 5: return move();
        case 6: return load();
        case 7: return store();
        default: return arithmetic();
        }
    }

private:
    unsigned below(unsigned limit) { return static_cast<unsigned>(generator_() >> 32) % limit; }
    std::uint32_t op(unsigned funct5, unsigned rm, unsigned rd, unsigned rs1, unsigned rs2) const {
        return op_fp(funct5, format_, rm, rd, rs1, rs2);
    }
    // Some in a static mode.
    std::uint32_t arithmetic() {
        const unsigned i = below(5), rm = below(4) != 0 ? kDynamic : below(5);
        model_.f[rd_] = (is_double_ ? fp::arithmetic_d : fp::arithmetic_s)(
            static_cast<fp::Arithmetic>(i), model_.f[rs1_], model_.f[rs2_],
            rm == kDynamic ? model_.mode : static_cast<Rounding>(rm), model_.flags);
        return i == 4 ? op(0x0b, rm, rd_, rs1_, 0) : op(i, rm, rd_, rs1_, rs2_);
    }
    std::uint32_t fused() {
        const unsigned i = below(4);
        model_.f[rd_] = (is_double_ ? fp::fused_d : fp::fused_s)(static_cast<fp::Fused>(i), model_.f[rs1_],
                                                                 model_.f[rs2_], model_.f[rs3_], model_.mode,
                                                                 model_.flags);
        return assemble::r(0x43 + 4 * i, kDynamic, rs3_ << 2 | format_, rd_, rs1_, rs2_);
    }
    std::uint32_t sign() {
        const unsigned i = below(3), other = below(2) != 0 ? rs1_ : rs2_;
        model_.f[rd_] = (is_double_ ? fp::sign_inject_d : fp::sign_inject_s)(
            static_cast<fp::SignInjection>(i), model_.f[rs1_], model_.f[other]);
        return op(0x04, i, rd_, rs1_, other);
    }
    std::uint32_t minimum() {
        const bool maximum = below(2) != 0;
        const auto compute =
            is_double_ ? (maximum ? fp::max_d : fp::min_d) : (maximum ? fp::max_s : fp::min_s);
        model_.f[rd_] = compute(model_.f[rs1_], model_.f[rs2_], model_.flags);
        return op(0x05, maximum ? 1 : 0, rd_, rs1_, rs2_);
    }
    std::uint32_t compare_or_classify() {
        if (const unsigned i = below(4); i != 3) {
            model_.x[xd_] = (is_double_ ? fp::compare_d : fp::compare_s)(
                static_cast<fp::Compare>(i), model_.f[rs1_], model_.f[rs2_], model_.flags);
            return op(0x14, i, xd_, rs1_, rs2_);
        }
        model_.x[xd_] = (is_double_ ? fp::classify_d : fp::classify_s)(model_.f[rs1_]);
        return op(0x1c, 1, xd_, rs1_, 0);
    }
    std::uint32_t convert() {
        const unsigned i = below(4);
        switch (below(3)) {
        case 0:
            model_.f[rd_] = is_double_ ? fp::double_to_single(model_.f[rs1_], model_.mode, model_.flags)
                                       : fp::single_to_double(model_.f[rs1_], model_.flags);
            return op_fp(0x08, format_ ^ 1, kDynamic, rd_, rs1_, format_);
        case 1:
            model_.x[xd_] = (is_double_ ? fp::to_integer_d : fp::to_integer_s)(
                static_cast<fp::Integer>(i), model_.f[rs1_], Rounding::TowardZero, model_.flags);
            return op(0x18, 1, xd_, rs1_, i);
        default:
            model_.f[rd_] = (is_double_ ? fp::from_integer_d : fp::from_integer_s)(
                static_cast<fp::Integer>(i), model_.x[xd_], model_.mode, model_.flags);
            return op(0x1a, kDynamic, rd_, xd_, i);
        }
    }
    std::uint32_t move() {
        if (below(2) == 0) {
            model_.f[rd_] = is_double_ ? model_.x[xd_] : model_.x[xd_] | kBox;
            return op(0x1e, 0, rd_, xd_, 0);
        }
        model_.x[xd_] = is_double_ ? model_.f[rs1_]
                                   : static_cast<U>(std::int64_t{static_cast<std::int32_t>(model_.f[rs1_])});
        return op(0x1c, 0, xd_, rs1_, 0);
    }
    // x10 and x11 point to the halves of the memory.
    std::uint32_t load() {
        const unsigned half = below(2), word = below(kWords);
        const U bits = model_.memory[half * kWords + word];
        model_.f[rd_] = is_double_ ? bits : bits | kBox;
        return assemble::i(0x07, is_double_ ? 3 : 2, rd_, 10 + half, static_cast<int>(8 * word));
    }
    std::uint32_t store() {
        const unsigned half = below(2), word = below(kWords);
        U& to = model_.memory[half * kWords + word];
        to = is_double_ ? model_.f[rs2_] : (to & kBox) | (model_.f[rs2_] & 0xffffffff);
        return assemble::store(is_double_ ? 3 : 2, rs2_, 10 + half, static_cast<int>(8 * word)) | 4;
    }

    Model& model_;
    std::mt19937_64& generator_;
    bool is_double_;
    unsigned format_, rd_, rs1_, rs2_, rs3_, xd_;
};

U address_of(unsigned word) {
    return kData + (word / kWords) * kFar + 8 * (word % kWords);
}

// A double or a boxed single, of moderate size or of any.
U random_value(std::mt19937_64& generator) {
    const U bits = generator(), choice = generator();
    const U low = bits & 0xffffffff;
    switch (choice & 3) {
    case 0: return (bits & 0x800fffffffffffff) | (1020 + (choice >> 2 & 7)) << 52;
    case 1: return kBox | (low & 0x807fffff) | (124 + (choice >> 2 & 7)) << 23;
    case 2: return kBox | low;
    default: return bits;
    }
}

void set_up(FloatGuest& guest, Model& model, std::mt19937_64& generator) {
    riscv64::HartState& state = guest.state();
    for (U& f : model.f)
        f = random_value(generator);
    for (U& x : model.x)
        x = generator() >> (generator() & 63);
    model.x[10] = kData;
    model.x[11] = kData + kFar;
    for (unsigned i = 0; i < model.memory.size(); ++i) {
        model.memory[i] = random_value(generator);
        guest.guest().put(address_of(i), model.memory[i]);
    }
    for (unsigned i = 0; i < 32; ++i) {
        state.f[i] = model.f[i];
        state.x[i] = i == 0 ? 0 : model.x[i];
    }
    state.frm = static_cast<U>(model.mode);
    state.fflags = 0;
}

void run_block(U seed) {
    std::mt19937_64 generator(seed);
    FloatGuest guest;
    Model model;
    model.mode = static_cast<Rounding>(seed % 5);
    set_up(guest, model, generator);
    for (unsigned i = 0; i < kInstructions; ++i)
        guest.append(RandomInstruction(model, generator).next());
    ASSERT_TRUE(guest.run());
    for (unsigned i = 0; i < 32; ++i)
        ASSERT_EQ(guest.state().f[i], model.f[i]) << "f" << i;
    for (unsigned i = 5; i < 9; ++i)
        ASSERT_EQ(guest.state().x[i], model.x[i]) << "x" << i;
    for (unsigned i = 0; i < model.memory.size(); ++i)
        ASSERT_EQ(guest.guest().get<U>(address_of(i)), model.memory[i]) << "word " << i;
    ASSERT_EQ(guest.state().fflags, model.flags);
}

TEST(FloatBlocks, RandomOnes) {
    for (U seed = 0; seed < 2000; ++seed)
        ASSERT_NO_FATAL_FAILURE(run_block(seed)) << "seed " << seed;
}

} // namespace

} // namespace ashlar::jit::test
