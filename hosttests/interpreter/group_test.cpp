// Accesses through one register, some of which cannot be made: those before have happened, those behind have
// not.
#include <map>

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

constexpr std::uint64_t kBytes = 1 << 20, kTrapHandler = kRam + 0x1000;

// A loop whose turns store x5 and x6 at and behind x8, add what they load to x6, and move x8 on.
void put_loop(Guest& guest) {
    guest.code(kRam, {store(3, 5, 8, 0), load(3, 7, 8, 0), store(3, 6, 8, 8), add(6, 6, 7), addi(7, 7, 1),
                      store(3, 6, 8, 16), load(2, 9, 8, 4), addi(8, 8, 8), addi(5, 5, -1),
                      branch(1, 5, 0, -36), kWfi});
    guest.code(kTrapHandler, {kWfi});
    guest.state().control.mtvec = kTrapHandler;
}

// What the loop does, at `at`.
struct Model {
    std::uint64_t at, x5, x6;
    std::map<std::uint64_t, std::uint64_t> memory{};
    void turn() {
        memory[at] = x5;
        memory[at + 8] = x6;
        x6 += x5;
        memory[at + 16] = x6;
        at += 8;
        --x5;
    }
};

void expect_memory(Guest& guest, const Model& model) {
    for (const auto& [address, value] : model.memory)
        EXPECT_EQ(guest.get<std::uint64_t>(address), value) << std::hex << address;
}

TEST(Group, AcrossPagesAndUnaligned) {
    for (const std::uint64_t begin : {kRam + 0x3f80, kRam + 0x3f83}) {
        // Given: a loop that has run often enough to be compiled
        Guest guest(kBytes);
        put_loop(guest);
        Model model{begin, 64, 3};
        guest.state().x[5] = model.x5;
        guest.state().x[6] = model.x6;
        guest.state().x[8] = begin;
        // When: its accesses pass the end of a page
        EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
        while (model.x5 != 0)
            model.turn();
        // Then
        expect_memory(guest, model);
        EXPECT_EQ(guest.state().x[6], model.x6);
        EXPECT_EQ(guest.state().instret, 10 * 64 + 1u);
    }
}

TEST(Group, AFaultInItsMidstIsPrecise) {
    // Given: the loop ends at the end of RAM
    Guest guest(kBytes);
    put_loop(guest);
    Model model{kRam + kBytes - 8 * 40, 1000, 3};
    guest.state().x[5] = model.x5;
    guest.state().x[6] = model.x6;
    guest.state().x[8] = model.at;
    // When
    EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    // Then: the store at 16 from x8 has faulted, the one before it has happened
    while (model.at + 24 <= kRam + kBytes)
        model.turn();
    const riscv64::HartState& state = guest.state();
    EXPECT_EQ(state.control.mcause, 7u);
    EXPECT_EQ(state.control.mepc, kRam + 20);
    EXPECT_EQ(state.control.mtval, kRam + kBytes);
    EXPECT_EQ(state.x[8], model.at);
    EXPECT_EQ(state.x[6], model.x6 + model.x5);
    EXPECT_EQ(guest.get<std::uint64_t>(model.at), model.x5);
    EXPECT_EQ(guest.get<std::uint64_t>(model.at + 8), model.x6);
    model.memory.erase(model.at);
    model.memory.erase(model.at + 8);
    expect_memory(guest, model);
}

} // namespace

} // namespace ashlar::jit::test
