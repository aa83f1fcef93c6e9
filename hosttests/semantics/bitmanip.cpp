// Zba, Zbb and Zbs, bit by bit.
#include "hosttests/semantics/single_step.h"

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;
using S = std::int64_t;

U word(U value) {
    return static_cast<U>(static_cast<S>(static_cast<std::int32_t>(static_cast<std::uint32_t>(value))));
}
U low(U a) {
    return a & 0xffffffff;
}
bool bit(U a, U n) {
    return (a >> n & 1) != 0;
}
U leading_zeros(U a, unsigned width) {
    U count = 0;
    while (count < width && !bit(a, width - 1 - count))
        ++count;
    return count;
}
U trailing_zeros(U a, unsigned width) {
    U count = 0;
    while (count < width && !bit(a, count))
        ++count;
    return count;
}
U ones(U a, unsigned width) {
    U count = 0;
    for (unsigned n = 0; n < width; ++n)
        count += bit(a, n) ? 1 : 0;
    return count;
}
// One bit to the right at a time.
U rotate(U a, U count, unsigned width) {
    for (U n = 0; n < count; ++n)
        a = a >> 1 | (a & 1) << (width - 1);
    return a;
}
U or_combine(U a) {
    U result = 0;
    for (unsigned byte = 0; byte < 8; ++byte)
        if ((a >> (8 * byte) & 0xff) != 0)
            result |= U{0xff} << (8 * byte);
    return result;
}
U reverse_bytes(U a) {
    U result = 0;
    for (unsigned byte = 0; byte < 8; ++byte)
        result = result << 8 | (a >> (8 * byte) & 0xff);
    return result;
}

struct BinaryForm {
    const char* name;
    std::uint32_t opcode;
    unsigned funct3, funct7;
    U (*model)(U, U);
};

constexpr BinaryForm kBinaryForms[] = {
    {"add.uw", 0x3b, 0, 0x04, [](U a, U b) { return low(a) + b; }},
    {"sh1add", 0x33, 2, 0x10, [](U a, U b) { return a * 2 + b; }},
    {"sh2add", 0x33, 4, 0x10, [](U a, U b) { return a * 4 + b; }},
    {"sh3add", 0x33, 6, 0x10, [](U a, U b) { return a * 8 + b; }},
    {"sh1add.uw", 0x3b, 2, 0x10, [](U a, U b) { return low(a) * 2 + b; }},
    {"sh2add.uw", 0x3b, 4, 0x10, [](U a, U b) { return low(a) * 4 + b; }},
    {"sh3add.uw", 0x3b, 6, 0x10, [](U a, U b) { return low(a) * 8 + b; }},
    {"andn", 0x33, 7, 0x20, [](U a, U b) { return a & ~b; }},
    {"orn", 0x33, 6, 0x20, [](U a, U b) { return a | ~b; }},
    {"xnor", 0x33, 4, 0x20, [](U a, U b) { return ~(a ^ b); }},
    {"max", 0x33, 6, 0x05, [](U a, U b) { return static_cast<S>(a) > static_cast<S>(b) ? a : b; }},
    {"maxu", 0x33, 7, 0x05, [](U a, U b) { return a > b ? a : b; }},
    {"min", 0x33, 4, 0x05, [](U a, U b) { return static_cast<S>(a) < static_cast<S>(b) ? a : b; }},
    {"minu", 0x33, 5, 0x05, [](U a, U b) { return a < b ? a : b; }},
    {"rol", 0x33, 1, 0x30, [](U a, U b) { return rotate(a, (64 - (b & 63)) & 63, 64); }},
    {"ror", 0x33, 5, 0x30, [](U a, U b) { return rotate(a, b & 63, 64); }},
    {"rolw", 0x3b, 1, 0x30, [](U a, U b) { return word(rotate(low(a), (32 - (b & 31)) & 31, 32)); }},
    {"rorw", 0x3b, 5, 0x30, [](U a, U b) { return word(rotate(low(a), b & 31, 32)); }},
    {"bset", 0x33, 1, 0x14, [](U a, U b) { return a | U{1} << (b & 63); }},
    {"bclr", 0x33, 1, 0x24, [](U a, U b) { return a & ~(U{1} << (b & 63)); }},
    {"binv", 0x33, 1, 0x34, [](U a, U b) { return a ^ U { 1 } << (b & 63); }},
    {"bext", 0x33, 5, 0x24, [](U a, U b) { return U{bit(a, b & 63)}; }},
};

