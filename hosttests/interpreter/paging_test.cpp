// Sv39 through the engine: what the software TLB and the code cache may keep, and what they must not.
#include "jit/engine.h"

#include "hosttests/interpreter/guest.h"
#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;
using riscv64::Cause;
using riscv64::Privilege;

constexpr std::uint64_t kRoot = kRam + 0x10000, kMiddle = kRam + 0x11000, kLeaf = kRam + 0x12000;
constexpr std::uint64_t kV = 1, kR = 2, kW = 4, kX = 8, kU = 16, kA = 64, kD = 128;
constexpr std::uint64_t kAll = kV | kR | kW | kX | kA | kD;

// S-mode under Sv39: virtual page n (from 0) goes through the leaf table's entry n.
class Paging : public testing::Test {
protected:
    explicit Paging(const EngineOptions& options = {}) : guest(1 << 20, options) {
        guest.put<std::uint64_t>(kRoot, kMiddle >> 12 << 10 | kV);
        guest.put<std::uint64_t>(kMiddle, kLeaf >> 12 << 10 | kV);
        map(0, kRam, kAll);
        auto& state = guest.state();
        state.control.satp = std::uint64_t{8} << 60 | kRoot >> 12;
        state.control.privilege = Privilege::Supervisor;
        state.control.pmp.configuration[0] = 0x1f;
        state.control.pmp.address[0] = ~std::uint64_t{0} >> 10;
        state.control.mtvec = kRam + 0x800;
        guest.code(kRam + 0x800, {kWfi});
        state.pc = 0;
        guest.hart().state_changed();
    }
    static EngineOptions few_generations(int count) {
        EngineOptions options;
        options.generations = static_cast<std::uint64_t>(count);
        return options;
    }
    void map(std::uint64_t page, std::uint64_t physical, std::uint64_t flags) {
        guest.put<std::uint64_t>(kLeaf + 8 * page, physical >> 12 << 10 | flags);
    }
    void again(std::uint64_t pc = 0) {
        guest.state().control.privilege = Privilege::Supervisor;
        guest.state().pc = pc;
        guest.hart().state_changed();
        EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
    }
    void expect_trap(Cause cause, std::uint64_t epc, std::uint64_t tval) {
        EXPECT_EQ(guest.state().control.privilege, Privilege::Machine);
        EXPECT_EQ(guest.state().control.mcause, static_cast<std::uint64_t>(cause));
        EXPECT_EQ(guest.state().control.mepc, epc);
        EXPECT_EQ(guest.state().control.mtval, tval);
    }
    static constexpr std::uint32_t sfence(unsigned address) { return 0x12000073 | address << 15; }
    Guest guest;
};

TEST_F(Paging, LoadFaultNamesTheAddress) {
    guest.code(kRam, {lui(1, 3), load(3, 2, 1, 8), kWfi});
    again();
    expect_trap(Cause::LoadPageFault, 4, 0x3008);
}

TEST_F(Paging, StoreAcrossIntoAnUnmappedPageChangesNothing) {
    map(2, kRam + 0x2000, kAll);
    guest.code(kRam, {lui(1, 3), addi(2, 0, -1), store(3, 2, 1, -4), kWfi});
    again();
    expect_trap(Cause::StorePageFault, 8, 0x3000);
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 0x2ff8), 0u);
}

TEST_F(Paging, RemappedPageIsSeenAfterTheFence) {
    map(2, kRam + 0x2000, kAll);
    map(3, kLeaf, kAll); // the leaf table itself
    guest.put<std::uint64_t>(kRam + 0x2000, 22);
    guest.put<std::uint64_t>(kRam + 0x3000, 33);
    guest.state().x[6] = (kRam + 0x3000) >> 12 << 10 | kAll;
    guest.code(kRam, {lui(1, 2), lui(2, 3), load(3, 3, 1, 0), store(3, 6, 2, 16), sfence(1), load(3, 4, 1, 0),
                      kWfi});
    again();
    EXPECT_EQ(guest.state().x[3], 22u);
    EXPECT_EQ(guest.state().x[4], 33u);
}

