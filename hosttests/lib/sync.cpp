#include "lib/sync.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

TEST(TicketLock, ExcludesOtherThreads) {
    constexpr int kThreads = 4, kRounds = 2000;
    TicketLock lock;
    int counter = 0; // not atomic: a lost update shows a broken lock
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < kRounds; ++round) {
                // Many threads on few CPUs: a waiter that spins while the holder is preempted costs its
                // slice.
                while (!lock.try_lock())
                    std::this_thread::yield();
                ++counter;
                lock.unlock();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(counter, kThreads * kRounds);
}

TEST(TicketLock, TryLockFailsWhileHeldAndSucceedsAfter) {
    TicketLock lock;
    lock.lock();
    EXPECT_FALSE(lock.try_lock());
    lock.unlock();
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
}

TEST(TicketLock, ServesWaitersInOrder) {
    TicketLock lock;
    std::vector<int> order;
    lock.lock();
    std::atomic<int> started{0};
    std::thread first([&] {
        started = 1;
        const LockGuard guard(lock);
        order.push_back(1);
    });
    while (started != 1)
        std::this_thread::yield();
    lock.unlock();
    first.join();
    EXPECT_EQ(order, std::vector{1});
}

TEST(LockGuard, ReleasesAtTheEndOfItsScope) {
    TicketLock lock;
    {
        const LockGuard guard(lock);
        EXPECT_FALSE(lock.try_lock());
    }
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
}

} // namespace
} // namespace ashlar