TEST(Semantics, BitManipulationOfTwoRegisters) {
    for (const BinaryForm& form : kBinaryForms)
        check_binary(
            form.name,
            [&](unsigned rd, unsigned rs1, unsigned rs2) {
                return assemble::r(form.opcode, form.funct3, form.funct7, rd, rs1, rs2);
            },
            form.model);
}

struct UnaryForm {
    const char* name;
    std::uint32_t opcode;
    unsigned funct3;
    int immediate;
    U (*model)(U);
};

constexpr UnaryForm kUnaryForms[] = {
    {"clz", 0x13, 1, 0x600, [](U a) { return leading_zeros(a, 64); }},
    {"ctz", 0x13, 1, 0x601, [](U a) { return trailing_zeros(a, 64); }},
    {"cpop", 0x13, 1, 0x602, [](U a) { return ones(a, 64); }},
    {"sext.b", 0x13, 1, 0x604, [](U a) { return bit(a, 7) ? a | ~U{0x7f} : a & 0x7f; }},
    {"sext.h", 0x13, 1, 0x605, [](U a) { return bit(a, 15) ? a | ~U{0x7fff} : a & 0x7fff; }},
    {"zext.h", 0x3b, 4, 0x080, [](U a) { return a & 0xffff; }},
    {"clzw", 0x1b, 1, 0x600, [](U a) { return leading_zeros(a, 32); }},
    {"ctzw", 0x1b, 1, 0x601, [](U a) { return trailing_zeros(a, 32); }},
    {"cpopw", 0x1b, 1, 0x602, [](U a) { return ones(a, 32); }},
    {"orc.b", 0x13, 5, 0x287, or_combine},
    {"rev8", 0x13, 5, 0x6b8, reverse_bytes},
};

TEST(Semantics, BitManipulationOfOneRegister) {
    for (const UnaryForm& form : kUnaryForms)
        check_unary(
            form.name,
            [&](unsigned rd, unsigned rs1) {
                return assemble::i(form.opcode, form.funct3, rd, rs1, form.immediate);
            },
            form.model);
}

struct AmountForm {
    const char* name;
    std::uint32_t opcode;
    unsigned funct3;
    int high;
    unsigned width;
    U (*model)(U, unsigned);
};

constexpr AmountForm kAmountForms[] = {
    {"rori", 0x13, 5, 0x600, 64, [](U a, unsigned n) { return rotate(a, n, 64); }},
    {"roriw", 0x1b, 5, 0x600, 32, [](U a, unsigned n) { return word(rotate(low(a), n, 32)); }},
    {"slli.uw", 0x1b, 1, 0x080, 64, [](U a, unsigned n) { return low(a) << n; }},
    {"bseti", 0x13, 1, 0x280, 64, [](U a, unsigned n) { return a | U{1} << n; }},
    {"bclri", 0x13, 1, 0x480, 64, [](U a, unsigned n) { return a & ~(U{1} << n); }},
    {"binvi", 0x13, 1, 0x680, 64, [](U a, unsigned n) { return a ^ U { 1 } << n; }},
    {"bexti", 0x13, 5, 0x480, 64, [](U a, unsigned n) { return U{bit(a, n)}; }},
};

TEST(Semantics, BitManipulationByImmediates) {
    for (const AmountForm& form : kAmountForms)
        for (unsigned amount = 0; amount < form.width; ++amount)
            check_unary(
                form.name,
                [&](unsigned rd, unsigned rs1) {
                    return assemble::i(form.opcode, form.funct3, rd, rs1,
                                       form.high | static_cast<int>(amount));
                },
                [&](U a) { return form.model(a, amount); });
}

} // namespace

} // namespace ashlar::jit::test
