// The table of RV64GC + Zicsr, Zifencei, Zba, Zbb, Zbs instructions: one row per encoding. Decoder and
// disassembler derive from it. Specification: Unprivileged ISA, chapter "RV32/64G Instruction Set Listings",
// Bit-Manipulation 1.0, Privileged Architecture 1.12.
#pragma once

#include <cstdint>

namespace ashlar::jit::riscv64::encoding {

// Major opcodes (bits 6..0).
constexpr std::uint32_t kLoad = 0x03, kLoadFp = 0x07, kMiscMem = 0x0f, kOpImm = 0x13, kAuipc = 0x17,
                        kOpImm32 = 0x1b, kStore = 0x23, kStoreFp = 0x27, kAmo = 0x2f, kOp = 0x33, kLui = 0x37,
                        kOp32 = 0x3b, kOpFp = 0x53, kBranch = 0x63, kJalr = 0x67, kJal = 0x6f, kSystem = 0x73;

// Which bits an encoding fixes.
constexpr std::uint32_t kOnlyOpcode = 0x7f, kFunct3 = 0x707f, kFunct7 = 0xfe00707f, kFunct6 = 0xfc00707f,
                        kFunct12 = 0xfff0707f, kAll = 0xffffffff;
constexpr std::uint32_t kFused = 0x0600007f, kRounded = 0xfe00007f, kRoundedUnary = 0xfff0007f;
constexpr std::uint32_t kAmoFunct5 = 0xf800707f, kLoadReserved = 0xf9f0707f;

constexpr std::uint32_t f3(std::uint32_t opcode, std::uint32_t funct3) {
    return opcode | funct3 << 12;
}
constexpr std::uint32_t f7(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t funct7) {
    return f3(opcode, funct3) | funct7 << 25;
}
constexpr std::uint32_t f6(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t funct6) {
    return f3(opcode, funct3) | funct6 << 26;
}
constexpr std::uint32_t f12(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t funct12) {
    return f3(opcode, funct3) | funct12 << 20;
}
constexpr std::uint32_t f5(std::uint32_t funct3, std::uint32_t funct5) {
    return f3(kAmo, funct3) | funct5 << 27;
}
constexpr std::uint32_t fp(std::uint32_t funct7, std::uint32_t rs2 = 0, std::uint32_t funct3 = 0) {
    return f7(kOpFp, funct3, funct7) | rs2 << 20;
}

} // namespace ashlar::jit::riscv64::encoding

