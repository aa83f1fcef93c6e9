// Other threads have a hart forget translations.
#include <thread>

#include "hosttests/interpreter/guest.h"
#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;
using mmu::RemoteFlush;
using riscv64::Privilege;
using Kind = RemoteFlush::Kind;

constexpr std::uint64_t kRoot = kRam + 0x10000, kMiddle = kRam + 0x11000, kLeaf = kRam + 0x12000;
constexpr std::uint64_t kAll = 1 | 2 | 4 | 8 | 64 | 128;
constexpr std::uint64_t kFirst = kRam + 0x20000, kSecond = kRam + 0x21000;
constexpr std::uint16_t kAsid = 3;

// S-mode under Sv39, in space 3: page 0 is code, page 2 is kFirst.
class RemoteFlushes : public testing::TestWithParam<RemoteFlush> {
protected:
    RemoteFlushes() {
        guest.put<std::uint64_t>(kRoot, kMiddle >> 12 << 10 | 1);
        guest.put<std::uint64_t>(kMiddle, kLeaf >> 12 << 10 | 1);
        map(0, kRam);
        map(2, kFirst);
        guest.put<std::uint64_t>(kFirst, 0);
        guest.put<std::uint64_t>(kSecond, 77);
        auto& state = guest.state();
        state.control.satp = std::uint64_t{8} << 60 | std::uint64_t{kAsid} << 44 | kRoot >> 12;
        state.control.privilege = Privilege::Supervisor;
        state.control.pmp.configuration[0] = 0x1f;
        state.control.pmp.address[0] = ~std::uint64_t{0} >> 10;
        state.pc = 0;
        // lui x1, 2; load x10, 0(x1); beq x10, x0, -4; wfi
        guest.code(kRam, {lui(1, 2), load(3, 10, 1, 0), branch(0, 10, 0, -4), kWfi});
        guest.hart().state_changed();
    }
    void map(std::uint64_t page, std::uint64_t physical) {
        guest.put<std::uint64_t>(kLeaf + 8 * page, physical >> 12 << 10 | kAll);
    }
    Guest guest;
};

TEST_P(RemoteFlushes, AreServedBeforeAHartRunsAgain) {
    // Given a hart that has the page in its TLB, and stands
    ASSERT_EQ(guest.hart().run(3000), Stop::Budget);
    ASSERT_EQ(guest.state().x[10], 0u);
    // When the page is changed and it is told
    map(2, kSecond);
    const std::uint64_t ticket = guest.hart().flush_tlb_remotely(GetParam());
    // Then it need not be waited for, and reads the other page
    EXPECT_TRUE(guest.hart().flushed(ticket));
    EXPECT_EQ(guest.hart().run(3000), Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[10], 77u);
}

TEST_P(RemoteFlushes, ReachAHartThatRuns) {
    // Given a hart that goes round and round on another thread
    Stop stop = Stop::Budget;
    std::thread thread([&] { stop = guest.hart().run(std::uint64_t{1} << 40); });
    // When its page is changed and it is told
    map(2, kSecond);
    const std::uint64_t ticket = guest.hart().flush_tlb_remotely(GetParam());
    while (!guest.hart().flushed(ticket))
        std::this_thread::yield();
    // Then it comes out
    thread.join();
    EXPECT_EQ(stop, Stop::WaitForInterrupt);
    EXPECT_EQ(guest.state().x[10], 77u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RemoteFlushes,
                         testing::Values(RemoteFlush{}, RemoteFlush{Kind::Range, 0, 0x2000, kPageSize},
                                         RemoteFlush{Kind::Space, kAsid},
                                         RemoteFlush{.kind = Kind::Physical,
                                                     .page = GuestPhysicalAddress(kFirst)}));

} // namespace

} // namespace ashlar::jit::test
