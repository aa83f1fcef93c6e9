// Locks for code that may run on several CPUs.
#pragma once

#include <atomic>

namespace ashlar {

inline void cpu_relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// A fair (FIFO) spin lock. The holder must not be preempted by code that takes the same lock: in interrupt
// context the caller masks interrupts first.
class TicketLock {
public:
    void lock() {
        const unsigned ticket = next_.fetch_add(1, std::memory_order_relaxed);
        while (serving_.load(std::memory_order_acquire) != ticket)
            cpu_relax();
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