// Row(Name, mnemonic, match, mask, operands). Operand letters, as they are printed: d rd, s rs1, t rs2 (x
// registers); D S T R the same and rs3 as f registers; i I-immediate, o load offset, q store offset, u upper
// immediate, p branch target, a jump target, > shift amount of 6 bits, < of 5 bits, E CSR, Z 5-bit immediate,
// m rounding mode, P predecessor and Q successor sets. 'l' stands for nothing and means aq/rl bits, which are
// printed with the mnemonic.
#define ASHLAR_RISCV64_BASE(Row)                                                                             \
    Row(Lui, "lui", kLui, kOnlyOpcode, "d,u") Row(Auipc, "auipc", kAuipc, kOnlyOpcode, "d,u")                \
        Row(Jal, "jal", kJal, kOnlyOpcode, "d,a") Row(Jalr, "jalr", f3(kJalr, 0), kFunct3, "d,o(s)") Row(    \
            Beq, "beq", f3(kBranch, 0), kFunct3, "s,t,p") Row(Bne, "bne", f3(kBranch, 1), kFunct3, "s,t,p")  \
            Row(Blt, "blt", f3(kBranch, 4), kFunct3,                                                         \
                "s,t,p") Row(Bge, "bge", f3(kBranch, 5), kFunct3,                                            \
                             "s,t,p") Row(Bltu, "bltu", f3(kBranch, 6), kFunct3,                             \
                                          "s,t,p") Row(Bgeu, "bgeu", f3(kBranch, 7), kFunct3, "s,t,p")       \
                Row(Lb, "lb", f3(kLoad, 0), kFunct3,                                                         \
                    "d,o(s)") Row(Lh, "lh", f3(kLoad, 1), kFunct3,                                           \
                                  "d,o(s)") Row(Lw, "lw", f3(kLoad, 2), kFunct3, "d,o(s)")                   \
                    Row(Ld, "ld", f3(kLoad, 3), kFunct3,                                                     \
                        "d,o(s)") Row(Lbu, "lbu", f3(kLoad, 4), kFunct3,                                     \
                                      "d,o(s)") Row(Lhu, "lhu", f3(kLoad, 5), kFunct3, "d,o(s)")             \
                        Row(Lwu, "lwu", f3(kLoad, 6), kFunct3, "d,o(s)") Row(                                \
                            Sb, "sb", f3(kStore, 0), kFunct3,                                                \
                            "t,q(s)") Row(Sh, "sh", f3(kStore, 1), kFunct3,                                  \
                                          "t,q(s)") Row(Sw, "sw", f3(kStore, 2), kFunct3, "t,q(s)")          \
                            Row(Sd, "sd", f3(kStore, 3), kFunct3,                                            \
                                "t,q(s)") Row(Addi, "addi", f3(kOpImm, 0), kFunct3,                          \
                                              "d,s,i") Row(Slti, "slti", f3(kOpImm, 2), kFunct3, "d,s,i")    \
                                Row(Sltiu, "sltiu", f3(kOpImm, 3), kFunct3, "d,s,i") Row(                    \
                                    Xori, "xori", f3(kOpImm, 4),                                             \
                                    kFunct3, "d,s,i") Row(Ori, "ori", f3(kOpImm, 6), kFunct3, "d,s,i")       \
                                    Row(Andi, "andi", f3(kOpImm, 7), kFunct3,                                \
                                        "d,s,i") Row(Slli, "slli", f6(kOpImm, 1, 0x00), kFunct6, "d,s,>")    \
                                        Row(Srli, "srli", f6(kOpImm, 5, 0x00), kFunct6, "d,s,>") Row(        \
                                            Srai, "srai", f6(kOpImm, 5, 0x10), kFunct6,                      \
                                            "d,s,>") Row(Add, "add", f7(kOp, 0, 0x00), kFunct7, "d,s,t")     \
                                            Row(Sub, "sub", f7(kOp, 0, 0x20), kFunct7,                       \
                                                "d,s,t") Row(Sll, "sll", f7(kOp, 1, 0x00), kFunct7, "d,s,t") \
                                                Row(Slt, "slt", f7(kOp, 2, 0x00), kFunct7, "d,s,t") Row(     \
                                                    Sltu, "sltu", f7(kOp, 3, 0x00), kFunct7,                 \
                                                    "d,s,t") Row(Xor, "xor", f7(kOp, 4, 0x00),               \
                                                                 kFunct7, "d,s,t")                           \
                                                    Row(Srl, "srl", f7(kOp, 5, 0x00), kFunct7, "d,s,t") Row( \
                                                        Sra, "sra",                                          \
                                                        f7(kOp, 5, 0x20), kFunct7,                           \
                                                        "d,s,t") Row(Or, "or", f7(kOp, 6, 0x00),             \
                                                                     kFunct7, "d,s,t")                       \
                                                        Row(And, "and", f7(kOp, 7, 0x00), kFunct7,           \
                                                            "d,s,t") Row(Addiw, "addiw", f3(kOpImm32, 0),    \
                                                                         kFunct3, "d,s,i")                   \
                                                            Row(Slliw, "slliw", f7(kOpImm32, 1, 0x00),       \
                                                                kFunct7, "d,s,<") Row(Srliw, "srliw",        \
                                                                                      f7(kOpImm32, 5, 0x00), \
                                                                                      kFunct7, "d,s,<")      \
                                                                Row(Sraiw, "sraiw", f7(kOpImm32, 5, 0x20),   \
                                                                    kFunct7, "d,s,<")                        \
                                                                    Row(Addw, "addw", f7(kOp32, 0, 0x00),    \
                                                                        kFunct7, "d,s,t")                    \
                                                                        Row(Subw, "subw",                    \
                                                                            f7(kOp32, 0, 0x20), kFunct7,     \
                                                                            "d,s,t") Row(Sllw, "sllw",       \
                                                                                         f7(kOp32, 1, 0x00), \
                                                                                         kFunct7, "d,s,t")   \
                                                                            Row(Srlw, "srlw",                \
                                                                                f7(kOp32, 5, 0x00), kFunct7, \
                                                                                "d,s,t")                     \
                                                                                Row(Sraw, "sraw",            \
                                                                                    f7(kOp32, 5, 0x20),      \
                                                                                    kFunct7, "d,s,t")

