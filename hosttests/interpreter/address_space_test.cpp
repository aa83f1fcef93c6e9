// Several address spaces through the engine: what they share, and what a fence of one, of an identifier or of
// global pages must reach.
#include "hosttests/interpreter/guest.h"
#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;
using riscv64::Privilege;

constexpr std::uint64_t kV = 1, kR = 2, kW = 4, kX = 8, kU = 16, kG = 32, kA = 64, kD = 128;
constexpr std::uint64_t kAll = kV | kR | kW | kX | kA | kD;
constexpr unsigned kSatp = 0x180, kSepc = 0x141, kSstatus = 0x100;

// Address spaces 1, 2, ... whose virtual page n goes through entry n of the space's leaf table. Page 0 of
// each is the RAM's first, global. Pages 48 to 63 are the leaf tables of all.
class AddressSpaces : public testing::Test {
protected:
    static constexpr unsigned kCount = 7;

    AddressSpaces() {
        for (unsigned space = 1; space <= kCount; ++space) {
            guest.put<std::uint64_t>(table(space, 0), table(space, 1) >> 12 << 10 | kV);
            guest.put<std::uint64_t>(table(space, 1), table(space, 2) >> 12 << 10 | kV);
            map(space, 0, kRam, kAll | kG);
            for (unsigned other = 1; other <= kCount; ++other)
                map(space, 48 + other, table(other, 2), kAll | kG);
        }
        auto& control = guest.state().control;
        control.privilege = Privilege::Supervisor;
        control.pmp.configuration[0] = 0x1f;
        control.pmp.address[0] = ~std::uint64_t{0} >> 10;
        control.mtvec = kRam + 0x800;
        guest.code(kRam + 0x800, {kWfi});
        for (unsigned space = 1; space <= kCount; ++space)
            guest.state().x[20 + space] = satp(space);
    }
    static std::uint64_t table(unsigned space, unsigned level) {
        return kRam + 0x40000 + space * 0x3000 + level * 0x1000;
    }
    // The address space identifier of a space is its number.
    static std::uint64_t satp(unsigned space) {
        return std::uint64_t{8} << 60 | std::uint64_t{space} << 44 | table(space, 0) >> 12;
    }
    static std::uint64_t entry(std::uint64_t physical, std::uint64_t flags) {
        return physical >> 12 << 10 | flags;
    }
    void map(unsigned space, std::uint64_t page, std::uint64_t physical, std::uint64_t flags) {
        guest.put<std::uint64_t>(table(space, 2) + 8 * page, entry(physical, flags));
    }
    // A function that adds to x10 and goes on in the next page, where it returns by x5.
    void function(std::uint64_t physical, int amount) {
        guest.code(physical, {addi(10, 10, amount), jal(0, 0xffc)});
        guest.code(physical + 0x1000, {addi(10, 10, amount), jalr(0, 5, 0)});
    }
    // Register 20 + space holds its satp.
    static constexpr std::uint32_t enter(unsigned space) { return csrrw(0, kSatp, 20 + space); }
    static constexpr std::uint32_t sfence(unsigned address, unsigned asid) {
        return 0x12000073 | address << 15 | asid << 20;
    }
    void run() {
        guest.state().control.satp = satp(1);
        guest.state().pc = 0;
        guest.hart().state_changed();
        EXPECT_EQ(guest.run(), Stop::WaitForInterrupt);
        EXPECT_EQ(guest.state().control.privilege, Privilege::Supervisor);
    }
    std::uint64_t& x(unsigned number) { return guest.state().x[number]; }

    Guest guest;
};

TEST_F(AddressSpaces, SupervisorCodeThatIsNotGlobalIsThatOfItsSpace) {
    function(kRam + 0x2000, 1);
    function(kRam + 0x6000, 16);
    for (unsigned page = 0; page < 2; ++page) {
        map(1, 2 + page, kRam + 0x2000 + page * 0x1000, kAll);
        map(2, 2 + page, kRam + 0x6000 + page * 0x1000, kAll);
    }
    guest.code(kRam, {lui(1, 2), jalr(5, 1, 0), enter(2), jalr(5, 1, 0), enter(1), jalr(5, 1, 0), enter(2),
                      jalr(5, 1, 0), kWfi});
    run();
    EXPECT_EQ(x(10), 2u * 2 + 2 * 32);
}

TEST_F(AddressSpaces, GlobalCodeThatLeadsToOtherPagesInEachSpace) {
    // Given: global code at page 2 whose jump leads to page 3, which is not global
    guest.code(kRam + 0x2000, {addi(10, 10, 1), jal(0, 0xffc)});
    guest.code(kRam + 0x3000, {addi(10, 10, 16), jalr(0, 5, 0)});
    guest.code(kRam + 0x4000, {addi(10, 10, 256), jalr(0, 5, 0)});
    for (unsigned space = 1; space <= 2; ++space) {
        map(space, 2, kRam + 0x2000, kAll | kG);
        map(space, 3, kRam + 0x2000 + space * 0x1000, kAll);
    }
    guest.code(kRam, {lui(1, 2), jalr(5, 1, 0), jalr(5, 1, 0), enter(2), jalr(5, 1, 0), jalr(5, 1, 0),
                      enter(1), jalr(5, 1, 0), enter(2), jalr(5, 1, 0), kWfi});
    run();
    EXPECT_EQ(x(10), 6u + 3 * 16 + 3 * 256);
}

