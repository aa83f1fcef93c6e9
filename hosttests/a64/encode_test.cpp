// Every form of instruction with random operands, word by word against GNU as.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "jit/backend/aarch64/encode_branch.h"
#include "jit/backend/aarch64/encode_float.h"
#include "jit/backend/aarch64/encode_integer.h"
#include "jit/backend/aarch64/encode_memory.h"

namespace ashlar::jit::aarch64 {
namespace {

constexpr const char* kConditions[] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                       "hi", "ls", "ge", "lt", "gt", "le", "al"};
constexpr const char* kExtends[] = {"uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"};
constexpr const char* kShifts[] = {"lsl", "lsr", "asr", "ror"};
constexpr unsigned kRounds = 24;

// Collects words and the text that they must be made of.
class Encoding : public testing::Test {
protected:
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    bool coin() { return below(2) != 0; }
    Register general() { return x(below(31)); } // neither zero register nor stack pointer
    Register base() { return below(8) == 0 ? kStack : general(); }
    Vector vector() { return v(below(32)); }
    Width width() { return coin() ? Width::X : Width::W; }
    Precision precision() { return coin() ? Precision::Double : Precision::Single; }
    Condition condition() { return static_cast<Condition>(below(14)); }
    std::int32_t between(std::int32_t low, std::int32_t high) {
        return low + static_cast<std::int32_t>(below(static_cast<unsigned>(high - low + 1)));
    }

    static std::string name(Width width, Register reg) {
        const auto number = static_cast<unsigned>(reg);
        return std::string(width == Width::X ? "x" : "w") + (number == 31 ? "zr" : std::to_string(number));
    }
    static std::string name(Register reg) { return name(Width::X, reg); }
    static std::string base_name(Register reg) { return reg == kStack ? "sp" : name(Width::X, reg); }
    static std::string name(Precision precision, Vector reg) {
        return (precision == Precision::Double ? "d" : "s") + std::to_string(static_cast<unsigned>(reg));
    }
    template <class... Parts>
    void expect(Word word, const Parts&... parts) {
        std::ostringstream line;
        (line << ... << parts);
        words_.push_back(word);
        lines_.push_back(line.str());
    }
    // Commas between operands.
    template <class First, class... Rest>
    static std::string list(const First& first, const Rest&... rest) {
        std::ostringstream text;
        text << ' ' << first;
        ((text << ", " << rest), ...);
        return text.str();
    }
    static std::string immediate(std::int64_t value) { return "#" + std::to_string(value); }

    // What GNU as makes of the lines.
    void TearDown() override {
        ASSERT_FALSE(words_.empty());
        const std::string stem = testing::TempDir() + "ashlar-a64-" + std::to_string(::getpid());
        std::ofstream source(stem + ".s");
        source << ".arch armv8.2-a+fp\n";
        for (const std::string& line : lines_)
            source << line << '\n';
        source.close();
        const std::string commands = "aarch64-linux-gnu-as -o " + stem + ".o " + stem +
                                     ".s && aarch64-linux-gnu-objcopy -O binary -j .text " + stem + ".o " +
                                     stem + ".bin";
        const int status = std::system(commands.c_str());
        std::ifstream stream(stem + ".bin", std::ios::binary);
        const std::string binary{std::istreambuf_iterator<char>(stream), {}};
        for (const char* suffix : {".s", ".o", ".bin"})
            std::remove((stem + suffix).c_str());
        ASSERT_EQ(status, 0);
        ASSERT_EQ(binary.size(), 4 * words_.size());
        for (std::size_t i = 0; i < words_.size(); ++i) {
            Word expected;
            __builtin_memcpy(&expected, binary.data() + 4 * i, 4);
            EXPECT_EQ(words_[i], expected)
                << lines_[i] << std::hex << ": " << words_[i] << " for " << expected;
        }
    }