TEST_F(Paging, RemappedCodeIsSeenAfterTheFence) {
    map(2, kRam + 0x2000, kAll);
    map(3, kLeaf, kAll);
    guest.code(kRam + 0x2000, {addi(10, 10, 1), jalr(0, 5, 0)});
    guest.code(kRam + 0x3000, {addi(10, 10, 16), jalr(0, 5, 0)});
    guest.state().x[6] = (kRam + 0x3000) >> 12 << 10 | kAll;
    guest.code(kRam, {lui(1, 2), lui(2, 3), jalr(5, 1, 0), jalr(5, 1, 0), store(3, 6, 2, 16), sfence(1),
                      jalr(5, 1, 0), kWfi});
    again();
    EXPECT_EQ(guest.state().x[10], 18u);
}

TEST_F(Paging, OneTranslationServesTwoMappings) {
    map(2, kRam + 0x2000, kAll);
    map(5, kRam + 0x2000, kAll);
    guest.code(kRam + 0x2000, {auipc(3, 0), add(10, 10, 3), jalr(0, 5, 0)});
    guest.code(kRam, {lui(1, 2), lui(2, 5), jalr(5, 1, 0), jalr(5, 2, 0), kWfi});
    again();
    EXPECT_EQ(guest.state().x[10], 0x7000u);
}

TEST_F(Paging, InstructionAcrossPagesFollowsTheMapping) {
    // Given: the first half at the end of page 2, mapped with two different pages 3 in turn
    map(2, kRam + 0x2000, kAll);
    map(3, kRam + 0x3000, kAll);
    map(4, kLeaf, kAll);
    const std::uint32_t first = addi(10, 10, 1), second = addi(10, 10, 0x101);
    ASSERT_EQ(first & 0xffff, second & 0xffff);
    guest.put<std::uint16_t>(kRam + 0x2ffe, static_cast<std::uint16_t>(first));
    guest.put<std::uint16_t>(kRam + 0x3000, static_cast<std::uint16_t>(first >> 16));
    guest.put<std::uint16_t>(kRam + 0x5000, static_cast<std::uint16_t>(second >> 16));
    for (const std::uint64_t page : {0x3000, 0x5000})
        guest.halves(kRam + page + 2, {0x8282}); // c.jr x5
    guest.state().x[6] = (kRam + 0x5000) >> 12 << 10 | kAll;
    guest.code(kRam,
               {lui(1, 3), lui(2, 4), jalr(5, 1, -2), store(3, 6, 2, 24), sfence(1), jalr(5, 1, -2), kWfi});
    again();
    EXPECT_EQ(guest.state().x[10], 0x102u);
    // When the second page is gone: the fault is at the instruction, its value the second half's address
    map(3, 0, 0);
    guest.hart().flush_tlb(GuestVirtualAddress(0), ~std::uint64_t{0});
    again();
    expect_trap(Cause::InstructionPageFault, 0x2ffe, 0x3000);
}

TEST_F(Paging, CodeAtTwoAddressesGoesOnInTheNextPageOfEach) {
    // Given: one page mapped twice, from which a jump leads to a different page either time
    map(2, kRam + 0x2000, kAll);
    map(3, kRam + 0x3000, kAll);
    map(5, kRam + 0x2000, kAll);
    map(6, kRam + 0x5000, kAll);
    guest.code(kRam + 0x2000, {jal(0, 0x1000)});
    guest.code(kRam + 0x3000, {addi(10, 10, 1), jalr(0, 5, 0)});
    guest.code(kRam + 0x5000, {addi(10, 10, 16), jalr(0, 5, 0)});
    guest.code(kRam,
               {lui(1, 2), lui(2, 5), jalr(5, 1, 0), jalr(5, 1, 0), jalr(5, 2, 0), jalr(5, 1, 0), kWfi});
    again();
    EXPECT_EQ(guest.state().x[10], 19u);
}

