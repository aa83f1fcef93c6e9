// The one table of IR operations. Builder, printer, verifier, evaluator and the tiers' tables derive from it.
// docs/ir.md describes each operation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ashlar::jit::ir {

// Operation(Name, text, signature, flags). A signature is "result=operands" in type letters: i integer,
// f floating-point register bits, x either (the instruction's `type` says which); nothing before '=' when
// there is no result.

// Pure functions of two 64-bit integers. Names that end in Word work on the low 32 bits and sign-extend.
#define ASHLAR_IR_BINARY(Operation)                                                                          \
    Operation(Add, "add", "i=ii", kPure) Operation(Subtract, "sub", "i=ii", kPure) Operation(                \
        And, "and", "i=ii", kPure) Operation(Or, "or", "i=ii", kPure) Operation(Xor, "xor", "i=ii", kPure)   \
        Operation(AndNot, "andn", "i=ii", kPure) Operation(OrNot, "orn", "i=ii", kPure) Operation(           \
            XorNot, "xnor", "i=ii", kPure) Operation(ShiftLeft, "shl", "i=ii",                               \
                                                     kPure) Operation(ShiftRight, "shr", "i=ii", kPure)      \
            Operation(ShiftRightSigned, "sar", "i=ii", kPure) Operation(                                     \
                RotateLeft, "rol", "i=ii",                                                                   \
                kPure) Operation(RotateRight, "ror", "i=ii",                                                 \
                                 kPure) Operation(Less, "slt", "i=ii", kPure)                                \
                Operation(LessUnsigned, "sltu", "i=ii", kPure) Operation(                                    \
                    Minimum, "min",                                                                          \
                    "i=ii",                                                                                  \
                    kPure) Operation(MinimumUnsigned, "minu", "i=ii",                                        \
                                     kPure) Operation(Maximum, "max", "i=ii", kPure)                         \
                    Operation(MaximumUnsigned, "maxu", "i=ii", kPure) Operation(                             \
                        Multiply,                                                                            \
                        "mul", "i=ii",                                                                       \
                        kPure) Operation(MultiplyHigh, "mulh", "i=ii",                                       \
                                         kPure) Operation(MultiplyHighMixed, "mulhsu", "i=ii", kPure)        \
                        Operation(MultiplyHighUnsigned, "mulhu", "i=ii", kPure) Operation(                   \
                            Divide,                                                                          \
                            "div", "i=ii",                                                                   \
                            kPure) Operation(DivideUnsigned, "divu", "i=ii",                                 \
                                             kPure) Operation(Remainder, "rem", "i=ii", kPure)               \
                            Operation(RemainderUnsigned, "remu", "i=ii", kPure) Operation(                   \
                                AddWord, "addw", "i=ii",                                                     \
                                kPure) Operation(SubtractWord, "subw", "i=ii",                               \
                                                 kPure) Operation(ShiftLeftWord, "shlw", "i=ii", kPure)      \
                                Operation(ShiftRightWord, "shrw", "i=ii",                                    \
                                          kPure) Operation(ShiftRightSignedWord, "sarw", "i=ii", kPure)      \
                                    Operation(RotateLeftWord, "rolw", "i=ii", kPure) Operation(              \
                                        RotateRightWord, "rorw",                                             \
                                        "i=ii",                                                              \
                                        kPure) Operation(MultiplyWord, "mulw", "i=ii",                       \
                                                         kPure) Operation(DivideWord, "divw", "i=ii", kPure) \
                                        Operation(DivideUnsignedWord, "divuw", "i=ii", kPure) Operation(     \
                                            RemainderWord, "remw", "i=ii",                                   \
                                            kPure) Operation(RemainderUnsignedWord, "remuw", "i=ii", kPure)  \
                                            Operation(ShiftAdd1, "sh1add", "i=ii", kPure) Operation(         \
                                                ShiftAdd2, "sh2add", "i=ii",                                 \
                                                kPure) Operation(ShiftAdd3, "sh3add", "i=ii", kPure)         \
                                                Operation(AddUnsignedWord, "add.uw", "i=ii",                 \
                                                          kPure) Operation(ShiftAdd1UnsignedWord,            \
                                                                           "sh1add.uw", "i=ii", kPure)       \
                                                    Operation(ShiftAdd2UnsignedWord, "sh2add.uw", "i=ii",    \
                                                              kPure) Operation(ShiftAdd3UnsignedWord,        \
                                                                               "sh3add.uw", "i=ii", kPure)   \
                                                        Operation(ShiftLeftUnsignedWord, "shl.uw", "i=ii",   \
                                                                  kPure) Operation(BitSet, "bset", "i=ii",   \
                                                                                   kPure)                    \
                                                            Operation(BitClear, "bclr", "i=ii", kPure)       \
                                                                Operation(BitInvert, "binv", "i=ii", kPure)  \
                                                                    Operation(BitExtract, "bext", "i=ii",    \
                                                                              kPure)

