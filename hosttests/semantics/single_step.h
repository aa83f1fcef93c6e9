// Runs instructions one at a time on a bare hart and shows what they changed.
#pragma once

#include "jit/engine.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

// Operands that break wrong implementations: zero, signs, carries, boundaries of 8, 16, 32 and 64 bits.
inline constexpr std::array<std::uint64_t, 26> kCorners = {0,
                                                           1,
                                                           2,
                                                           3,
                                                           31,
                                                           32,
                                                           63,
                                                           64,
                                                           0x7f,
                                                           0x80,
                                                           0xff,
                                                           0x7fff,
                                                           0x8000,
                                                           0xffff,
                                                           0x7fff'ffff,
                                                           0x8000'0000,
                                                           0xffff'ffff,
                                                           0x1'0000'0000,
                                                           0xffff'ffff'7fff'ffff,
                                                           0xffff'ffff'8000'0000,
                                                           0x7fff'ffff'ffff'ffff,
                                                           0x8000'0000'0000'0000,
                                                           0xffff'ffff'ffff'ffff,
                                                           0x5555'5555'5555'5555,
                                                           0xaaaa'aaaa'aaaa'aaaa,
                                                           0x0123'4567'89ab'cdef};

// Twelve-bit immediates at their corners.
inline constexpr std::array<int, 8> kImmediates = {0, 1, -1, 2047, -2048, 1365, -1366, 63};

// M-mode, RAM at kRam, one instruction followed by WFI at kCode.
class SingleStep {
public:
    static constexpr std::uint64_t kCode = kRam, kHandler = kRam + 0x800, kData = kRam + 0x8000;

    SingleStep() {
        guest_.put(kHandler, assemble::kWfi);
        guest_.state().control.mtvec = kHandler;
        guest_.state().control.mstatus = 0x6000; // floating point on
        guest_.hart().state_changed();
    }

    riscv64::HartState& state() { return guest_.state(); }
    Guest& guest() { return guest_; }

    void place(std::uint32_t instruction) {
        if (instruction == placed_)
            return;
        placed_ = instruction;
        length_ = (instruction & 3) == 3 ? 4 : 2;
        if (length_ == 4)
            guest_.put(kCode, instruction);
        else
            guest_.put(kCode, static_cast<std::uint16_t>(instruction));
        guest_.put(kCode + length_, assemble::kWfi);
    }
    // Executes it; false when it trapped (the trap CSRs say how).
    bool run(std::uint32_t instruction) {
        place(instruction);
        state().pc = kCode;
        state().control.mcause = kNoTrap;
        guest_.hart().state_changed();
        EXPECT_EQ(guest_.run(100), Stop::WaitForInterrupt);
        return state().control.mcause == kNoTrap;
    }
    unsigned length() const { return length_; }
    std::uint64_t cause() { return state().control.mcause; }
    std::uint64_t trap_value() { return state().control.mtval; }

private:
    static constexpr std::uint64_t kNoTrap = 0x3f; // not a cause that exists
    Guest guest_;
    std::uint32_t placed_ = 0;
    unsigned length_ = 4;
};

// Where rd, rs1 and rs2 coincide, the operands must still be read first.
struct Shape {
    unsigned rd, rs1, rs2;
};
inline constexpr std::array<Shape, 6> kShapes = {
    {{5, 6, 7}, {6, 6, 7}, {7, 6, 7}, {5, 6, 6}, {6, 6, 6}, {0, 6, 7}}};

// x[rs1] and x[rs2] get the operands; compares x[rd] with what `model` says for all corners and shapes.
template <class Encode, class Model>
void check_binary(const char* name, Encode encode, Model model) {
    SingleStep machine;
    for (const Shape& shape : kShapes)
        for (const std::uint64_t a : kCorners)
            for (const std::uint64_t b : kCorners) {
                const std::uint64_t second = shape.rs1 == shape.rs2 ? a : b;
                machine.state().x[shape.rs1] = a;
                machine.state().x[shape.rs2] = second;
                ASSERT_TRUE(machine.run(encode(shape.rd, shape.rs1, shape.rs2))) << name;
                const std::uint64_t expected = shape.rd == 0 ? 0 : model(a, second);
                ASSERT_EQ(machine.state().x[shape.rd], expected)
                    << name << " x" << shape.rd << ",x" << shape.rs1 << ",x" << shape.rs2 << std::hex
                    << " of " << a << " and " << second;
            }
}

// The same with one operand; `model` gets x[rs1].
template <class Encode, class Model>
void check_unary(const char* name, Encode encode, Model model) {
    SingleStep machine;
    for (const Shape& shape : kShapes)
        for (const std::uint64_t a : kCorners) {
            machine.state().x[shape.rs1] = a;
            ASSERT_TRUE(machine.run(encode(shape.rd, shape.rs1))) << name;
            ASSERT_EQ(machine.state().x[shape.rd], shape.rd == 0 ? 0 : model(a))
                << name << " x" << shape.rd << ",x" << shape.rs1 << std::hex << " of " << a;
        }
}

} // namespace ashlar::jit::test
