// How CPUs are made to forget translations that they have cached of one VM's second-level tables.
//
// Each change gets a generation. A virtual CPU whose code runs has said which generation it knows; whoever
// changes tables waits for those that know less. They are made to leave their VM, and say what they know
// before they enter again. One that is not running needs no telling: it asks when it enters.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/cpu.h"
#include "lib/intrusive_list.h"
#include "lib/sync.h"

namespace ashlar::kernel {

class CachedTranslations;

// Of one address space.
class Shootdown {
public:
    std::uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }

    // Called after tables have changed, with the lock of the address space held and not while the caller's
    // own CPU runs the VM. When it returns, no CPU uses a translation from before, nor walks a table that was
    // unlinked before.
    void invalidate();

private:
    friend class CachedTranslations;
    // From 1 on, so that 0 is older than all.
    std::atomic<std::uint64_t> generation_{1};
    IntrusiveList<CachedTranslations> users_;
};

// What one virtual CPU's host CPU has cached for it. The address space's lock is held when one is made or
// destroyed; else it belongs to the CPU that runs the virtual CPU.
class CachedTranslations : public ListLink<> {
public:
    explicit CachedTranslations(Shootdown& shootdown) : shootdown_(shootdown) {
        shootdown_.users_.push_back(*this);
    }
    ~CachedTranslations() { unlink(); }

    // Brackets the run of the VM's code; interrupts are off. What has been cached under an older generation
    // than the one returned is flushed before the VM's first access.
    std::uint64_t enter() {
        cpu_.store(arch::current_cpu(), std::memory_order_relaxed);
        // Either invalidate() sees that this runs, or this sees the new generation.
        knows_.store(kNothing, std::memory_order_seq_cst);
        const std::uint64_t generation = shootdown_.generation_.load(std::memory_order_seq_cst);
        knows_.store(generation, std::memory_order_seq_cst);
        return generation;
    }
    // At once after the run: somebody may wait, and must not wait for one who waits for a lock.
    void leave() { knows_.store(kAll, std::memory_order_release); }

private:
    friend class Shootdown;
    static constexpr std::uint64_t kNothing = 0, kAll = ~std::uint64_t{0};

    Shootdown& shootdown_;
    std::atomic<std::uint64_t> knows_{kAll}; // a generation
    std::atomic<unsigned> cpu_{0};           // the last
};

inline void Shootdown::invalidate() {
    const std::uint64_t generation = generation_.fetch_add(1, std::memory_order_seq_cst) + 1;
    // All are told before any is waited for.
    for (CachedTranslations& user : users_)
        if (user.knows_.load(std::memory_order_seq_cst) < generation)
            arch::kick(user.cpu_.load(std::memory_order_relaxed));
    for (CachedTranslations& user : users_)
        while (user.knows_.load(std::memory_order_acquire) < generation)
            cpu_relax();
}

} // namespace ashlar::kernel