// Pure functions of one 64-bit integer.
#define ASHLAR_IR_UNARY(Operation)                                                                           \
    Operation(CountLeadingZeros, "clz", "i=i", kPure) Operation(CountTrailingZeros, "ctz", "i=i", kPure)     \
        Operation(PopulationCount, "cpop", "i=i", kPure)                                                     \
            Operation(CountLeadingZerosWord, "clzw", "i=i", kPure)                                           \
                Operation(CountTrailingZerosWord, "ctzw", "i=i", kPure)                                      \
                    Operation(PopulationCountWord, "cpopw", "i=i", kPure)                                    \
                        Operation(SignExtend8, "sext.b", "i=i", kPure)                                       \
                            Operation(SignExtend16, "sext.h", "i=i", kPure)                                  \
                                Operation(ZeroExtend16, "zext.h", "i=i", kPure)                              \
                                    Operation(OrCombineBytes, "orc.b", "i=i", kPure)                         \
                                        Operation(ReverseBytes, "rev8", "i=i", kPure)

// Values and guest state.
#define ASHLAR_IR_STATE(Operation)                                                                           \
    Operation(Constant, "const", "i=", kPure) Operation(PcRelative, "pcrel", "i=", kPure)                    \
        Operation(Get, "get", "x=", kReadsState) Operation(Set, "set", "=x", kWritesState)

#define ASHLAR_IR_MEMORY(Operation)                                                                          \
    Operation(Load, "load", "x=i", kMayFault | kMemory)                                                      \
        Operation(Store, "store", "=ix", kMayFault | kMemory | kSideEffect)                                  \
            Operation(LoadReserved, "lr", "i=i", kMayFault | kMemory | kSideEffect)                          \
                Operation(StoreConditional, "sc", "i=ii", kMayFault | kMemory | kSideEffect)                 \
                    Operation(Atomic, "amo", "i=ii", kMayFault | kMemory | kSideEffect)                      \
                        Operation(Fence, "fence", "=", kSideEffect)

// Operands and results are raw register bits. Those that read the dynamic rounding mode may fault.
#define ASHLAR_IR_FLOAT(Operation)                                                                           \
    Operation(FloatArithmetic, "farith", "f=ff", kMayFault | kSideEffect)                                    \
        Operation(FloatFused, "ffused", "f=fff", kMayFault | kSideEffect) Operation(                         \
            FloatCompare, "fcmp", "i=ff", kSideEffect) Operation(FloatMinimum, "fmin", "f=ff", kSideEffect)  \
            Operation(FloatMaximum, "fmax", "f=ff", kSideEffect) Operation(FloatSign, "fsgn", "f=ff", kPure) \
                Operation(FloatClassify, "fclass", "i=f", kPure)                                             \
                    Operation(FloatToInteger, "ftoi", "i=f", kMayFault | kSideEffect)                        \
                        Operation(FloatFromInteger, "itof", "f=i", kMayFault | kSideEffect)                  \
                            Operation(FloatWiden, "fwiden", "f=f", kMayFault | kSideEffect)                  \
                                Operation(FloatNarrow, "fnarrow", "f=f", kMayFault | kSideEffect)            \
                                    Operation(FloatToBits, "fbits", "i=f", kPure)                            \
                                        Operation(FloatFromBits, "bitsf", "f=i", kPure)

