// How other threads have a hart forget translations.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/address.h"

namespace ashlar::jit::mmu {

struct RemoteFlush {
    enum class Kind : std::uint8_t {
        All,
        Range,    // `size` bytes from `address`, in all address spaces; all ones: everything
        Space,    // the same, in the spaces with that identifier
        Physical, // whatever leads to the guest-physical page
    };
    Kind kind = Kind::All;
    std::uint16_t identifier = 0;
    std::uint64_t address = 0, size = ~std::uint64_t{0};
    GuestPhysicalAddress page{0};
};

// Of one hart, whose thread serves what any others post. There is no lock: accesses that hit the TLB know
// nothing of this, the hart looks at pending() where it looks for other asynchronous events. A post is done
// when the hart has served it, or is not within enter() and leave(): then it uses no translations, and serves
// first when it comes back. From then on nothing that the hart does goes by what was to be forgotten, and all
// that it did happened before.
class FlushMailbox {
public:
    // From any thread, after the change of page tables. For done().
    std::uint64_t post(const RemoteFlush& flush);
    bool done(std::uint64_t ticket) const {
        return done_.load(std::memory_order_acquire) >= ticket || !active_.load(std::memory_order_seq_cst);
    }

    // The hart's: it serves right after it has entered.
    void enter() { active_.store(true, std::memory_order_seq_cst); }
    void leave() { active_.store(false, std::memory_order_seq_cst); }
    bool pending() const { return posted_.load(std::memory_order_seq_cst) != served_; }
    template <class Function>
    void serve(Function flush) {
        const std::uint64_t posted = posted_.load(std::memory_order_seq_cst);
        if (everything_.exchange(false, std::memory_order_acq_rel))
            flush(RemoteFlush{});
        for (Slot& slot : slots_) {
            if (slot.state.load(std::memory_order_acquire) != State::Full)
                continue;
            flush(slot.request);
            slot.state.store(State::Free, std::memory_order_release);
        }
        served_ = posted;
        done_.store(posted, std::memory_order_release);
    }

private:
    enum class State : std::uint8_t { Free, Claimed, Full };
    // Order does not matter: each only takes away.
    struct Slot {
        std::atomic<State> state{State::Free};
        RemoteFlush request;
    };
    static constexpr std::size_t kSlots = 8; // when they are full everything is to go

    std::array<Slot, kSlots> slots_;
    std::atomic<bool> everything_{false};
    std::atomic<std::uint64_t> posted_{0}, done_{0};
    std::atomic<bool> active_{false};
    std::uint64_t served_ = 0; // done_, for the hart alone
};

} // namespace ashlar::jit::mmu