#define ASHLAR_RISCV64_MULTIPLY(Row)                                                                         \
    Row(Mul, "mul", f7(kOp, 0, 0x01), kFunct7, "d,s,t")                                                      \
        Row(Mulh, "mulh", f7(kOp, 1, 0x01), kFunct7, "d,s,t")                                                \
            Row(Mulhsu, "mulhsu", f7(kOp, 2, 0x01), kFunct7, "d,s,t")                                        \
                Row(Mulhu, "mulhu", f7(kOp, 3, 0x01), kFunct7, "d,s,t")                                      \
                    Row(Div, "div", f7(kOp, 4, 0x01), kFunct7, "d,s,t") Row(Divu, "divu", f7(kOp, 5, 0x01),  \
                                                                            kFunct7, "d,s,t")                \
                        Row(Rem, "rem", f7(kOp, 6, 0x01), kFunct7, "d,s,t")                                  \
                            Row(Remu, "remu", f7(kOp, 7, 0x01), kFunct7, "d,s,t")                            \
                                Row(Mulw, "mulw", f7(kOp32, 0, 0x01), kFunct7, "d,s,t")                      \
                                    Row(Divw, "divw", f7(kOp32, 4, 0x01), kFunct7, "d,s,t")                  \
                                        Row(Divuw, "divuw", f7(kOp32, 5, 0x01), kFunct7, "d,s,t")            \
                                            Row(Remw, "remw", f7(kOp32, 6, 0x01), kFunct7, "d,s,t")          \
                                                Row(Remuw, "remuw", f7(kOp32, 7, 0x01), kFunct7, "d,s,t")

