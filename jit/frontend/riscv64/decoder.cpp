#include "jit/frontend/riscv64/decoder.h"

#include "jit/frontend/riscv64/tables.h"

namespace ashlar::jit::riscv64 {

namespace {

constexpr std::uint32_t field(std::uint32_t bits, unsigned low, unsigned width) {
    return bits >> low & ((1u << width) - 1);
}
// Bits [low, low+width) of `bits`, placed at `to`.
constexpr std::uint32_t place(std::uint32_t bits, unsigned low, unsigned width, unsigned to) {
    return field(bits, low, width) << to;
}
constexpr std::int32_t sign_extend(std::uint32_t value, unsigned width) {
    return static_cast<std::int32_t>(value << (32 - width)) >> (32 - width);
}
constexpr std::uint8_t reg(std::uint32_t bits, unsigned low) {
    return static_cast<std::uint8_t>(field(bits, low, 5));
}
// The registers x8..x15 that three-bit fields name.
constexpr std::uint8_t prime(std::uint32_t bits, unsigned low) {
    return static_cast<std::uint8_t>(8 + field(bits, low, 3));
}

constexpr std::int32_t branch_offset(std::uint32_t b) {
    return sign_extend(place(b, 31, 1, 12) | place(b, 7, 1, 11) | place(b, 25, 6, 5) | place(b, 8, 4, 1), 13);
}
constexpr std::int32_t jump_offset(std::uint32_t b) {
    return sign_extend(place(b, 31, 1, 20) | place(b, 12, 8, 12) | place(b, 20, 1, 11) | place(b, 21, 10, 1),
                       21);
}

// Rows of a major opcode (bits 6..2) are found through this index, built at compile time.
struct Index {
    std::array<std::uint8_t, kEncodings.size()> rows{};
    std::array<std::uint8_t, 33> first{};
};
constexpr Index kIndex = [] {
    static_assert(kEncodings.size() < 256);
    Index result;
    std::size_t count = 0;
    for (std::size_t major = 0; major < 32; ++major) {
        result.first[major] = static_cast<std::uint8_t>(count);
        for (std::size_t row = 0; row < kEncodings.size(); ++row)
            if (field(kEncodings[row].match, 2, 5) == major)
                result.rows[count++] = static_cast<std::uint8_t>(row);
    }
    result.first[32] = static_cast<std::uint8_t>(count);
    return result;
}();

bool extract_operand(Instruction& i, char letter, std::uint32_t b) {
    switch (letter) {
    case 'd':
    case 'D': i.rd = reg(b, 7); break;
    case 's':
    case 'S': i.rs1 = reg(b, 15); break;
    case 't':
    case 'T': i.rs2 = reg(b, 20); break;
    case 'R': i.rs3 = reg(b, 27); break;
    case 'i':
    case 'o': i.imm = sign_extend(field(b, 20, 12), 12); break;
    case 'q': i.imm = sign_extend(place(b, 25, 7, 5) | field(b, 7, 5), 12); break;
    case 'u': i.imm = static_cast<std::int32_t>(b & 0xfffff000); break;
    case 'p': i.imm = branch_offset(b); break;
    case 'a': i.imm = jump_offset(b); break;
    case '>': i.imm = static_cast<std::int32_t>(field(b, 20, 6)); break;
    case '<': i.imm = static_cast<std::int32_t>(field(b, 20, 5)); break;
    case 'E': i.imm = static_cast<std::int32_t>(field(b, 20, 12)); break;
    case 'Z': i.rs1 = reg(b, 15); break;
    case 'P': i.imm = static_cast<std::int32_t>(field(b, 20, 8)); break;
    case 'l': i.rm = static_cast<std::uint8_t>(field(b, 25, 2)); break;
    case 'm':
        i.rm = static_cast<std::uint8_t>(field(b, 12, 3));
        return i.rm != 5 && i.rm != 6; // reserved rounding modes
    default: break;                    // punctuation, and Q, which P has read
    }
    return true;
}

Instruction decode_full(std::uint32_t bits) {
    Instruction i;
    i.bits = bits;
    const std::uint32_t major = field(bits, 2, 5);
    for (std::size_t n = kIndex.first[major]; n < kIndex.first[major + 1]; ++n) {
        const EncodingRow& row = kEncodings[kIndex.rows[n]];
        if ((bits & row.mask) != row.match)
            continue;
        for (const char letter : row.operands)
            if (!extract_operand(i, letter, bits))
                return i;
        i.opcode = row.opcode;
        return i;
    }
    return i;
}

void extract_prime(Instruction& i, CompressedFormat format, std::uint32_t b) {
    const std::int32_t word =
        static_cast<std::int32_t>(place(b, 10, 3, 3) | place(b, 6, 1, 2) | place(b, 5, 1, 6));
    const std::int32_t doubleword = static_cast<std::int32_t>(place(b, 10, 3, 3) | place(b, 5, 2, 6));
    const bool is_word = format == CompressedFormat::LoadWord || format == CompressedFormat::StoreWord;
    i.rs1 = prime(b, 7);
    i.imm = is_word ? word : doubleword;
    if (format == CompressedFormat::LoadWord || format == CompressedFormat::LoadDouble)
        i.rd = prime(b, 2);
    else
        i.rs2 = prime(b, 2);
}

void extract_sp_relative(Instruction& i, CompressedFormat format, std::uint32_t b) {
    i.rs1 = 2;
    std::uint32_t offset = 0;
    switch (format) {
    case CompressedFormat::LoadWordSp:
        offset = place(b, 12, 1, 5) | place(b, 4, 3, 2) | place(b, 2, 2, 6);
        break;
    case CompressedFormat::LoadDoubleSp:
        offset = place(b, 12, 1, 5) | place(b, 5, 2, 3) | place(b, 2, 3, 6);
        break;
    case CompressedFormat::StoreWordSp: offset = place(b, 9, 4, 2) | place(b, 7, 2, 6); break;
    default: offset = place(b, 10, 3, 3) | place(b, 7, 3, 6); break;
    }
    i.imm = static_cast<std::int32_t>(offset);
    if (format == CompressedFormat::LoadWordSp || format == CompressedFormat::LoadDoubleSp)
        i.rd = reg(b, 7);
    else
        i.rs2 = reg(b, 2);
}

void extract_compressed(Instruction& i, CompressedFormat format, std::uint32_t b) {
    using enum CompressedFormat;
    const std::uint32_t immediate = place(b, 12, 1, 5) | field(b, 2, 5); // six bits, signed or not
    switch (format) {
    case LoadWord:
    case LoadDouble:
    case StoreWord:
    case StoreDouble: extract_prime(i, format, b); break;
    case LoadWordSp:
    case LoadDoubleSp:
    case StoreWordSp:
    case StoreDoubleSp: extract_sp_relative(i, format, b); break;
    case AddSpScaled:
        i.rd = prime(b, 2);
        i.rs1 = 2;
        i.imm = static_cast<std::int32_t>(place(b, 11, 2, 4) | place(b, 7, 4, 6) | place(b, 6, 1, 2) |
                                          place(b, 5, 1, 3));
        break;
    case Immediate:
        i.rd = i.rs1 = reg(b, 7);
        i.imm = sign_extend(immediate, 6);
        break;
    case LoadImmediate:
        i.rd = reg(b, 7);
        i.imm = sign_extend(immediate, 6);
        break;
    case AdjustSp:
        i.rd = i.rs1 = 2;
        i.imm = sign_extend(place(b, 12, 1, 9) | place(b, 6, 1, 4) | place(b, 5, 1, 6) | place(b, 3, 2, 7) |
                                place(b, 2, 1, 5),
                            10);
        break;
    case UpperImmediate:
        i.rd = reg(b, 7);
        i.imm = static_cast<std::int32_t>(static_cast<std::uint32_t>(sign_extend(immediate, 6)) << 12);
        break;
    case ShiftPrime:
        i.rd = i.rs1 = prime(b, 7);
        i.imm = static_cast<std::int32_t>(immediate);
        break;
    case ImmediatePrime:
        i.rd = i.rs1 = prime(b, 7);
        i.imm = sign_extend(immediate, 6);
        break;
    case RegistersPrime:
        i.rd = i.rs1 = prime(b, 7);
        i.rs2 = prime(b, 2);
        break;
    case Jump:
        i.imm =
            sign_extend(place(b, 12, 1, 11) | place(b, 11, 1, 4) | place(b, 9, 2, 8) | place(b, 8, 1, 10) |
                            place(b, 7, 1, 6) | place(b, 6, 1, 7) | place(b, 3, 3, 1) | place(b, 2, 1, 5),
                        12);
        break;
    case Branch:
        i.rs1 = prime(b, 7);
        i.imm = sign_extend(place(b, 12, 1, 8) | place(b, 10, 2, 3) | place(b, 5, 2, 6) | place(b, 3, 2, 1) |
                                place(b, 2, 1, 5),
                            9);
        break;
    case Shift:
        i.rd = i.rs1 = reg(b, 7);
        i.imm = static_cast<std::int32_t>(immediate);
        break;
    case JumpRegister: i.rs1 = reg(b, 7); break;
    case JumpAndLinkRegister:
        i.rd = 1;
        i.rs1 = reg(b, 7);
        break;
    case Move:
        i.rd = reg(b, 7);
        i.rs2 = reg(b, 2);
        break;
    case Registers:
        i.rd = i.rs1 = reg(b, 7);
        i.rs2 = reg(b, 2);
        break;
    case Nothing: break;
    }
}

bool obeys(CompressedRule rule, const Instruction& i) {
    switch (rule) {
    case CompressedRule::None: return true;
    case CompressedRule::Rd: return i.rd != 0;
    case CompressedRule::Rs1: return i.rs1 != 0;
    case CompressedRule::Rs2: return i.rs2 != 0;
    case CompressedRule::Immediate: return i.imm != 0;
    case CompressedRule::UpperImmediate: return i.imm != 0 && i.rd != 2;
    }
    return false;
}

Instruction decode_compressed(std::uint32_t bits) {
    for (const CompressedRow& row : kCompressed) {
        if ((bits & row.mask) != row.match)
            continue;
        Instruction i;
        i.length = 2;
        i.bits = bits;
        extract_compressed(i, row.format, bits);
        if (!obeys(row.rule, i))
            continue;
        i.opcode = row.expansion;
        i.form = row.form;
        return i;
    }
    Instruction illegal;
    illegal.length = 2;
    illegal.bits = bits;
    return illegal;
}

} // namespace

Instruction decode(std::uint32_t bits) {
    return instruction_length(static_cast<std::uint16_t>(bits)) == 4 ? decode_full(bits)
                                                                     : decode_compressed(bits & 0xffff);
}

} // namespace ashlar::jit::riscv64
