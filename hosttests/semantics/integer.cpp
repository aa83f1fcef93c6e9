// RV64I and M: every register and immediate instruction at its corner values, against a plain model.
#include "hosttests/semantics/single_step.h"

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;
using S = std::int64_t;

U word(U value) { // the low 32 bits, sign-extended
    return static_cast<U>(static_cast<S>(static_cast<std::int32_t>(static_cast<std::uint32_t>(value))));
}
S to_signed(U value) {
    return static_cast<S>(value);
}

struct RegisterForm {
    const char* name;
    std::uint32_t opcode;
    unsigned funct3, funct7;
    U (*model)(U, U);
};

U high_unsigned(U a, U b) {
    // Schoolbook, on halves.
    const U al = a & 0xffffffff, ah = a >> 32, bl = b & 0xffffffff, bh = b >> 32;
    const U low = al * bl, middle1 = ah * bl + (low >> 32), middle2 = al * bh + (middle1 & 0xffffffff);
    return ah * bh + (middle1 >> 32) + (middle2 >> 32);
}
U high_signed_unsigned(U a, U b) {
    return high_unsigned(a, b) - (to_signed(a) < 0 ? b : 0);
}
U high_signed(U a, U b) {
    return high_signed_unsigned(a, b) - (to_signed(b) < 0 ? a : 0);
}
constexpr U kMinimum = U{1} << 63, kOnes = ~U{0};
U divide(U a, U b) {
    if (b == 0)
        return kOnes;
    return a == kMinimum && b == kOnes ? kMinimum : static_cast<U>(to_signed(a) / to_signed(b));
}
U remainder(U a, U b) {
    if (b == 0)
        return a;
    return a == kMinimum && b == kOnes ? 0 : static_cast<U>(to_signed(a) % to_signed(b));
}
U divide_word(U a, U b) {
    return word(divide(word(a), word(b))); // -2^31 / -1 = 2^31, whose low word is -2^31
}
U remainder_word(U a, U b) {
    return word(remainder(word(a), word(b)));
}
U low(U a) {
    return a & 0xffffffff;
}

constexpr RegisterForm kRegisterForms[] = {
    {"add", 0x33, 0, 0x00, [](U a, U b) { return a + b; }},
    {"sub", 0x33, 0, 0x20, [](U a, U b) { return a - b; }},
    {"sll", 0x33, 1, 0x00, [](U a, U b) { return a << (b & 63); }},
    {"slt", 0x33, 2, 0x00, [](U a, U b) { return U{to_signed(a) < to_signed(b)}; }},
    {"sltu", 0x33, 3, 0x00, [](U a, U b) { return U{a < b}; }},
    {"xor", 0x33, 4, 0x00, [](U a, U b) { return a ^ b; }},
    {"srl", 0x33, 5, 0x00, [](U a, U b) { return a >> (b & 63); }},
    {"sra", 0x33, 5, 0x20, [](U a, U b) { return static_cast<U>(to_signed(a) >> (b & 63)); }},
    {"or", 0x33, 6, 0x00, [](U a, U b) { return a | b; }},
    {"and", 0x33, 7, 0x00, [](U a, U b) { return a & b; }},
    {"addw", 0x3b, 0, 0x00, [](U a, U b) { return word(a + b); }},
    {"subw", 0x3b, 0, 0x20, [](U a, U b) { return word(a - b); }},
    {"sllw", 0x3b, 1, 0x00, [](U a, U b) { return word(a << (b & 31)); }},
    {"srlw", 0x3b, 5, 0x00, [](U a, U b) { return word(low(a) >> (b & 31)); }},
    {"sraw", 0x3b, 5, 0x20, [](U a, U b) { return word(static_cast<U>(to_signed(word(a)) >> (b & 31))); }},
    {"mul", 0x33, 0, 0x01, [](U a, U b) { return a * b; }},
    {"mulh", 0x33, 1, 0x01, high_signed},
    {"mulhsu", 0x33, 2, 0x01, high_signed_unsigned},
    {"mulhu", 0x33, 3, 0x01, high_unsigned},
    {"div", 0x33, 4, 0x01, divide},
    {"divu", 0x33, 5, 0x01, [](U a, U b) { return b == 0 ? kOnes : a / b; }},
    {"rem", 0x33, 6, 0x01, remainder},
    {"remu", 0x33, 7, 0x01, [](U a, U b) { return b == 0 ? a : a % b; }},
    {"mulw", 0x3b, 0, 0x01, [](U a, U b) { return word(a * b); }},
    {"divw", 0x3b, 4, 0x01, divide_word},
    {"divuw", 0x3b, 5, 0x01, [](U a, U b) { return low(b) == 0 ? kOnes : word(low(a) / low(b)); }},
    {"remw", 0x3b, 6, 0x01, remainder_word},
    {"remuw", 0x3b, 7, 0x01, [](U a, U b) { return low(b) == 0 ? word(a) : word(low(a) % low(b)); }},
};