TEST_F(AddressSpaces, FenceOfAGlobalPageReachesAllSpaces) {
    function(kRam + 0x2000, 1);
    function(kRam + 0x6000, 16);
    for (unsigned space = 1; space <= 2; ++space)
        for (unsigned page = 0; page < 2; ++page)
            map(space, 2 + page, kRam + 0x2000 + page * 0x1000, kAll | kG);
    x(6) = entry(kRam + 0x6000, kAll | kG);
    x(7) = entry(kRam + 0x7000, kAll | kG);
    guest.code(kRam, {lui(1, 2), lui(2, 49), lui(3, 50), lui(4, 3), jalr(5, 1, 0), enter(2), jalr(5, 1, 0),
                      // both pages, of both spaces
                      store(3, 6, 2, 16), store(3, 7, 2, 24), store(3, 6, 3, 16), store(3, 7, 3, 24),
                      sfence(1, 0), sfence(4, 0), jalr(5, 1, 0), enter(1), jalr(5, 1, 0), kWfi});
    run();
    EXPECT_EQ(x(10), 2u * 2 + 2 * 32);
}

TEST_F(AddressSpaces, FenceOfEverythingReachesChangedPagesAlone) {
    // Given: two functions, of which the second is exchanged
    function(kRam + 0x2000, 1);
    function(kRam + 0x6000, 16);
    function(kRam + 0x8000, 256);
    for (unsigned page = 0; page < 2; ++page) {
        map(1, 2 + page, kRam + 0x2000 + page * 0x1000, kAll | kG);
        map(1, 4 + page, kRam + 0x6000 + page * 0x1000, kAll | kG);
    }
    x(6) = entry(kRam + 0x9000, kAll | kG);
    guest.code(kRam,
               {lui(1, 2), lui(2, 49), lui(3, 4), jalr(5, 1, 0), jalr(5, 3, 0), sfence(0, 0), jalr(5, 1, 0),
                jalr(5, 3, 0), store(3, 6, 2, 40), sfence(0, 0), jalr(5, 1, 0), jalr(5, 3, 0), kWfi});
    run();
    EXPECT_EQ(x(10), 3u * 2 + 2 * 32 + 16 + 256);
}

TEST_F(AddressSpaces, PageThatWasExchangedAndPutBackBetweenFences) {
    // Given: two functions in a page that is exchanged without a fence and put back, one called in between
    for (const int offset : {0, 8}) {
        guest.code(kRam + 0x2000 + offset, {addi(10, 10, 1), jalr(0, 5, 0)});
        guest.code(kRam + 0x3000 + offset, {addi(10, 10, 16), jalr(0, 5, 0)});
    }
    map(1, 2, kRam + 0x2000, kAll | kG);
    // A page that has the same place in a TLB of fetches.
    constexpr std::uint64_t kAlias = 256 + 2;
    guest.code(kRam + 0x4000, {jalr(0, 5, 0)});
    map(1, kAlias, kRam + 0x4000, kAll | kG);
    x(6) = entry(kRam + 0x3000, kAll | kG);
    x(7) = entry(kRam + 0x2000, kAll | kG);
    guest.code(kRam, {lui(1, 2), lui(2, 49), lui(3, kAlias), jalr(5, 1, 0), store(3, 6, 2, 16), jalr(5, 3, 0),
                      jalr(5, 1, 8), store(3, 7, 2, 16), sfence(0, 0), addi(10, 0, 0), jalr(5, 1, 8), kWfi});
    run();
    EXPECT_EQ(x(10), 1u);
}

TEST_F(AddressSpaces, FenceOfAnIdentifierReachesItsData) {
    // Given: data that both the supervisor and, with SUM, user pages have entries for
    map(1, 8, kRam + 0x8000, kAll);
    map(1, 9, kRam + 0x9000, kAll | kU);
    for (unsigned i = 8; i <= 11; ++i)
        guest.put<std::uint64_t>(kRam + i * 0x1000, i);
    x(6) = entry(kRam + 0xa000, kAll);
    x(7) = entry(kRam + 0xb000, kAll | kU);
    x(8) = riscv64::mstatus::kSum;
    x(9) = 1;
    guest.code(kRam,
               {lui(1, 8), lui(2, 49), lui(3, 9), load(3, 11, 1, 0), csrrs(0, kSstatus, 8), load(3, 12, 3, 0),
                load(3, 13, 1, 0), store(3, 6, 2, 64), store(3, 7, 2, 72), sfence(0, 9), load(3, 14, 3, 0),
                load(3, 15, 1, 0), csrrw(0, kSstatus, 0), load(3, 16, 1, 0), kWfi});
    run();
    EXPECT_EQ(x(11), 8u);
    EXPECT_EQ(x(12), 9u);
    EXPECT_EQ(x(13), 8u);
    EXPECT_EQ(x(14), 11u);
    EXPECT_EQ(x(15), 10u);
    EXPECT_EQ(x(16), 10u);
}