TEST_F(Paging, SumOpensUserPagesWhileItIsSet) {
    map(2, kRam + 0x2000, kAll | kU);
    guest.put<std::uint64_t>(kRam + 0x2000, 7);
    guest.state().x[5] = riscv64::mstatus::kSum;
    const std::uint32_t clear_sum = 0x73 | 3u << 12 | 5u << 15 | 0x100u << 20;
    guest.code(kRam, {lui(1, 2), csrrs(0, 0x100, 5), load(3, 2, 1, 0), clear_sum, load(3, 3, 1, 0), kWfi});
    again();
    EXPECT_EQ(guest.state().x[2], 7u);
    expect_trap(Cause::LoadPageFault, 16, 0x2000);
}

TEST_F(Paging, FetchUnderSumDoesNotOpenThePageForLoads) {
    // The supervisor may not execute user pages, whatever SUM says.
    map(2, kRam + 0x2000, kAll | kU);
    guest.state().control.mstatus |= riscv64::mstatus::kSum;
    guest.code(kRam, {lui(1, 2), load(3, 2, 1, 0), jalr(0, 1, 0)});
    again();
    expect_trap(Cause::InstructionPageFault, 0x2000, 0x2000);
}

TEST_F(Paging, CleanPageGetsItsDirtyBitAtTheFirstStore) {
    map(2, kRam + 0x2000, kV | kR | kW | kA);
    guest.code(kRam, {lui(1, 2), load(3, 2, 1, 0), store(3, 1, 1, 0), kWfi});
    again();
    EXPECT_EQ(guest.get<std::uint64_t>(kRam + 0x2000), 0x2000u);
    EXPECT_NE(guest.get<std::uint64_t>(kLeaf + 16) & kD, 0u);
}

TEST_F(Paging, ReadOnlyPageRefusesStoresAfterLoads) {
    map(2, kRam + 0x2000, kV | kR | kA);
    guest.code(kRam, {lui(1, 2), load(3, 2, 1, 0), store(3, 1, 1, 0), kWfi});
    again();
    expect_trap(Cause::StorePageFault, 8, 0x2000);
}

TEST_F(Paging, FenceOfOneAddressDropsItsSuperpage) {
    // Given: 2 MiB at 0x4000'0000 that go to the RAM's start, touched at two pages
    constexpr std::uint64_t kSecondMiddle = kRam + 0x14000;
    guest.put<std::uint64_t>(kRoot + 8, kSecondMiddle >> 12 << 10 | kV);
    guest.put<std::uint64_t>(kSecondMiddle, kRam >> 12 << 10 | kAll);
    map(3, kSecondMiddle, kAll);
    guest.put<std::uint64_t>(kRam + 0x5000, 55);
    guest.code(kRam, {lui(1, 0x40000), lui(2, 3), lui(5, 0x40005), load(3, 3, 1, 0), load(3, 4, 5, 0),
                      store(3, 0, 2, 0), sfence(1), load(3, 6, 5, 0), kWfi});
    again();
    EXPECT_EQ(guest.state().x[4], 55u);
    expect_trap(Cause::LoadPageFault, 28, 0x40005000);
}

