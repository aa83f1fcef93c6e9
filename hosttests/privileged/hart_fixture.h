// A hart after reset, and a clock that stands where the test put it.
#pragma once

#include <gtest/gtest.h>

#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/privileged.h"

namespace ashlar::jit::riscv64::test {

class ManualTime final : public TimeSource {
public:
    std::uint64_t time() override { return now; }
    std::uint64_t now = 1000;
};

class HartTest : public testing::Test {
protected:
    HartTest() { reset(hart, 0, 0x8000'0000, 0); }

    HartState hart;
    ManualTime clock;

    static constexpr std::uint16_t number(Csr csr) { return static_cast<std::uint16_t>(csr); }

    // Accesses by M-mode, whatever the hart's mode is; they must be legal.
    std::uint64_t peek(Csr csr) {
        const Privilege privilege = hart.control.privilege;
        hart.control.privilege = Privilege::Machine;
        const std::optional<std::uint64_t> value = read_csr(hart, number(csr), clock);
        hart.control.privilege = privilege;
        EXPECT_TRUE(value.has_value()) << csr_name(number(csr));
        return value.value_or(0);
    }
    Effect poke(Csr csr, std::uint64_t value) {
        const Privilege privilege = hart.control.privilege;
        hart.control.privilege = Privilege::Machine;
        const Effect effect = write_csr(hart, number(csr), value, clock);
        hart.control.privilege = privilege;
        EXPECT_FALSE(has(effect, Effect::Illegal)) << csr_name(number(csr));
        return effect;
    }
    // Accesses by the hart as it is.
    bool can_read(Csr csr) { return read_csr(hart, number(csr), clock).has_value(); }
    bool can_write(Csr csr) {
        HartState copy = hart;
        return !has(write_csr(copy, number(csr), 0, clock), Effect::Illegal);
    }
};

} // namespace ashlar::jit::riscv64::test
