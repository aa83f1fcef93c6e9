// Counters, their gates, and the supervisor timer (Sstc).
#include "hosttests/privileged/hart_fixture.h"

namespace ashlar::jit::riscv64::test {

namespace {

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

class CountersTest : public HartTest {
protected:
    // Executes `count` instructions, the first of which may be the one that accessed a CSR.
    void retire(std::uint64_t count) { hart.instret += count; }
};

} // namespace

TEST_F(CountersTest, counts_retired_instructions) {
    retire(5);
    EXPECT_EQ(peek(Csr::Instret), 5u);
    EXPECT_EQ(peek(Csr::Minstret), 5u);
    EXPECT_EQ(peek(Csr::Cycle), 5u);
    EXPECT_EQ(peek(Csr::Mcycle), 5u);
    EXPECT_EQ(peek(Csr::Time), clock.now);
}

TEST_F(CountersTest, next_instruction_reads_what_was_written) {
    retire(100);
    poke(Csr::Minstret, 7);
    retire(1);
    EXPECT_EQ(peek(Csr::Instret), 7u);
    EXPECT_EQ(peek(Csr::Cycle), 101u) << "mcycle is another counter";
    poke(Csr::Mcycle, kOnes);
    retire(1);
    EXPECT_EQ(peek(Csr::Cycle), kOnes);
    retire(1);
    EXPECT_EQ(peek(Csr::Cycle), 0u);
}

TEST_F(CountersTest, inhibition_stops_each_counter_alone) {
    retire(10);
    poke(Csr::Mcountinhibit, 1);
    retire(1);
    const std::uint64_t stopped = peek(Csr::Mcycle);
    retire(20);
    EXPECT_EQ(peek(Csr::Mcycle), stopped);
    EXPECT_EQ(peek(Csr::Minstret), 31u);
    // A write while stopped sets the value, and it counts on from there.
    poke(Csr::Mcycle, 500);
    retire(3);
    EXPECT_EQ(peek(Csr::Cycle), 500u);
    poke(Csr::Mcountinhibit, 0);
    retire(1);
    EXPECT_EQ(peek(Csr::Cycle), 500u);
    retire(4);
    EXPECT_EQ(peek(Csr::Cycle), 504u);
}

// Which of mcounteren and scounteren open a counter, for each mode.
TEST_F(CountersTest, gates) {
    for (unsigned counter = 0; counter < 32; ++counter)
        for (const bool machine_gate : {false, true})
            for (const bool supervisor_gate : {false, true}) {
                // Only this counter's bits, or all but them.
                const std::uint64_t bit = std::uint64_t{1} << counter;
                poke(Csr::Mcounteren, machine_gate ? bit : ~bit);
                poke(Csr::Scounteren, supervisor_gate ? bit : ~bit);
                const Csr csr = static_cast<Csr>(0xC00 + counter);
                hart.control.privilege = Privilege::Machine;
                EXPECT_TRUE(can_read(csr));
                hart.control.privilege = Privilege::Supervisor;
                EXPECT_EQ(can_read(csr), machine_gate) << counter;
                hart.control.privilege = Privilege::User;
                EXPECT_EQ(can_read(csr), machine_gate && supervisor_gate) << counter;
                EXPECT_FALSE(can_write(csr));
            }
}

TEST_F(CountersTest, stimecmp_needs_both_gates_below_machine) {
    for (const bool stce : {false, true})
        for (const bool tm : {false, true}) {
            poke(Csr::Menvcfg, stce ? kOnes : 0);
            poke(Csr::Mcounteren, tm ? 2 : 0xFFFF'FFFD);
            hart.control.privilege = Privilege::Supervisor;
            EXPECT_EQ(can_read(Csr::Stimecmp), stce && tm);
            EXPECT_EQ(can_write(Csr::Stimecmp), stce && tm);
            hart.control.privilege = Privilege::User;
            EXPECT_FALSE(can_read(Csr::Stimecmp));
            hart.control.privilege = Privilege::Machine;
            EXPECT_TRUE(can_read(Csr::Stimecmp));
        }
}

TEST_F(CountersTest, stip_is_the_comparison_while_sstc_is_on) {
    constexpr std::uint64_t kStip = 1u << 5;
    // Without STCE, STIP is software's and the comparator is not connected.
    poke(Csr::Stimecmp, 0);
    EXPECT_EQ(peek(Csr::Mip) & kStip, 0u);
    EXPECT_FALSE(update_supervisor_timer(hart, clock.now));
    poke(Csr::Mip, kStip);
    EXPECT_EQ(peek(Csr::Mip) & kStip, kStip);
    // With it, the comparison rules and software cannot write.
    poke(Csr::Stimecmp, 2000);
    poke(Csr::Menvcfg, kOnes);
    EXPECT_EQ(peek(Csr::Mip) & kStip, 0u);
    poke(Csr::Mip, kStip);
    EXPECT_EQ(peek(Csr::Mip) & kStip, 0u);
    EXPECT_FALSE(update_supervisor_timer(hart, 1999));
    EXPECT_TRUE(update_supervisor_timer(hart, 2000));
    EXPECT_FALSE(update_supervisor_timer(hart, 2001));
    EXPECT_EQ(peek(Csr::Mip) & kStip, kStip);
    // A later deadline takes it back at once, an earlier one raises it at once.
    clock.now = 2001;
    poke(Csr::Stimecmp, 3000);
    EXPECT_EQ(peek(Csr::Mip) & kStip, 0u);
    poke(Csr::Stimecmp, 100);
    EXPECT_EQ(peek(Csr::Mip) & kStip, kStip);
    poke(Csr::Menvcfg, 0);
    EXPECT_EQ(peek(Csr::Mip) & kStip, 0u);
}

} // namespace ashlar::jit::riscv64::test
