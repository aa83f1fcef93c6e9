// A bare hart with floating point on, for blocks of floating-point instructions.
#pragma once

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

class FloatGuest {
public:
    static constexpr std::uint64_t kCode = kRam, kHandler = kRam + 0x800;

    FloatGuest() {
        guest_.put(kHandler, assemble::kWfi);
        state().control.mtvec = kHandler;
        state().control.mstatus = 0x6000; // floating point on and dirty
    }
    riscv64::HartState& state() { return guest_.state(); }
    Guest& guest() { return guest_; }

    void append(std::uint32_t instruction) {
        guest_.put(end_, instruction);
        end_ += 4;
    }
    // Executes what has been appended; false when it trapped.
    bool run() {
        guest_.put(end_, assemble::kWfi);
        state().pc = kCode;
        state().control.mcause = kNoTrap;
        state().instret = 0;
        guest_.hart().state_changed();
        EXPECT_EQ(guest_.run(1000), Stop::WaitForInterrupt);
        return state().control.mcause == kNoTrap;
    }
    void expect_illegal_at(std::size_t index) {
        EXPECT_FALSE(run());
        EXPECT_EQ(state().control.mcause, static_cast<std::uint64_t>(riscv64::Cause::IllegalInstruction));
        EXPECT_EQ(state().control.mepc, kCode + 4 * index);
        EXPECT_EQ(state().control.mtval, guest_.get<std::uint32_t>(kCode + 4 * index));
        EXPECT_EQ(state().instret, index + 1); // and the handler's WFI
    }

private:
    static constexpr std::uint64_t kNoTrap = 0x3f; // not a cause that exists
    Guest guest_{2 << 20};
    std::uint64_t end_ = kCode;
};

// `format`: 0 single, 1 double.
inline std::uint32_t op_fp(unsigned funct5, unsigned format, unsigned rm, unsigned rd, unsigned rs1,
                           unsigned rs2) {
    return assemble::r(0x53, rm, funct5 << 2 | format, rd, rs1, rs2);
}
} // namespace ashlar::jit::test
