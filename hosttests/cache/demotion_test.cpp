// Regions that are left all the time since their probes fail.
#include "hosttests/interpreter/guest.h"
#include "jit/optimizer/optimizer.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

constexpr std::uint64_t kPageEnd = kRam + 0x9000;
constexpr unsigned kTurns = 100'000;

class Demotion : public testing::Test {
protected:
    Demotion()
        : code_(std::size_t{2} << 20),
          guest(1 << 20, {.verify_ir = true,
                          .native_code = code_.get(),
                          .promote_after = 1,
                          .optimize_after = 50,
                          .optimizer_passes = ~unsigned{optimizer::kExtents}}) {
        // x3 = the sum of two words of 64 bits at x5, again and again.
        guest.code(kRam, {load(3, 6, 5, 0), load(3, 7, 5, kDistance), add(3, 3, 6), add(3, 3, 7),
                          addi(4, 4, -1), branch(1, 4, 0, -20), kWfi});
    }
    void expect_sum(std::uint64_t address) {
        guest.put<std::uint64_t>(address, 5);
        guest.put<std::uint64_t>(address + kDistance, 7);
        guest.state().pc = kRam;
        guest.state().x[3] = 0;
        guest.state().x[4] = kTurns;
        guest.state().x[5] = address;
        guest.hart().state_changed();
        EXPECT_EQ(guest.run(10'000'000), Stop::WaitForInterrupt);
        EXPECT_EQ(guest.state().x[3], 12u * kTurns);
    }
    EngineStatistics counts() const { return guest.engine->statistics(); }

    static constexpr int kDistance = 200;

private:
    hosted::HostedCodeMemory code_;

public:
    Guest guest;
};

TEST_F(Demotion, RegionsWhoseProbesHoldStay) {
    expect_sum(kPageEnd - 1024);
    EXPECT_EQ(counts().probes_failed, 0u);
    EXPECT_EQ(counts().regions_demoted, 0u);
    EXPECT_EQ(counts().tiers[2].units, 1u);
}

TEST_F(Demotion, AccessesInTwoPagesGetProbesOfTheirOwn) {
    expect_sum(kPageEnd - 104); // one probe for both would need both in one page
    EXPECT_EQ(counts().regions_demoted, 1u);
    EXPECT_EQ(counts().tiers[2].units, 2u);
    const std::uint64_t failed = counts().probes_failed;
    EXPECT_LT(failed, kTurns / 10);
    expect_sum(kPageEnd - 104);
    EXPECT_EQ(counts().probes_failed, failed);
    EXPECT_EQ(counts().tiers[2].units, 2u);
}

TEST_F(Demotion, AnAccessToTwoPagesLeavesTheLoopToTier1) {
    expect_sum(kPageEnd - 4);
    EXPECT_EQ(counts().regions_demoted, 2u);
    const std::uint64_t failed = counts().probes_failed;
    EXPECT_LT(failed, kTurns / 10);
    expect_sum(kPageEnd - 4);
    EXPECT_EQ(counts().probes_failed, failed);
    EXPECT_EQ(counts().regions_demoted, 2u);
    EXPECT_EQ(counts().tiers[2].units, 2u);
}

// What fails once in a while costs less than other probes would.
TEST_F(Demotion, FewFailuresAreBorne) {
    for (int i = 0; i < 10; ++i)
        expect_sum(kPageEnd - 1024 - static_cast<std::uint64_t>(i) * 8);
    guest.state().x[4] = 100;
    guest.state().pc = kRam;
    guest.state().x[5] = kPageEnd - 104;
    guest.hart().state_changed();
    EXPECT_EQ(guest.run(10'000'000), Stop::WaitForInterrupt);
    EXPECT_GT(counts().probes_failed, 0u);
    EXPECT_EQ(counts().regions_demoted, 0u);
}

} // namespace

} // namespace ashlar::jit::test