#define ASHLAR_RISCV64_ATOMIC_WIDTH(Row, Suffix, suffix, width)                                              \
    Row(Lr##Suffix, "lr" suffix, f5(width, 0x02), kLoadReserved,                                             \
        "d,(s)l") Row(Sc##Suffix, "sc" suffix, f5(width, 0x03), kAmoFunct5, "d,t,(s)l")                      \
        Row(Amoswap##Suffix, "amoswap" suffix, f5(width, 0x01), kAmoFunct5,                                  \
            "d,t,(s)l") Row(Amoadd##Suffix, "amoadd" suffix, f5(width, 0x00), kAmoFunct5, "d,t,(s)l")        \
            Row(Amoxor##Suffix, "amoxor" suffix, f5(width, 0x04), kAmoFunct5,                                \
                "d,t,(s)l") Row(Amoand##Suffix, "amoand" suffix, f5(width, 0x0c), kAmoFunct5, "d,t,(s)l")    \
                Row(Amoor##Suffix, "amoor" suffix, f5(width, 0x08), kAmoFunct5, "d,t,(s)l")                  \
                    Row(Amomin##Suffix, "amomin" suffix, f5(width, 0x10), kAmoFunct5, "d,t,(s)l")            \
                        Row(Amomax##Suffix, "amomax" suffix, f5(width, 0x14), kAmoFunct5, "d,t,(s)l") Row(   \
                            Amominu##Suffix, "amominu" suffix, f5(width, 0x18), kAmoFunct5, "d,t,(s)l")      \
                            Row(Amomaxu##Suffix, "amomaxu" suffix, f5(width, 0x1c), kAmoFunct5, "d,t,(s)l")

#define ASHLAR_RISCV64_ATOMIC(Row)                                                                           \
    ASHLAR_RISCV64_ATOMIC_WIDTH(Row, W, ".w", 2)                                                             \
    ASHLAR_RISCV64_ATOMIC_WIDTH(Row, D, ".d", 3)

// `format` is 0 for single, 1 for double; it sits in the low bits of funct7.
#define ASHLAR_RISCV64_FLOAT_FORMAT(Row, Suffix, suffix, format)                                             \
    Row(Fmadd##Suffix, "fmadd" suffix, 0x43 | format << 25, kFused,                                          \
        "D,S,T,R,m") Row(Fmsub##Suffix, "fmsub" suffix, 0x47 | format << 25, kFused, "D,S,T,R,m")            \
        Row(Fnmsub##Suffix, "fnmsub" suffix, 0x4b | format << 25, kFused,                                    \
            "D,S,T,R,m") Row(Fnmadd##Suffix, "fnmadd" suffix, 0x4f | format << 25, kFused, "D,S,T,R,m")      \
            Row(Fadd##Suffix, "fadd" suffix, fp(0x00 | format), kRounded, "D,S,T,m") Row(                    \
                Fsub##Suffix, "fsub" suffix, fp(0x04 | format), kRounded,                                    \
                "D,S,T,m") Row(Fmul##Suffix, "fmul" suffix, fp(0x08 | format), kRounded, "D,S,T,m")          \
                Row(Fdiv##Suffix, "fdiv" suffix, fp(0x0c | format), kRounded, "D,S,T,m") Row(                \
                    Fsqrt##Suffix, "fsqrt" suffix, fp(0x2c | format), kRoundedUnary,                         \
                    "D,S,m") Row(Fsgnj##Suffix, "fsgnj" suffix, fp(0x10 | format, 0, 0), kFunct7, "D,S,T")   \
                    Row(Fsgnjn##Suffix, "fsgnjn" suffix, fp(0x10 | format, 0, 1), kFunct7, "D,S,T") Row(     \
                        Fsgnjx##Suffix, "fsgnjx" suffix, fp(0x10 | format, 0, 2), kFunct7,                   \
                        "D,S,T") Row(Fmin##Suffix, "fmin" suffix, fp(0x14 | format, 0, 0), kFunct7, "D,S,T") \
                        Row(Fmax##Suffix, "fmax" suffix, fp(0x14 | format, 0, 1), kFunct7, "D,S,T")          \
                            Row(Fle##Suffix, "fle" suffix, fp(0x50 | format, 0, 0), kFunct7, "d,S,T") Row(   \
                                Flt##Suffix, "flt" suffix, fp(0x50 | format, 0, 1), kFunct7, "d,S,T")        \
                                Row(Feq##Suffix, "feq" suffix, fp(0x50 | format, 0, 2), kFunct7, "d,S,T")    \
                                    Row(Fclass##Suffix, "fclass" suffix, fp(0x70 | format, 0, 1), kFunct12,  \
                                        "d,S") Row(FcvtW##Suffix, "fcvt.w" suffix, fp(0x60 | format, 0),     \
                                                   kRoundedUnary, "d,S,m")                                   \
                                        Row(FcvtWu##Suffix, "fcvt.wu" suffix, fp(0x60 | format, 1),          \
                                            kRoundedUnary, "d,S,m") Row(FcvtL##Suffix, "fcvt.l" suffix,      \
                                                                        fp(0x60 | format, 2), kRoundedUnary, \
                                                                        "d,S,m")                             \
                                            Row(FcvtLu##Suffix, "fcvt.lu" suffix, fp(0x60 | format, 3),      \
                                                kRoundedUnary,                                               \
                                                "d,S,m") Row(Fcvt##Suffix##W, "fcvt" suffix ".w",            \
                                                             fp(0x68 | format, 0), kRoundedUnary, "D,s,m")   \
                                                Row(Fcvt##Suffix##Wu, "fcvt" suffix ".wu",                   \
                                                    fp(0x68 | format, 1), kRoundedUnary, "D,s,m")            \
                                                    Row(Fcvt##Suffix##L, "fcvt" suffix ".l",                 \
                                                        fp(0x68 | format, 2), kRoundedUnary, "D,s,m")        \
                                                        Row(Fcvt##Suffix##Lu, "fcvt" suffix ".lu",           \
                                                            fp(0x68 | format, 3), kRoundedUnary, "D,s,m")

#define ASHLAR_RISCV64_FLOAT(Row)                                                                            \
    Row(Flw, "flw", f3(kLoadFp, 2), kFunct3, "D,o(s)") Row(Fld, "fld", f3(kLoadFp, 3), kFunct3, "D,o(s)")    \
        Row(Fsw, "fsw", f3(kStoreFp, 2), kFunct3, "T,q(s)")                                                  \
            Row(Fsd, "fsd", f3(kStoreFp, 3), kFunct3, "T,q(s)") ASHLAR_RISCV64_FLOAT_FORMAT(Row, S, ".s", 0) \
                ASHLAR_RISCV64_FLOAT_FORMAT(Row, D, ".d", 1)                                                 \
                    Row(FcvtSD, "fcvt.s.d", fp(0x20, 1), kRoundedUnary, "D,S,m")                             \
                        Row(FcvtDS, "fcvt.d.s", fp(0x21, 0), kRoundedUnary, "D,S,m")                         \
                            Row(FmvXW, "fmv.x.w", fp(0x70, 0, 0), kFunct12, "d,S")                           \
                                Row(FmvWX, "fmv.w.x", fp(0x78, 0, 0), kFunct12, "D,s")                       \
                                    Row(FmvXD, "fmv.x.d", fp(0x71, 0, 0), kFunct12, "d,S")                   \
                                        Row(FmvDX, "fmv.d.x", fp(0x79, 0, 0), kFunct12, "D,s")

#define ASHLAR_RISCV64_BITMANIP(Row)                                                                         \
    Row(AddUw, "add.uw", f7(kOp32, 0, 0x04), kFunct7, "d,s,t") Row(                                          \
        Sh1add, "sh1add", f7(kOp, 2, 0x10), kFunct7,                                                         \
        "d,s,t") Row(Sh2add, "sh2add", f7(kOp, 4, 0x10), kFunct7,                                            \
                     "d,s,t") Row(Sh3add, "sh3add", f7(kOp, 6, 0x10), kFunct7,                               \
                                  "d,s,t") Row(Sh1addUw, "sh1add.uw", f7(kOp32, 2, 0x10), kFunct7, "d,s,t")  \
        Row(Sh2addUw, "sh2add.uw", f7(kOp32, 4, 0x10), kFunct7, "d,s,t") Row(                                \
            Sh3addUw, "sh3add.uw", f7(kOp32, 6, 0x10),                                                       \
            kFunct7, "d,s,t") Row(SlliUw, "slli.uw", f6(kOpImm32, 1, 0x02), kFunct6,                         \
                                  "d,s,>") Row(Andn, "andn", f7(kOp, 7, 0x20), kFunct7, "d,s,t")             \
            Row(Orn, "orn", f7(kOp, 6, 0x20),                                                                \
                kFunct7, "d,s,t") Row(Xnor, "xnor", f7(kOp, 4, 0x20), kFunct7,                               \
                                      "d,s,t") Row(Clz, "clz", f12(kOpImm, 1, 0x600), kFunct12, "d,s")       \
                Row(Ctz, "ctz", f12(kOpImm, 1, 0x601), kFunct12, "d,s") Row(                                 \
                    Cpop, "cpop", f12(kOpImm, 1, 0x602),                                                     \
                    kFunct12, "d,s") Row(SextB, "sext.b", f12(kOpImm, 1, 0x604), kFunct12,                   \
                                         "d,s") Row(SextH, "sext.h", f12(kOpImm, 1, 0x605), kFunct12, "d,s") \
                    Row(ZextH, "zext.h", f12(kOp32, 4, 0x080), kFunct12,                                     \
                        "d,s") Row(Clzw, "clzw", f12(kOpImm32, 1, 0x600), kFunct12,                          \
                                   "d,s") Row(Ctzw, "ctzw", f12(kOpImm32, 1, 0x601), kFunct12, "d,s")        \
                        Row(Cpopw, "cpopw", f12(kOpImm32, 1, 0x602), kFunct12,                               \
                            "d,s") Row(Max, "max", f7(kOp, 6, 0x05), kFunct7,                                \
                                       "d,s,t") Row(Maxu, "maxu", f7(kOp, 7, 0x05), kFunct7, "d,s,t")        \
                            Row(Min, "min", f7(kOp, 4, 0x05), kFunct7, "d,s,t") Row(                         \
                                Minu, "minu", f7(kOp, 5, 0x05),                                              \
                                kFunct7, "d,s,t") Row(Rol, "rol", f7(kOp, 1, 0x30), kFunct7, "d,s,t")        \
                                Row(Ror, "ror", f7(kOp, 5, 0x30), kFunct7,                                   \
                                    "d,s,t") Row(Rori, "rori", f6(kOpImm, 5, 0x18), kFunct6, "d,s,>")        \
                                    Row(Rolw, "rolw", f7(kOp32, 1, 0x30), kFunct7,                           \
                                        "d,s,t") Row(Rorw, "rorw", f7(kOp32, 5, 0x30), kFunct7, "d,s,t")     \
                                        Row(Roriw, "roriw", f7(kOpImm32, 5, 0x30), kFunct7,                  \
                                            "d,s,<") Row(OrcB, "orc.b", f12(kOpImm, 5, 0x287), kFunct12,     \
                                                         "d,s")                                              \
                                            Row(Rev8, "rev8", f12(kOpImm, 5, 0x6b8), kFunct12,               \
                                                "d,s") Row(Bset, "bset", f7(kOp, 1, 0x14), kFunct7, "d,s,t") \
                                                Row(Bclr, "bclr", f7(kOp, 1, 0x24), kFunct7, "d,s,t") Row(   \
                                                    Binv, "binv", f7(kOp, 1, 0x34), kFunct7, "d,s,t")        \
                                                    Row(Bext, "bext", f7(kOp, 5, 0x24), kFunct7, "d,s,t")    \
                                                        Row(Bseti, "bseti", f6(kOpImm, 1, 0x0a), kFunct6,    \
                                                            "d,s,>")                                         \
                                                            Row(Bclri, "bclri", f6(kOpImm, 1, 0x12),         \
                                                                kFunct6, "d,s,>")                            \
                                                                Row(Binvi, "binvi", f6(kOpImm, 1, 0x1a),     \
                                                                    kFunct6, "d,s,>")                        \
                                                                    Row(Bexti, "bexti", f6(kOpImm, 5, 0x12), \
                                                                        kFunct6, "d,s,>")

// Fences ignore their reserved fields, as the specification asks.
#define ASHLAR_RISCV64_SYSTEM(Row)                                                                           \
    Row(Fence, "fence", f3(kMiscMem, 0), kFunct3, "P,Q")                                                     \
        Row(FenceI, "fence.i", f3(kMiscMem, 1), kFunct3, "") Row(Ecall, "ecall", 0x00000073, kAll, "")       \
            Row(Ebreak, "ebreak", 0x00100073, kAll, "") Row(Sret, "sret", 0x10200073, kAll, "")              \
                Row(Mret, "mret", 0x30200073, kAll, "") Row(Wfi, "wfi", 0x10500073, kAll, "")                \
                    Row(SfenceVma, "sfence.vma", 0x12000073, 0xfe007fff, "s,t")                              \
                        Row(Csrrw, "csrrw", f3(kSystem, 1), kFunct3, "d,E,s")                                \
                            Row(Csrrs, "csrrs", f3(kSystem, 2), kFunct3, "d,E,s")                            \
                                Row(Csrrc, "csrrc", f3(kSystem, 3), kFunct3, "d,E,s")                        \
                                    Row(Csrrwi, "csrrwi", f3(kSystem, 5), kFunct3, "d,E,Z")                  \
                                        Row(Csrrsi, "csrrsi", f3(kSystem, 6), kFunct3, "d,E,Z")              \
                                            Row(Csrrci, "csrrci", f3(kSystem, 7), kFunct3, "d,E,Z")

#define ASHLAR_RISCV64_INSTRUCTIONS(Row)                                                                     \
    ASHLAR_RISCV64_BASE(Row)                                                                                 \
    ASHLAR_RISCV64_MULTIPLY(Row)                                                                             \
    ASHLAR_RISCV64_ATOMIC(Row)                                                                               \
    ASHLAR_RISCV64_FLOAT(Row)                                                                                \
    ASHLAR_RISCV64_BITMANIP(Row)                                                                             \
    ASHLAR_RISCV64_SYSTEM(Row)

// The compressed encodings of RV64DC: Row(Name, mnemonic, match, mask, expansion, format, rule, operands).
// The format says where fields lie (decoder.cpp); the rule names what must not be zero, else the encoding is
// reserved. Of two rows that match, the first whose rule holds wins.
#define ASHLAR_RISCV64_COMPRESSED(Row)                                                                       \
    Row(CAddi4spn, "c.addi4spn", 0x0000, 0xe003, Addi, AddSpScaled, Immediate,                               \
        "d,s,i") Row(CFld, "c.fld", 0x2000, 0xe003, Fld, LoadDouble, None,                                   \
                     "D,o(s)") Row(CLw, "c.lw", 0x4000, 0xe003, Lw, LoadWord, None,                          \
                                   "d,o(s)") Row(CLd, "c.ld", 0x6000, 0xe003, Ld, LoadDouble, None,          \
                                                 "d,o(s)") Row(CFsd, "c.fsd", 0xa000, 0xe003, Fsd,           \
                                                               StoreDouble, None, "T,o(s)")                  \
        Row(CSw, "c.sw", 0xc000, 0xe003, Sw, StoreWord, None, "t,o(s)") Row(                                 \
            CSd, "c.sd", 0xe000, 0xe003, Sd, StoreDouble,                                                    \
            None, "t,o(s)") Row(CNop, "c.nop", 0x0001, 0xffff, Addi, Immediate, None, "")                    \
            Row(CAddi, "c.addi", 0x0001, 0xe003, Addi, Immediate, None,                                      \
                "d,i") Row(CAddiw, "c.addiw", 0x2001, 0xe003, Addiw, Immediate, Rd,                          \
                           "d,i") Row(CLi, "c.li", 0x4001, 0xe003, Addi, LoadImmediate, None, "d,i")         \
                Row(CAddi16sp, "c.addi16sp", 0x6101, 0xef83, Addi, AdjustSp, Immediate,                      \
                    "d,i") Row(CLui, "c.lui", 0x6001, 0xe003, Lui, UpperImmediate, UpperImmediate,           \
                               "d,u") Row(CSrli, "c.srli", 0x8001, 0xec03, Srli, ShiftPrime, None, "d,>")    \
                    Row(CSrai, "c.srai", 0x8401, 0xec03, Srai, ShiftPrime, None,                             \
                        "d,>") Row(CAndi, "c.andi", 0x8801, 0xec03, Andi, ImmediatePrime, None, "d,i")       \
                        Row(CSub, "c.sub", 0x8c01, 0xfc63, Sub, RegistersPrime, None,                        \
                            "d,t") Row(CXor, "c.xor", 0x8c21, 0xfc63, Xor, RegistersPrime, None, "d,t")      \
                            Row(COr, "c.or", 0x8c41, 0xfc63, Or, RegistersPrime, None,                       \
                                "d,t") Row(CAnd, "c.and", 0x8c61, 0xfc63, And, RegistersPrime, None, "d,t")  \
                                Row(CSubw, "c.subw", 0x9c01, 0xfc63, Subw, RegistersPrime, None,             \
                                    "d,t") Row(CAddw, "c.addw", 0x9c21, 0xfc63, Addw, RegistersPrime, None,  \
                                               "d,t") Row(CJ, "c.j", 0xa001, 0xe003, Jal, Jump, None, "a")   \
                                    Row(CBeqz, "c.beqz", 0xc001, 0xe003, Beq, Branch, None, "s,p")           \
                                        Row(CBnez, "c.bnez", 0xe001, 0xe003, Bne, Branch, None, "s,p")       \
                                            Row(CSlli, "c.slli", 0x0002, 0xe003, Slli, Shift, None, "d,>")   \
                                                Row(CFldsp, "c.fldsp", 0x2002, 0xe003, Fld, LoadDoubleSp,    \
                                                    None, "D,o(s)") Row(CLwsp, "c.lwsp", 0x4002, 0xe003, Lw, \
                                                                        LoadWordSp, Rd, "d,o(s)")            \
                                                    Row(CLdsp, "c.ldsp", 0x6002, 0xe003, Ld, LoadDoubleSp,   \
                                                        Rd, "d,o(s)") Row(CJr, "c.jr", 0x8002, 0xf07f, Jalr, \
                                                                          JumpRegister, Rs1, "s")            \
                                                        Row(CMv, "c.mv", 0x8002, 0xf003, Add, Move, Rs2,     \
                                                            "d,t") Row(CEbreak, "c.ebreak", 0x9002, 0xffff,  \
                                                                       Ebreak, Nothing, None, "")            \
                                                            Row(CJalr, "c.jalr", 0x9002, 0xf07f, Jalr,       \
                                                                JumpAndLinkRegister, Rs1, "s")               \
                                                                Row(CAdd, "c.add", 0x9002, 0xf003, Add,      \
                                                                    Registers, Rs2, "d,t")                   \
                                                                    Row(CFsdsp, "c.fsdsp", 0xa002, 0xe003,   \
                                                                        Fsd, StoreDoubleSp, None, "T,o(s)")  \
                                                                        Row(CSwsp, "c.swsp", 0xc002, 0xe003, \
                                                                            Sw, StoreWordSp, None, "t,o(s)") \
                                                                            Row(CSdsp, "c.sdsp", 0xe002,     \
                                                                                0xe003, Sd, StoreDoubleSp,   \
                                                                                None, "t,o(s)")
