#include "jit/mmu/flush_mailbox.h"

#include <vector>

#include <gtest/gtest.h>

namespace ashlar::jit::mmu {

namespace {

using Kind = RemoteFlush::Kind;

std::vector<RemoteFlush> served(FlushMailbox& mailbox) {
    std::vector<RemoteFlush> result;
    mailbox.serve([&](const RemoteFlush& flush) { result.push_back(flush); });
    return result;
}

TEST(FlushMailbox, DeliversWhatWasPosted) {
    // Given a hart that runs
    FlushMailbox mailbox;
    mailbox.enter();
    EXPECT_FALSE(mailbox.pending());
    // When two flushes are posted
    const std::uint64_t first = mailbox.post({Kind::Range, 0, 0x1000, 0x2000});
    const std::uint64_t second =
        mailbox.post({.kind = Kind::Physical, .page = GuestPhysicalAddress(0x8000'0000)});
    // Then they are pending until the hart has served both
    EXPECT_TRUE(mailbox.pending());
    EXPECT_FALSE(mailbox.done(first));
    const auto flushes = served(mailbox);
    ASSERT_EQ(flushes.size(), 2u);
    EXPECT_EQ(flushes[0].kind, Kind::Range);
    EXPECT_EQ(flushes[0].address, 0x1000u);
    EXPECT_EQ(flushes[0].size, 0x2000u);
    EXPECT_EQ(flushes[1].page.value(), 0x8000'0000u);
    EXPECT_FALSE(mailbox.pending());
    EXPECT_TRUE(mailbox.done(first));
    EXPECT_TRUE(mailbox.done(second));
    EXPECT_TRUE(served(mailbox).empty());
}

TEST(FlushMailbox, TooManyAreOneOfEverything) {
    FlushMailbox mailbox;
    mailbox.enter();
    for (std::uint64_t i = 0; i < 100; ++i)
        mailbox.post({Kind::Range, 0, i << kPageShift, kPageSize});
    const std::uint64_t last = mailbox.post({Kind::Range, 0, 0, kPageSize});
    const auto flushes = served(mailbox);
    EXPECT_EQ(flushes.front().kind, Kind::All);
    EXPECT_LT(flushes.size(), 20u);
    EXPECT_TRUE(mailbox.done(last));
    // And then there is room again
    mailbox.post({Kind::Range, 0, 0, kPageSize});
    EXPECT_EQ(served(mailbox).front().kind, Kind::Range);
}

TEST(FlushMailbox, AHartThatDoesNotRunNeedNotBeWaitedFor) {
    FlushMailbox mailbox;
    const std::uint64_t ticket = mailbox.post({});
    EXPECT_TRUE(mailbox.done(ticket));
    // But it has to serve when it comes back
    mailbox.enter();
    EXPECT_TRUE(mailbox.pending());
    EXPECT_FALSE(mailbox.done(ticket));
    mailbox.leave();
    EXPECT_TRUE(mailbox.done(ticket));
    EXPECT_TRUE(mailbox.pending());
}

} // namespace

} // namespace ashlar::jit::mmu
