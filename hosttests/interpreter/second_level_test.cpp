// Pages that the first level of the TLB cannot hold at the same time, used in turn: the second level has
// them, and host code asks it by itself.
#include "hosttests/interpreter/guest.h"
#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;
using riscv64::Cause;
using riscv64::Privilege;

constexpr std::uint64_t kRoot = kRam + 0x10000, kMiddle = kRam + 0x11000, kFirstLeaf = kRam + 0x12000;
constexpr std::uint64_t kV = 1, kR = 2, kW = 4, kX = 8, kG = 32, kA = 64, kD = 128;
constexpr std::uint64_t kData = kV | kR | kW | kA | kD;
// One place in the first level, whatever its size up to 4096 entries.
constexpr std::uint64_t kApart = 0x1000000, kPage = 0x400000, kOther = kPage + kApart;
constexpr std::uint64_t kMemory = kRam + 0x400000, kOtherMemory = kRam + 0x600000, kThird = kRam + 0x800000;
constexpr std::uint64_t kTurns = 400; // to each page

// S-mode under Sv39. Page 0 is code.
class SecondLevel : public testing::Test {
protected:
    SecondLevel() : guest(16 << 20) {
        guest.put<std::uint64_t>(kRoot, kMiddle >> 12 << 10 | kV);
        map(0, kRam, kV | kR | kX | kA);
        map(kPage, kMemory, kData);
        map(kOther, kOtherMemory, kData);
        auto& state = guest.state();
        state.control.satp = std::uint64_t{8} << 60 | kRoot >> 12;
        state.control.pmp.configuration[0] = 0x1f;
        state.control.pmp.address[0] = ~std::uint64_t{0} >> 10;
        state.control.mtvec = kRam + 0x800;
        guest.code(kRam + 0x800, {kWfi});
        for (std::uint64_t at = 0; at < 4096; at += 8) {
            guest.put<std::uint64_t>(kMemory + at, 3);
            guest.put<std::uint64_t>(kOtherMemory + at, 500);
            guest.put<std::uint64_t>(kThird + at, 70000);
        }
    }
    void map(std::uint64_t address, std::uint64_t physical, std::uint64_t flags) {
        const std::uint64_t leaf = kFirstLeaf + (address >> 21) * 0x1000;
        guest.put<std::uint64_t>(kMiddle + 8 * (address >> 21), leaf >> 12 << 10 | kV);
        guest.put<std::uint64_t>(leaf + 8 * (address >> 12 & 511), physical >> 12 << 10 | flags);
    }
    void map_superpage(std::uint64_t address, std::uint64_t physical, std::uint64_t flags) {
        guest.put<std::uint64_t>(kMiddle + 8 * (address >> 21), physical >> 12 << 10 | flags);
    }
    // x11 = the sum of what `access` finds in x10, at x1, in turn in either page.
    void run(std::uint32_t access, std::uint32_t more = kNop) {
        auto& state = guest.state();
        state.control.privilege = Privilege::Supervisor;
        state.pc = 0;
        state.x[1] = kPage;
        state.x[5] = 2 * kTurns;
        state.x[7] = kPage ^ kOther;
        state.x[10] = state.x[11] = 0;
        guest.code(kRam, {access, add(11, 11, 10), more, r(0x33, 4, 0, 1, 1, 7), addi(5, 5, -1),
                          branch(1, 5, 0, -20), kWfi});
        guest.hart().state_changed();
        EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    }
    void expect_sum(std::uint64_t first, std::uint64_t second) {
        EXPECT_EQ(guest.state().x[11], kTurns * (first + second));
    }
    mmu::TlbCounts tlb() { return guest.engine->statistics().tlb; }
    Guest guest;
};

TEST_F(SecondLevel, HasWhatTheFirstCannotHold) {
    run(load(3, 10, 1, 8));
    expect_sum(3, 500);
    EXPECT_GE(tlb().misses, kTurns); // an optimizer may know better for some
    EXPECT_LT(tlb().walks, 30u);
}