TEST_F(AddressSpaces, SupervisorDataThatIsNotGlobalIsThatOfItsSpace) {
    for (unsigned space = 1; space <= kCount; ++space) {
        map(space, 8, kRam + 0x8000 + space * 0x1000, kAll);
        guest.put<std::uint64_t>(kRam + 0x8000 + space * 0x1000, space);
    }
    guest.code(kRam,
               {lui(1, 8), load(3, 11, 1, 0), enter(2), load(3, 12, 1, 0), enter(1), load(3, 13, 1, 0),
                enter(3), load(3, 14, 1, 0), enter(4), load(3, 15, 1, 0), enter(5), load(3, 16, 1, 0),
                enter(6), load(3, 17, 1, 0), enter(7), load(3, 18, 1, 0), enter(1), load(3, 19, 1, 0), kWfi});
    run();
    const std::uint64_t expected[] = {1, 2, 1, 3, 4, 5, 6, 7, 1};
    for (unsigned i = 0; i < std::size(expected); ++i)
        EXPECT_EQ(x(11 + i), expected[i]) << i;
}

TEST_F(AddressSpaces, UserCodeIsThatOfItsSpace) {
    // Given: in each space a user function with data, which ends with a call to the supervisor
    for (unsigned space = 1; space <= kCount; ++space) {
        const std::uint64_t code = kRam + 0x2000 + space * 0x2000;
        guest.code(code, {addi(10, 10, 1), jal(0, 0xffc)});
        guest.code(code + 0x1000, {load(3, 12, 1, 0x700), add(10, 10, 12), kEcall});
        guest.put<std::uint64_t>(code + 0x700, 16 * space);
        map(space, 2, code, (kAll | kU) & ~kW);
        map(space, 3, code + 0x1000, (kAll | kU) & ~kW);
    }
    auto& control = guest.state().control;
    control.medeleg = riscv64::kDelegableExceptions;
    control.stvec = 0x100;
    // Register 1: page 2; 2: how often; 3: the space's satp, by adding what lies between two.
    x(1) = 0x2000;
    x(2) = 30;
    x(3) = satp(1);
    x(4) = satp(2) - satp(1);
    x(8) = riscv64::mstatus::kSpp;
    const std::uint32_t clear_spp = 0x73 | 3u << 12 | 8u << 15 | kSstatus << 20;
    guest.code(kRam, {csrrw(0, kSepc, 1), clear_spp, kSret});
    guest.code(kRam + 0x100,
               {addi(2, 2, -1), branch(0, 2, 0, 36), add(3, 3, 4), addi(9, 9, 1), branch(1, 9, 11, 12),
                addi(9, 0, 0), addi(3, 21, 0), csrrw(0, kSatp, 3), jal(0, -0x120), kNop, kWfi});
    x(11) = kCount;
    run();
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < 30; ++i)
        sum += 1 + 16 * (i % kCount + 1);
    EXPECT_EQ(x(10), sum);
}

TEST_F(AddressSpaces, UserCodeIsSeenChangedAfterAFenceOfItsIdentifierOrAll) {
    for (const unsigned asid : {0u, 9u}) {
        guest.code(kRam + 0x2000, {addi(10, 10, 1), kEcall});
        guest.code(kRam + 0x3000, {addi(10, 10, 16), kEcall});
        map(1, 2, kRam + 0x2000, kAll | kU);
        guest.hart().flush_tlb(GuestVirtualAddress(0), ~std::uint64_t{0});
        auto& control = guest.state().control;
        control.medeleg = riscv64::kDelegableExceptions;
        control.stvec = 0x100;
        control.privilege = Privilege::Supervisor;
        x(1) = 0x2000;
        x(2) = 3;
        x(6) = entry(kRam + 0x3000, kAll | kU);
        x(7) = 49 << 12;
        x(8) = riscv64::mstatus::kSpp;
        x(9) = 1;
        x(10) = 0;
        const std::uint32_t clear_spp = 0x73 | 3u << 12 | 8u << 15 | kSstatus << 20;
        guest.code(kRam, {csrrw(0, kSepc, 1), clear_spp, kSret});
        guest.code(kRam + 0x100, {addi(2, 2, -1), branch(0, 2, 0, 16), store(3, 6, 7, 16), sfence(0, asid),
                                  jal(0, -0x110), kWfi});
        run();
        EXPECT_EQ(x(10), 1u + 2 * 16) << asid;
    }
}

} // namespace

} // namespace ashlar::jit::test