#define ASHLAR_IR_CONTROL(Operation)                                                                         \
    Operation(Guard, "guard", "=", kMayFault | kSideEffect)                                                  \
        Operation(Call, "call", "=", kMayFault | kSideEffect | kReadsState | kWritesState) Operation(        \
            CallIf, "call.if", "=i", kMayFault | kSideEffect | kReadsState | kWritesState)                   \
            Operation(CallUnless, "call.unless", "=i", kMayFault | kSideEffect | kReadsState | kWritesState) \
                Operation(Jump, "jump", "=", kTerminator) Operation(Branch, "branch", "=ii", kTerminator)    \
                    Operation(JumpIndirect, "jump.indirect", "=i", kTerminator) Operation(                   \
                        CallExit, "call.exit", "=", kTerminator | kMayFault | kReadsState | kWritesState)    \
                        Operation(Raise, "raise", "=i", kTerminator | kMayFault)

#define ASHLAR_IR_OPERATIONS(Operation)                                                                      \
    ASHLAR_IR_BINARY(Operation)                                                                              \
    ASHLAR_IR_UNARY(Operation)                                                                               \
    ASHLAR_IR_STATE(Operation)                                                                               \
    ASHLAR_IR_MEMORY(Operation)                                                                              \
    ASHLAR_IR_FLOAT(Operation)                                                                               \
    ASHLAR_IR_CONTROL(Operation)

enum class Opcode : std::uint8_t {
#define ASHLAR_IR_NAME(name, text, signature, flags) name,
    ASHLAR_IR_OPERATIONS(ASHLAR_IR_NAME)
#undef ASHLAR_IR_NAME
};

constexpr unsigned kPure = 0;             // may be dropped, repeated and moved
constexpr unsigned kReadsState = 1u << 0; // of guest slots
constexpr unsigned kWritesState = 1u << 1;
constexpr unsigned kMayFault = 1u << 2; // carries the guest pc offset of its instruction
constexpr unsigned kMemory = 1u << 3;   // accesses guest memory
constexpr unsigned kSideEffect = 1u << 4;
constexpr unsigned kTerminator = 1u << 5; // the last of a block, and only there

struct OperationInfo {
    std::string_view name;
    std::string_view signature;
    unsigned flags;

    constexpr bool has_result() const { return signature[0] != '='; }
    constexpr std::size_t operand_count() const { return signature.size() - (has_result() ? 2 : 1); }
    constexpr char result_letter() const { return has_result() ? signature[0] : '\0'; }
    constexpr char operand_letter(std::size_t index) const {
        return signature[(has_result() ? 2 : 1) + index];
    }
    constexpr bool is(unsigned flag) const { return (flags & flag) != 0; }
};

inline constexpr std::array kOperations = {
#define ASHLAR_IR_INFO(name, text, signature, flags) OperationInfo{text, signature, flags},
    ASHLAR_IR_OPERATIONS(ASHLAR_IR_INFO)
#undef ASHLAR_IR_INFO
};

constexpr const OperationInfo& info(Opcode opcode) {
    return kOperations[static_cast<std::size_t>(opcode)];
}
constexpr bool is_binary(Opcode opcode) {
    return opcode <= Opcode::BitExtract;
}
constexpr bool is_unary(Opcode opcode) {
    return opcode > Opcode::BitExtract && opcode <= Opcode::ReverseBytes;
}
// Whether the operands of a binary operation may change places.
constexpr bool commutes(Opcode opcode) {
    switch (opcode) {
    case Opcode::Add:
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::XorNot:
    case Opcode::Multiply:
    case Opcode::AddWord:
    case Opcode::MultiplyWord:
    case Opcode::MultiplyHigh:
    case Opcode::MultiplyHighUnsigned:
    case Opcode::Minimum:
    case Opcode::Maximum:
    case Opcode::MinimumUnsigned:
    case Opcode::MaximumUnsigned: return true;
    default: return false;
    }
}

} // namespace ashlar::jit::ir