TEST(Semantics, RegisterForms) {
    for (const RegisterForm& form : kRegisterForms)
        check_binary(
            form.name,
            [&](unsigned rd, unsigned rs1, unsigned rs2) {
                return assemble::r(form.opcode, form.funct3, form.funct7, rd, rs1, rs2);
            },
            form.model);
}

struct ImmediateForm {
    const char* name;
    std::uint32_t opcode;
    unsigned funct3;
    U (*model)(U, U);
};

constexpr ImmediateForm kImmediateForms[] = {
    {"addi", 0x13, 0, [](U a, U i) { return a + i; }},
    {"slti", 0x13, 2, [](U a, U i) { return U{to_signed(a) < to_signed(i)}; }},
    {"sltiu", 0x13, 3, [](U a, U i) { return U{a < i}; }},
    {"xori", 0x13, 4, [](U a, U i) { return a ^ i; }},
    {"ori", 0x13, 6, [](U a, U i) { return a | i; }},
    {"andi", 0x13, 7, [](U a, U i) { return a & i; }},
    {"addiw", 0x1b, 0, [](U a, U i) { return word(a + i); }},
};

TEST(Semantics, ImmediateForms) {
    for (const ImmediateForm& form : kImmediateForms)
        for (const int immediate : kImmediates)
            check_unary(
                form.name,
                [&](unsigned rd, unsigned rs1) {
                    return assemble::i(form.opcode, form.funct3, rd, rs1, immediate);
                },
                [&](U a) { return form.model(a, static_cast<U>(S{immediate})); });
}

struct ShiftForm {
    const char* name;
    std::uint32_t opcode;
    unsigned funct3;
    int high; // bits 11..6 of the immediate
    unsigned width;
    U (*model)(U, unsigned);
};

constexpr ShiftForm kShiftForms[] = {
    {"slli", 0x13, 1, 0x000, 64, [](U a, unsigned n) { return a << n; }},
    {"srli", 0x13, 5, 0x000, 64, [](U a, unsigned n) { return a >> n; }},
    {"srai", 0x13, 5, 0x400, 64, [](U a, unsigned n) { return static_cast<U>(to_signed(a) >> n); }},
    {"slliw", 0x1b, 1, 0x000, 32, [](U a, unsigned n) { return word(a << n); }},
    {"srliw", 0x1b, 5, 0x000, 32, [](U a, unsigned n) { return word(low(a) >> n); }},
    {"sraiw", 0x1b, 5, 0x400, 32,
     [](U a, unsigned n) { return word(static_cast<U>(to_signed(word(a)) >> n)); }},
};

TEST(Semantics, ShiftsByImmediates) {
    for (const ShiftForm& form : kShiftForms)
        for (unsigned amount = 0; amount < form.width; ++amount)
            check_unary(
                form.name,
                [&](unsigned rd, unsigned rs1) {
                    return assemble::i(form.opcode, form.funct3, rd, rs1,
                                       form.high | static_cast<int>(amount));
                },
                [&](U a) { return form.model(a, amount); });
}

TEST(Semantics, UpperImmediates) {
    SingleStep machine;
    for (const std::uint32_t upper : {0u, 1u, 0x7ffffu, 0x80000u, 0xfffffu, 0x12345u}) {
        const U shifted = word(U{upper} << 12);
        ASSERT_TRUE(machine.run(assemble::lui(5, upper)));
        EXPECT_EQ(machine.state().x[5], shifted);
        ASSERT_TRUE(machine.run(assemble::auipc(5, upper)));
        EXPECT_EQ(machine.state().x[5], SingleStep::kCode + shifted);
        ASSERT_TRUE(machine.run(assemble::auipc(0, upper)));
        EXPECT_EQ(machine.state().x[0], 0u);
    }
}

} // namespace

} // namespace ashlar::jit::test
