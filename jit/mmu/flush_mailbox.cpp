#include "jit/mmu/flush_mailbox.h"

namespace ashlar::jit::mmu {

// The number is taken when the request can be seen, so that who serves up to it has seen it.
std::uint64_t FlushMailbox::post(const RemoteFlush& flush) {
    bool placed = false;
    for (Slot& slot : slots_) {
        State free = State::Free;
        placed = slot.state.compare_exchange_strong(free, State::Claimed, std::memory_order_acquire);
        if (!placed)
            continue;
        slot.request = flush;
        slot.state.store(State::Full, std::memory_order_release);
        break;
    }
    if (!placed)
        everything_.store(true, std::memory_order_release);
    return posted_.fetch_add(1, std::memory_order_seq_cst) + 1;
}

} // namespace ashlar::jit::mmu