TEST_F(Paging, NewAddressSpaceReplacesTheOld) {
    // Given: a second root whose page 2 is another
    constexpr std::uint64_t kRoot2 = kRam + 0x18000, kMiddle2 = kRam + 0x19000, kLeaf2 = kRam + 0x1a000;
    map(2, kRam + 0x2000, kAll);
    guest.put<std::uint64_t>(kRoot2, kMiddle2 >> 12 << 10 | kV);
    guest.put<std::uint64_t>(kMiddle2, kLeaf2 >> 12 << 10 | kV);
    guest.put<std::uint64_t>(kLeaf2, kRam >> 12 << 10 | kAll);
    guest.put<std::uint64_t>(kLeaf2 + 16, (kRam + 0x3000) >> 12 << 10 | kAll);
    guest.put<std::uint64_t>(kRam + 0x2000, 22);
    guest.put<std::uint64_t>(kRam + 0x3000, 33);
    guest.state().x[5] = std::uint64_t{8} << 60 | kRoot2 >> 12;
    guest.code(kRam, {lui(1, 2), load(3, 3, 1, 0), csrrw(6, 0x180, 5), load(3, 4, 1, 0), csrrw(0, 0x180, 6),
                      load(3, 7, 1, 0), kWfi});
    again();
    EXPECT_EQ(guest.state().x[3], 22u);
    EXPECT_EQ(guest.state().x[4], 33u);
    EXPECT_EQ(guest.state().x[7], 22u);
}

TEST_F(Paging, FenceOfAnAddressSpaceReachesItWhileAnotherIsCurrent) {
    // Given: address space 2 with a page 2 that was used and then remapped from address space 0
    constexpr std::uint64_t kRoot2 = kRam + 0x18000, kMiddle2 = kRam + 0x19000, kLeaf2 = kRam + 0x1a000;
    guest.put<std::uint64_t>(kRoot2, kMiddle2 >> 12 << 10 | kV);
    guest.put<std::uint64_t>(kMiddle2, kLeaf2 >> 12 << 10 | kV);
    guest.put<std::uint64_t>(kLeaf2, kRam >> 12 << 10 | kAll);
    guest.put<std::uint64_t>(kLeaf2 + 16, (kRam + 0x2000) >> 12 << 10 | kAll);
    map(3, kLeaf2, kAll);
    guest.put<std::uint64_t>(kRam + 0x2000, 22);
    guest.put<std::uint64_t>(kRam + 0x3000, 33);
    auto& x = guest.state().x;
    x[1] = 0x2000;
    x[2] = 0x3010; // the entry
    x[5] = std::uint64_t{8} << 60 | std::uint64_t{2} << 44 | kRoot2 >> 12;
    x[8] = (kRam + 0x3000) >> 12 << 10 | kAll;
    x[9] = 2;
    const std::uint32_t fence_space = 0x12000073 | 9u << 20;
    guest.code(kRam, {csrrw(6, 0x180, 5), load(3, 3, 1, 0), csrrw(0, 0x180, 6), store(3, 8, 2, 0),
                      fence_space, csrrw(0, 0x180, 5), load(3, 4, 1, 0), csrrw(0, 0x180, 6), kWfi});
    again();
    EXPECT_EQ(x[3], 22u);
    EXPECT_EQ(x[4], 33u);
}

class FewGenerations : public Paging, public testing::WithParamInterface<int> {
protected:
    FewGenerations() : Paging(few_generations(GetParam())) {}
};
INSTANTIATE_TEST_SUITE_P(Counts, FewGenerations, testing::Range(20, 60));

TEST_P(FewGenerations, OldCodeStaysAwayWhenTheyBeginAnew) {
    // Given: a page of code that is exchanged, with any number of fences until it is called again
    const auto fence = [&] { guest.hart().flush_tlb(GuestVirtualAddress(0), ~std::uint64_t{0}); };
    guest.code(kRam + 0x2100, {addi(10, 10, 1), jalr(0, 5, 0)});
    guest.code(kRam + 0x5100, {addi(10, 10, 16), jalr(0, 5, 0)});
    guest.code(kRam, {lui(1, 2), jalr(5, 1, 0x100), kWfi});
    for (int fences = 1; fences < 12; ++fences) {
        guest.state().x[10] = 0;
        map(2, kRam + 0x2000, kAll);
        fence();
        again();
        map(2, kRam + 0x5000, kAll);
        for (int i = 0; i < fences; ++i)
            fence();
        again();
        ASSERT_EQ(guest.state().x[10], 17u) << fences;
    }
}

} // namespace

} // namespace ashlar::jit::test
