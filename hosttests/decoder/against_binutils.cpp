// Decoder and disassembler against GNU as and objdump.
#include "jit/frontend/riscv64/decoder.h"

#include <gtest/gtest.h>

#include "hosttests/decoder/expectations.h"

namespace ashlar::jit::riscv64::test {

namespace {

bool begins_with(const std::string& text, const char* prefix) {
    return text.rfind(prefix, 0) == 0;
}

// Conversions that never round: objdump does not print their rounding mode, and knows them with mode 0 only.
bool is_exact_conversion(const std::string& text) {
    return begins_with(text, "fcvt.d.w ") || begins_with(text, "fcvt.d.wu ") ||
           begins_with(text, "fcvt.d.s ");
}

// Our text as objdump would write it.
std::string in_objdump_style(std::string text) {
    if (is_exact_conversion(text) && text.ends_with(",rne"))
        text.resize(text.size() - 4);
    if (text == "c.nop")
        return "c.addi x0,0";
    // Shifts by zero, which are hints, have names of their own.
    for (const char* name : {"c.slli ", "c.srli ", "c.srai "})
        if (begins_with(text, name) && text.ends_with(",0x0"))
            return text.substr(0, 6) + "64" + text.substr(6, text.size() - 6 - 4);
    return text;
}

TEST(Decoder, KnowsEveryFormAndItsCornerOperands) {
    const std::vector<Expectation> forms = read_expectations("forms.txt");
    ASSERT_GT(forms.size(), 1500u);
    for (const Expectation& expected : forms)
        EXPECT_EQ(in_objdump_style(disassembled(expected.bits, expected.address)), expected.text)
            << std::hex << expected.bits << " at " << expected.address;
}

TEST(Decoder, AgreesOnAllCompressedEncodings) {
    const std::vector<Expectation> encodings = read_expectations("compressed.txt");
    ASSERT_EQ(encodings.size(), 49152u);
    int failures = 0;
    for (const Expectation& expected : encodings) {
        const Instruction actual = decode(expected.bits);
        ASSERT_EQ(actual.length, 2u);
        // C.ADDI16SP with a zero immediate is reserved; objdump prints it all the same.
        if (expected.text.empty() || expected.text == "c.addi16sp x2,0") {
            EXPECT_EQ(actual.opcode, Opcode::Illegal) << std::hex << expected.bits;
            continue;
        }
        EXPECT_EQ(in_objdump_style(disassembled(expected.bits, expected.address)), expected.text)
            << std::hex << expected.bits;
        const Instruction full = decode(expected.expansion);
        const bool same = actual.opcode == full.opcode && actual.rd == full.rd && actual.rs1 == full.rs1 &&
                          actual.rs2 == full.rs2 && actual.imm == full.imm;
        EXPECT_TRUE(same) << std::hex << expected.bits << " " << expected.text << " is not "
                          << disassembled(expected.expansion, expected.address);
        failures += same ? 0 : 1;
        ASSERT_LT(failures, 20);
    }
}

// The upper half may be anything: it belongs to the next instruction.
TEST(Decoder, IgnoresTheUpperHalfOfCompressedInstructions) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits)
        if ((bits & 3) != 3) {
            const Instruction alone = decode(bits), followed = decode(bits | 0xdead0000);
            ASSERT_EQ(alone.opcode, followed.opcode) << std::hex << bits;
            ASSERT_EQ(alone.imm, followed.imm) << std::hex << bits;
            ASSERT_EQ(alone.bits, followed.bits) << std::hex << bits;
        }
}

// Where the specification and objdump differ, or objdump prints what we do not.
bool is_documented_difference(const Expectation& expected, const std::string& text) {
    if (expected.text.ends_with(",unknown") && begins_with(text, ".insn"))
        return true; // reserved rounding modes raise an illegal-instruction exception
    if (expected.text.empty() && (begins_with(text, "fence ") || text == "fence.i"))
        return true; // reserved fields of fences are to be ignored
    if (expected.text.empty() && is_exact_conversion(text))
        return true;
    // CSRs by name: the number is in the encoding's top twelve bits, compared in the forms.
    return begins_with(text, "csr") &&
           text.substr(0, text.find(',')) == expected.text.substr(0, text.find(',')) &&
           text.substr(text.rfind(',')) == expected.text.substr(expected.text.rfind(','));
}

TEST(Decoder, AgreesOnRandomWords) {
    const std::vector<Expectation> words = read_expectations("words.txt");
    ASSERT_GT(words.size(), 50000u);
    int failures = 0;
    for (const Expectation& expected : words) {
        const Instruction actual = decode(expected.bits);
        const std::string text = disassembled(expected.bits, expected.address);
        const bool legal = actual.opcode != Opcode::Illegal;
        if ((legal ? in_objdump_style(text) : "") == expected.text ||
            is_documented_difference(expected, text))
            continue;
        ADD_FAILURE() << std::hex << expected.bits << ": '" << text << "', objdump: '" << expected.text
                      << "'";
        ASSERT_LT(++failures, 20);
    }
}

} // namespace

} // namespace ashlar::jit::riscv64::test