TEST_F(SecondLevel, EveryWidthAndPlaceIsRead) {
    guest.put<std::uint64_t>(kMemory + 0xff8, 0x8182'8384'8586'8788);
    guest.put<std::uint64_t>(kOtherMemory + 0xff8, 0x0102'0304'0506'0708);
    run(load(4, 10, 1, 0x7ff)); // one byte
    expect_sum(0, 0);
    const std::uint32_t far = i(0x13, 0, 1, 1, 0); // addi x1, x1, 0
    guest.put<std::uint32_t>(kMemory + 0x7fc, 0xffff'fffe);
    guest.put<std::uint32_t>(kOtherMemory + 0x7fc, 9);
    run(load(2, 10, 1, 0x7fc), far);
    expect_sum(std::uint64_t{0} - 2, 9);
    run(load(1, 10, 1, 0x7fc), far);
    expect_sum(std::uint64_t{0} - 2, 9);
}

TEST_F(SecondLevel, AccessesAcrossPagesAreWhole) {
    // Given neighbours whose memory lies elsewhere
    map(kPage + 0x1000, kThird, kData);
    map(kOther + 0x1000, kThird, kData);
    guest.put<std::uint64_t>(kMemory + 0xff8, std::uint64_t{5} << 32);
    guest.put<std::uint64_t>(kOtherMemory + 0xff8, std::uint64_t{6} << 32);
    guest.put<std::uint64_t>(kThird, 1);
    auto& state = guest.state();
    state.x[6] = 0xffc;
    // When words are read across the boundary
    guest.code(kRam + 0x100, {});
    run(r(0x33, 0, 0, 12, 1, 6), load(3, 10, 12, 0));
    // Then they have a half of either
    EXPECT_EQ(state.x[10], (std::uint64_t{1} << 32 | 6));
}

TEST_F(SecondLevel, StoresGoWhereTheyShould) {
    guest.state().x[10] = 0;
    run(store(3, 5, 1, 16));
    EXPECT_EQ(guest.get<std::uint64_t>(kMemory + 16), 2u);
    EXPECT_EQ(guest.get<std::uint64_t>(kOtherMemory + 16), 1u);
    EXPECT_LT(tlb().walks, 30u);
}

TEST_F(SecondLevel, AccessesWithOneProbeAreFoundTogether) {
    guest.put<std::uint64_t>(kMemory + 24, 9);
    guest.put<std::uint64_t>(kOtherMemory + 24, 10);
    run(load(3, 10, 1, 8), load(3, 12, 1, 24));
    expect_sum(3, 500);
    EXPECT_EQ(guest.state().x[12], 10u);
    run(load(3, 10, 1, 8), store(3, 11, 1, 32));
    expect_sum(3, 500);
    EXPECT_EQ(guest.get<std::uint64_t>(kMemory + 32), (kTurns - 1) * 503 + 3);
    EXPECT_EQ(guest.get<std::uint64_t>(kOtherMemory + 32), kTurns * 503);
    EXPECT_LT(tlb().walks, 30u);
}

TEST_F(SecondLevel, ForgetsWhatIsFenced) {
    run(load(3, 10, 1, 0));
    map(kOther, kThird, kData);
    guest.hart().flush_tlb(GuestVirtualAddress(kOther), kPageSize);
    run(load(3, 10, 1, 0));
    expect_sum(3, 70000);
}

TEST_F(SecondLevel, FencesOfAnyPlaceInASuperpageReachItsPieces) {
    for (const std::uint64_t flags : {kData, kData | kG}) {
        // Given superpages that are used in turn
        map_superpage(kPage, kMemory, flags);
        map_superpage(kOther, kOtherMemory, flags);
        guest.hart().flush_tlb(GuestVirtualAddress(0), ~std::uint64_t{0});
        run(load(3, 10, 1, 0));
        expect_sum(3, 500);
        // When one is changed, and fenced somewhere in it
        map_superpage(kOther, kThird, flags);
        guest.hart().flush_tlb(GuestVirtualAddress(kOther + 0x12'3000), kPageSize);
        run(load(3, 10, 1, 0));
        // Then all of it is
        expect_sum(3, 70000);
    }
}

TEST_F(SecondLevel, RightsAreThoseOfThePage) {
    // Given a page that may not be written, and is read first
    map(kOther, kOtherMemory, kV | kR | kA);
    run(load(3, 10, 1, 0));
    // When both are written
    run(store(3, 5, 1, 0));
    // Then the second store faults
    EXPECT_EQ(guest.state().control.mcause, static_cast<std::uint64_t>(Cause::StorePageFault));
    EXPECT_EQ(guest.state().control.mtval, kOther);
    EXPECT_EQ(guest.get<std::uint64_t>(kOtherMemory), 500u);
}

TEST_F(SecondLevel, TheFirstStoreSetsDirty) {
    map(kOther, kOtherMemory, kV | kR | kW | kA);
    run(load(3, 10, 1, 0));
    const std::uint64_t entry = kFirstLeaf + (kOther >> 21) * 0x1000 + 8 * (kOther >> 12 & 511);
    EXPECT_EQ(guest.get<std::uint64_t>(entry) & kD, 0u);
    run(store(3, 5, 1, 0));
    EXPECT_EQ(guest.get<std::uint64_t>(entry) & kD, kD);
    EXPECT_EQ(guest.get<std::uint64_t>(kOtherMemory), 1u);
}

TEST_F(SecondLevel, StoresIntoCodeAreNoticed) {
    // Given code in the other page's memory, which has been called
    map(0x2000, kOtherMemory, kV | kR | kX | kA);
    guest.code(kOtherMemory + 0x100, {addi(12, 0, 1), jalr(0, 6, 0)});
    const auto call = [&] {
        auto& state = guest.state();
        state.control.privilege = Privilege::Supervisor;
        guest.code(kRam + 0x400, {lui(3, 2), jalr(6, 3, 0x100), kWfi});
        state.pc = 0x400;
        guest.hart().state_changed();
        EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
        return state.x[12];
    };
    run(load(3, 10, 1, 0)); // both pages are in the second level
    EXPECT_EQ(call(), 1u);
    // When it is overwritten in turn with the other page
    guest.state().x[8] = addi(12, 0, 7);
    run(store(2, 8, 1, 0x100));
    // Then the new code runs
    EXPECT_EQ(call(), 7u);
}

} // namespace

} // namespace ashlar::jit::test
