// Locks for code that may run on several CPUs.
#pragma once

#include <atomic>

#if __STDC_HOSTED__
#include <sched.h>
#endif

namespace ashlar {

inline void cpu_relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Waits for another CPU a little, having waited `rounds` times already. Under an operating system that one
// may not be running at all: it is let run.
inline void wait_for_other_cpu([[maybe_unused]] unsigned rounds) {
#if __STDC_HOSTED__
    constexpr unsigned kPatience = 64;
    if (rounds >= kPatience) {
        ::sched_yield();
        return;
    }
#endif
    cpu_relax();
}

// A fair (FIFO) spin lock. The holder must not be preempted by code that takes the same lock: in interrupt
// context the caller masks interrupts first.
class TicketLock {
public:
    void lock() {
        const unsigned ticket = next_.fetch_add(1, std::memory_order_relaxed);
        for (unsigned rounds = 0; serving_.load(std::memory_order_acquire) != ticket; ++rounds)
            wait_for_other_cpu(rounds);
    }
    bool try_lock() {
        unsigned serving = serving_.load(std::memory_order_relaxed);
        return next_.compare_exchange_strong(serving, serving + 1, std::memory_order_acquire,
                                             std::memory_order_relaxed);
    }
    void unlock() { serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

private:
    std::atomic<unsigned> next_{0};
    std::atomic<unsigned> serving_{0};
};

// Holds a lock for a scope.
template <class Lock>
class [[nodiscard]] LockGuard {
public:
    explicit LockGuard(Lock& lock) : lock_(lock) { lock_.lock(); }
    LockGuard(const LockGuard&) = delete;
    LockGuard& operator=(const LockGuard&) = delete;
    ~LockGuard() { lock_.unlock(); }

private:
    Lock& lock_;
};

} // namespace ashlar