    std::mt19937 random_{20261124};
    std::vector<Word> words_;
    std::vector<std::string> lines_;
};

TEST_F(Encoding, Arithmetic) {
    constexpr const char* kNames[] = {"add", "adds", "sub", "subs"};
    for (unsigned round = 0; round < kRounds; ++round)
        for (unsigned op = 0; op < 4; ++op) {
            const auto kind = static_cast<Arithmetic>(op);
            const Width w = width();
            const Register d = general(), n = general(), m = general();
            const std::uint64_t value = std::uint64_t{below(4096)} << (coin() ? 12 : 0);
            expect(arithmetic(kind, w, d, n, value), kNames[op],
                   list(name(w, d), name(w, n), immediate(static_cast<std::int64_t>(value))));
            const unsigned amount = below(w == Width::X ? 64 : 32), shift = below(3);
            expect(arithmetic(kind, w, d, n, m, static_cast<Shift>(shift), amount), kNames[op],
                   list(name(w, d), name(w, n), name(w, m)), ", ", kShifts[shift], " #", amount);
            const unsigned extend = below(8), scale = below(5);
            const Width of_index = (extend & 3) == 3 ? Width::X : Width::W;
            if (w == Width::X)
                expect(arithmetic(kind, w, d, n, m, static_cast<Extend>(extend), scale), kNames[op],
                       list(name(w, d), name(w, n), name(of_index, m)), ", ", kExtends[extend], " #", scale);
            constexpr const char* kCarry[] = {"adc", "adcs", "sbc", "sbcs"};
            expect(add_with_carry(kind, w, d, n, m), kCarry[op], list(name(w, d), name(w, n), name(w, m)));
        }
    expect(arithmetic(Arithmetic::Add, Width::X, kStack, kStack, 16), "add sp, sp, #16");
}

TEST_F(Encoding, LogicAndConstants) {
    constexpr const char* kNames[] = {"and", "orr", "eor", "ands"};
    constexpr const char* kInverted[] = {"bic", "orn", "eon", "bics"};
    for (unsigned round = 0; round < kRounds; ++round)
        for (unsigned op = 0; op < 4; ++op) {
            const auto kind = static_cast<Logical>(op);
            const Width w = width();
            const Register d = general(), n = general(), m = general();
            const unsigned amount = below(w == Width::X ? 64 : 32), shift = below(4);
            for (const bool invert : {false, true})
                expect(logical(kind, w, d, n, m, invert, static_cast<Shift>(shift), amount),
                       invert ? kInverted[op] : kNames[op], list(name(w, d), name(w, n), name(w, m)), ", ",
                       kShifts[shift], " #", amount);
            // A run of ones, rotated and repeated
            const unsigned size = 2u << below(w == Width::X ? 6 : 5), ones = 1 + below(size - 1),
                           turn = below(size);
            const std::uint64_t run = low_bits(ones);
            std::uint64_t value = turn == 0 ? run : (run >> turn | run << (size - turn)) & low_bits(size);
            for (unsigned have = size; have < 64; have *= 2)
                value |= value << have;
            if (w == Width::W)
                value &= low_bits(32);
            std::ostringstream text;
            text << "#0x" << std::hex << value;
            expect(logical(kind, w, d, n, value), kNames[op], list(name(w, d), name(w, n), text.str()));
        }
    for (unsigned round = 0; round < kRounds; ++round) {
        const Width w = width();
        const Register d = general();
        const auto value = static_cast<std::uint16_t>(below(0x10000));
        const unsigned shift = 16 * below(w == Width::X ? 4 : 2);
        expect(move_wide(MoveWide::Not, w, d, value, shift), "movn", list(name(w, d), immediate(value)),
               ", lsl #", shift);
        expect(move_wide(MoveWide::Zero, w, d, value, shift), "movz", list(name(w, d), immediate(value)),
               ", lsl #", shift);
        expect(move_wide(MoveWide::Keep, w, d, value, shift), "movk", list(name(w, d), immediate(value)),
               ", lsl #", shift);
        const Register m = general();
        expect(move(w, d, m), "mov", list(name(w, d), name(w, m)));
    }
}

TEST_F(Encoding, ShiftsAndFields) {
    constexpr const char* kFields[] = {"sbfm", "bfm", "ubfm"};
    for (unsigned round = 0; round < 2 * kRounds; ++round) {
        const Width w = width();
        const unsigned size = w == Width::X ? 64 : 32, a = below(size), b = below(size);
        const Register d = general(), n = general(), m = general();
        for (unsigned op = 0; op < 3; ++op)
            expect(bit_field(static_cast<BitField>(op), w, d, n, a, b), kFields[op],
                   list(name(w, d), name(w, n), immediate(a), immediate(b)));
        expect(shift_left(w, d, n, a), "lsl", list(name(w, d), name(w, n), immediate(a)));
        expect(shift_right(w, d, n, a), "lsr", list(name(w, d), name(w, n), immediate(a)));
        expect(shift_right_arithmetic(w, d, n, a), "asr", list(name(w, d), name(w, n), immediate(a)));
        expect(extract(w, d, n, m, a), "extr", list(name(w, d), name(w, n), name(w, m), immediate(a)));
        expect(sign_extend(d, n, 8), "sxtb", list(name(d), name(Width::W, n)));
        expect(sign_extend(d, n, 32), "sxtw", list(name(d), name(Width::W, n)));
        expect(zero_extend(d, n, 16), "uxth", list(name(Width::W, d), name(Width::W, n)));
    }
}

TEST_F(Encoding, OneTwoAndThreeSources) {
    const std::pair<TwoSource, const char*> kTwo[] = {{TwoSource::UnsignedDivide, "udiv"},
                                                      {TwoSource::SignedDivide, "sdiv"},
                                                      {TwoSource::ShiftLeft, "lsl"},
                                                      {TwoSource::ShiftRight, "lsr"},
                                                      {TwoSource::ShiftRightArithmetic, "asr"},
                                                      {TwoSource::RotateRight, "ror"}};
    const std::pair<OneSource, const char*> kOne[] = {{OneSource::ReverseBits, "rbit"},
                                                      {OneSource::ReverseBytesOfHalves, "rev16"},
                                                      {OneSource::CountLeadingZeros, "clz"},
                                                      {OneSource::CountLeadingSigns, "cls"}};
    for (unsigned round = 0; round < kRounds; ++round) {
        const Width w = width();
        const Register d = general(), n = general(), m = general(), a = general();
        for (const auto& [op, text] : kTwo)
            expect(two_source(op, w, d, n, m), text, list(name(w, d), name(w, n), name(w, m)));
        for (const auto& [op, text] : kOne)
            expect(one_source(op, w, d, n), text, list(name(w, d), name(w, n)));
        expect(one_source(OneSource::ReverseBytes, Width::X, d, n), "rev", list(name(d), name(n)));
        expect(one_source(OneSource::ReverseBytesOfWords, Width::X, d, n), "rev32", list(name(d), name(n)));
        expect(one_source(OneSource::ReverseBytesOfWords, Width::W, d, n), "rev",
               list(name(Width::W, d), name(Width::W, n)));
        expect(multiply_add(w, d, n, m, a), "madd", list(name(w, d), name(w, n), name(w, m), name(w, a)));
        expect(multiply_subtract(w, d, n, m, a), "msub",
               list(name(w, d), name(w, n), name(w, m), name(w, a)));
        expect(multiply_add(w, d, n, m), "mul", list(name(w, d), name(w, n), name(w, m)));
        for (const bool is_signed : {true, false}) {
            expect(multiply_add_long(is_signed, d, n, m, a), is_signed ? "smaddl" : "umaddl",
                   list(name(d), name(Width::W, n), name(Width::W, m), name(a)));
            expect(multiply_high(is_signed, d, n, m), is_signed ? "smulh" : "umulh",
                   list(name(d), name(n), name(m)));
        }
    }
}

TEST_F(Encoding, Conditions) {
    constexpr const char* kSelects[] = {"csel", "csinc", "csinv", "csneg"};
    for (unsigned round = 0; round < kRounds; ++round) {
        const Width w = width();
        const Register d = general(), n = general(), m = general();
        const Condition c = condition();
        const char* const text = kConditions[static_cast<unsigned>(c)];
        for (unsigned op = 0; op < 4; ++op)
            expect(select(static_cast<Select>(op), w, d, n, m, c), kSelects[op],
                   list(name(w, d), name(w, n), name(w, m), text));
        expect(set_if(w, d, c), "cset", list(name(w, d), text));
        const unsigned flags = below(16), value = below(32);
        for (const bool negated : {false, true}) {
            expect(compare_if(negated, w, n, m, flags, c), negated ? "ccmn" : "ccmp",
                   list(name(w, n), name(w, m), immediate(flags), text));
            expect(compare_if(negated, w, n, value, flags, c), negated ? "ccmn" : "ccmp",
                   list(name(w, n), immediate(value), immediate(flags), text));
        }
    }
}

TEST_F(Encoding, Memory) {
    constexpr const char* kStores[] = {"b", "h", "", ""};
    for (unsigned round = 0; round < kRounds; ++round)
        for (unsigned s = 0; s < 4; ++s)
            for (unsigned op = 0; op < 4; ++op) {
                const auto size = static_cast<Size>(s);
                const auto kind = static_cast<Access>(op);
                if ((kind == Access::LoadSigned && s == 3) || (kind == Access::LoadSignedWord && s >= 2))
                    continue;
                const bool wide = kind == Access::LoadSigned || (kind != Access::LoadSignedWord && s == 3);
                const Register t = general(), n = base(), index = general();
                const std::string target = name(wide ? Width::X : Width::W, t);
                const std::string suffix = kind == Access::LoadSigned && s == 2 ? "w" : kStores[s];
                const std::string sign = op >= 2 ? "s" : "";
                const std::string verb = op == 0 ? "st" : "ld";
                const std::uint32_t offset = below(4096) << s;
                expect(access(kind, size, t, n, offset), verb, "r", sign, suffix, ' ', target, ", [",
                       base_name(n), ", #", offset, ']');
                const std::int32_t near = between(-256, 255);
                expect(access_unscaled(kind, size, t, n, near), verb, "ur", sign, suffix, ' ', target, ", [",
                       base_name(n), ", #", near, ']');
                if (n == kStack || n != t) {
                    expect(access_and_move(kind, size, t, n, near, true), verb, "r", sign, suffix, ' ',
                           target, ", [", base_name(n), ", #", near, "]!");
                    expect(access_and_move(kind, size, t, n, near, false), verb, "r", sign, suffix, ' ',
                           target, ", [", base_name(n), "], #", near);
                }
                const bool scaled = coin();
                const Extend extend = coin() ? Extend::Uxtw : Extend::Sxtw;
                expect(access(kind, size, t, n, index, extend, scaled), verb, "r", sign, suffix, ' ', target,
                       ", [", base_name(n), ", ", name(Width::W, index), ", ",
                       kExtends[static_cast<unsigned>(extend)], scaled ? " #" + std::to_string(s) : "", ']');
                if (s != 0 || !scaled)
                    expect(access(kind, size, t, n, index, Extend::Uxtx, scaled), verb, "r", sign, suffix,
                           ' ', target, ", [", base_name(n), ", ", name(index),
                           scaled ? ", lsl #" + std::to_string(s) : "", ']');
            }
}

TEST_F(Encoding, PairsAndAtomics) {
    constexpr const char* kSuffix[] = {"b", "h", "", ""};
    constexpr const char* kOrders[] = {"", "a", "l", "al"};
    constexpr const char* kAtomics[] = {"ldadd",  "ldclr",  "ldeor",  "ldset", "ldsmax",
                                        "ldsmin", "ldumax", "ldumin", "swp"};
    for (unsigned round = 0; round < kRounds; ++round) {
        const Width w = width();
        const Register t = x(below(15)), t2 = x(15 + below(8)), n = below(4) == 0 ? kStack : x(23 + below(7));
        const std::int32_t offset = between(-64, 63) * (w == Width::X ? 8 : 4);
        for (const bool load : {false, true}) {
            const char* const verb = load ? "ldp" : "stp";
            const std::string targets = list(name(w, t), name(w, t2));
            expect(access_pair(load, w, t, t2, n, offset), verb, targets, ", [", base_name(n), ", #", offset,
                   ']');
            expect(access_pair(load, w, t, t2, n, offset, Pair::Before), verb, targets, ", [", base_name(n),
                   ", #", offset, "]!");
            expect(access_pair(load, w, t, t2, n, offset, Pair::After), verb, targets, ", [", base_name(n),
                   "], #", offset);
        }
        for (unsigned s = 0; s < 4; ++s) {
            const auto size = static_cast<Size>(s);
            const Width of = s == 3 ? Width::X : Width::W;
            const std::string at = ", [" + base_name(n) + "]";
            expect(load_acquire(size, t, n), "ldar", kSuffix[s], ' ', name(of, t), at);
            expect(store_release(size, t, n), "stlr", kSuffix[s], ' ', name(of, t), at);
            const bool ordered = coin();
            expect(load_exclusive(size, t, n, ordered), ordered ? "ldaxr" : "ldxr", kSuffix[s], ' ',
                   name(of, t), at);
            expect(store_exclusive(size, t2, t, n, ordered), ordered ? "stlxr" : "stxr", kSuffix[s],
                   list(name(Width::W, t2), name(of, t)), at);
            for (unsigned order = 0; order < 4; ++order) {
                for (unsigned op = 0; op < std::size(kAtomics); ++op)
                    expect(atomic(static_cast<Atomic>(op), size, static_cast<Order>(order), t2, t, n),
                           kAtomics[op], kOrders[order], kSuffix[s], list(name(of, t2), name(of, t)), at);
                expect(compare_and_swap(size, static_cast<Order>(order), t2, t, n), "cas", kOrders[order],
                       kSuffix[s], list(name(of, t2), name(of, t)), at);
            }
        }
    }
    expect(memory_barrier(Barrier::Loads), "dmb ishld");
    expect(memory_barrier(Barrier::Stores), "dmb ishst");
    expect(memory_barrier(Barrier::All), "dmb ish");
    expect(completion_barrier(Barrier::All), "dsb ish");
    expect(kInstructionBarrier, "isb");
    expect(clean_data(x(7)), "dc cvau, x7");
    expect(invalidate_instructions(x(9)), "ic ivau, x9");
}

TEST_F(Encoding, Branches) {
    for (unsigned round = 0; round < kRounds; ++round) {
        const std::int64_t near = std::int64_t{between(-8192, 8191)} * 4,
                           middle = std::int64_t{between(-262144, 262143)} * 4;
        const auto there = [](std::int64_t distance) { return ". + (" + std::to_string(distance) + ")"; };
        const Width w = width();
        const Register t = general();
        const unsigned bit = below(64);
        const Condition c = condition();
        expect(branch(middle * 64), "b ", there(middle * 64));
        expect(branch(middle * 64, true), "bl ", there(middle * 64));
        expect(branch_if(c, middle), "b.", kConditions[static_cast<unsigned>(c)], ' ', there(middle));
        for (const bool zero : {true, false})
            expect(branch_if_zero(w, t, middle, zero), zero ? "cbz " : "cbnz ", name(w, t), ", ",
                   there(middle));
        for (const bool set : {true, false})
            expect(branch_if_bit(t, bit, near, set), set ? "tbnz " : "tbz ", name(t), ", #", bit, ", ",
                   there(near));
        expect(branch_to(Indirect::Jump, t), "br ", name(t));
        expect(branch_to(Indirect::Call, t), "blr ", name(t));
        expect(branch_to(Indirect::Return, t), "ret ", name(t));
        expect(address_of(t, near + 3), "adr ", name(t), ", ", there(near + 3));
    }
    expect(kNothing, "nop");
    expect(supervisor_call(0x1234), "svc #0x1234");
    expect(hypervisor_call(0), "hvc #0");
    expect(breakpoint(77), "brk #77");
    expect(read_system(x(4), kFlags), "mrs x4, nzcv");
    expect(write_system(kFlags, x(5)), "msr nzcv, x5");
    expect(read_system(x(6), kFpStatus), "mrs x6, fpsr");
    expect(write_system(kFpControl, x(7)), "msr fpcr, x7");
}

TEST_F(Encoding, FloatingPoint) {
    constexpr const char* kTwo[] = {"fmul", "fdiv",   "fadd",   "fsub", "fmax",
                                    "fmin", "fmaxnm", "fminnm", "fnmul"};
    const std::pair<FloatOne, const char*> kOne[] = {{FloatOne::Move, "fmov"},
                                                     {FloatOne::Absolute, "fabs"},
                                                     {FloatOne::Negate, "fneg"},
                                                     {FloatOne::SquareRoot, "fsqrt"},
                                                     {FloatOne::RoundNearestEven, "frintn"},
                                                     {FloatOne::RoundUp, "frintp"},
                                                     {FloatOne::RoundDown, "frintm"},
                                                     {FloatOne::RoundTowardZero, "frintz"},
                                                     {FloatOne::RoundNearestAway, "frinta"},
                                                     {FloatOne::RoundExact, "frintx"},
                                                     {FloatOne::RoundCurrent, "frinti"}};
    constexpr const char* kFused[] = {"fmadd", "fmsub", "fnmadd", "fnmsub"};
    constexpr const char* kRounding[] = {"fcvtn", "fcvtp", "fcvtm", "fcvtz", "fcvta"};
    for (unsigned round = 0; round < kRounds; ++round) {
        const Precision p = precision();
        const Width w = width();
        const Vector d = vector(), n = vector(), m = vector(), a = vector();
        const Register t = general(), b = base(), index = general();
        const Condition c = condition();
        for (unsigned op = 0; op < std::size(kTwo); ++op)
            expect(float_two(static_cast<FloatTwo>(op), p, d, n, m), kTwo[op],
                   list(name(p, d), name(p, n), name(p, m)));
        for (const auto& [op, text] : kOne)
            expect(float_one(op, p, d, n), text, list(name(p, d), name(p, n)));
        for (unsigned op = 0; op < 4; ++op)
            expect(float_fused(static_cast<Fused>(op), p, d, n, m, a), kFused[op],
                   list(name(p, d), name(p, n), name(p, m), name(p, a)));
        const Precision other = p == Precision::Double ? Precision::Single : Precision::Double;
        expect(float_convert(p, d, n), "fcvt", list(name(other, d), name(p, n)));
        for (const bool signaling : {false, true}) {
            expect(float_compare(p, n, m, signaling), signaling ? "fcmpe" : "fcmp",
                   list(name(p, n), name(p, m)));
            expect(float_compare_zero(p, n, signaling), signaling ? "fcmpe" : "fcmp",
                   list(name(p, n), "#0.0"));
        }
        expect(float_select(p, d, n, m, c), "fcsel",
               list(name(p, d), name(p, n), name(p, m), kConditions[static_cast<unsigned>(c)]));
        for (unsigned op = 0; op < std::size(kRounding); ++op)
            for (const bool is_signed : {true, false})
                expect(float_to_integer(static_cast<ToInteger>(op), is_signed, w, p, t, n), kRounding[op],
                       is_signed ? 's' : 'u', list(name(w, t), name(p, n)));
        for (const bool is_signed : {true, false})
            expect(integer_to_float(is_signed, w, p, d, t), is_signed ? "scvtf" : "ucvtf",
                   list(name(p, d), name(w, t)));
        const Width of_bits = p == Precision::Double ? Width::X : Width::W;
        expect(float_from_bits(p, d, t), "fmov", list(name(p, d), name(of_bits, t)));
        expect(float_to_bits(p, t, n), "fmov", list(name(of_bits, t), name(p, n)));
        const unsigned size = p == Precision::Double ? 3 : 2;
        const std::uint32_t offset = below(4096) << size;
        for (const bool load : {false, true}) {
            expect(float_access(load, p, d, b, offset), load ? "ldr" : "str", list(name(p, d)), ", [",
                   base_name(b), ", #", offset, ']');
            expect(float_access(load, p, d, b, index, Extend::Sxtw, true), load ? "ldr" : "str",
                   list(name(p, d)), ", [", base_name(b), ", ", name(Width::W, index), ", sxtw #", size, ']');
        }
        // +-(16 to 31)/16 times a power of two
        const double value =
            (coin() ? 1 : -1) * (16 + static_cast<double>(below(16))) / 16 * (1 << below(8)) / 8;
        std::uint64_t bits;
        __builtin_memcpy(&bits, &value, 8);
        std::ostringstream text;
        text.precision(12);
        text << "#" << std::showpoint << value;
        expect(float_constant(p, d, bits), "fmov", list(name(p, d), text.str()));
    }
}

} // namespace
} // namespace ashlar::jit::aarch64
