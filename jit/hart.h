// A hart of the engine: the run loop around the interpreter, and the frontend's system operations.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "jit/engine.h"
#include "jit/interpreter/op.h"
#include "jit/mmu/mmu.h"

namespace ashlar::jit {

struct Block;
struct BlockKey;
class EngineCore;

class EngineHart final : public Hart, private interpreter::Helpers, private mmu::Translator {
public:
    explicit EngineHart(EngineCore& engine);
    EngineHart(const EngineHart&) = delete;
    EngineHart& operator=(const EngineHart&) = delete;

    riscv64::HartState& state() override { return *state_; }
    Stop run(std::uint64_t instructions) override;
    void set_interrupt(riscv64::Interrupt line, bool level) override;
    void kick() override;
    void flush_tlb(GuestVirtualAddress address, std::uint64_t size) override;
    void state_changed() override;

    // For the engine: translated code has changed, or a page has begun to hold code.
    void renew_generations();
    void clear_jump_cache() { context_.jump_cache.fill({}); }
    void forbid_writes(GuestPhysicalAddress page) { mmu_.forbid_writes(page); }
    // Ends run()'s current block; what the run loop then does depends on the flags that are set.
    void request_attention() { context_.attention.store(true, std::memory_order_relaxed); }
    std::uint64_t retired() const { return static_cast<std::uint64_t>(context_.retired()); }
    std::uint64_t retired_in_host_code() const { return context_.retired_in_host_code; }
    std::uint64_t tlb_misses() const { return mmu_.misses(); }

private:
    // A link that waits for the code at its target.
    struct PendingLink {
        const interpreter::Op** site = nullptr;
        const void* native_edge = nullptr;
        std::uint64_t source_pc = 0, target_pc = 0, epoch = 0;
    };

    // interpreter::Helpers
    interpreter::HelperOutcome call_helper(unsigned number, std::uint32_t argument,
                                           std::uint64_t next_pc) override;
    interpreter::HelperOutcome enable_float(std::uint32_t bits, bool dirty);
    interpreter::HelperOutcome access_csr(std::uint32_t bits, std::uint64_t next_pc);
    interpreter::HelperOutcome environment_call(std::uint64_t next_pc);
    interpreter::HelperOutcome return_from_trap(std::uint32_t bits,
                                                riscv64::Effect (*execute)(riscv64::HartState&));
    interpreter::HelperOutcome wait_for_interrupt(std::uint32_t bits, std::uint64_t next_pc);
    interpreter::HelperOutcome fence_virtual(std::uint32_t bits, std::uint64_t next_pc);
    interpreter::HelperOutcome raise_illegal(std::uint32_t bits);
    interpreter::HelperOutcome leave_to(std::uint64_t pc);

    // mmu::Translator
    bool translate(std::uint64_t address, unsigned length, mmu::Access access, mmu::Mapping& mapping,
                   mmu::Fault& fault) override;
    std::uint64_t access_fault(mmu::Access access) const override;
    std::uint64_t misaligned_fault(mmu::Access access) const override;

    // Follows what the state says about translation, privilege and floating point.
    void refresh_context();
    void apply(riscv64::Effect effect);
    void drop_translations();
    // Makes the address space of satp the current one, dropping another's translations for it if need be.
    void switch_space();
    // SFENCE.VMA of a range, or of everything, in address space `space`.
    void flush_space(std::size_t space, std::uint64_t address, std::uint64_t size);
    void renew_generations(std::size_t space);

    // The code at pc, translated when necessary; nullptr after a fetch fault has been taken.
    const interpreter::Op* find_code();
    bool locate(std::uint64_t pc, BlockKey& key);
    void run_code(const interpreter::Op* code);
    void run_observed(const interpreter::Op* code, ExecutionObserver& observer);
    void handle_exit();
    void link(const PendingLink& pending, Block& block);
    void cache_jump(std::uint64_t pc, const interpreter::Op* code);
    void take_exception(std::uint64_t cause, std::uint64_t value);
    std::uint32_t encoding_at(std::uint64_t pc);
    void deliver_interrupt();
    void refill(std::uint64_t until);

    EngineCore& engine_;
    interpreter::Context context_;
    riscv64::HartState* state_; // in context_.slots
    mmu::Mmu mmu_;
    std::atomic<bool> kicked_{false};
    bool check_interrupts_ = true;
    std::optional<Stop> stop_;
    // Virtual pages, hashed, that the jump cache leads to: a fence of other pages leaves it alone.
    class PageFilter {
    public:
        static constexpr std::uint64_t kPages = 64 * 64; // so many successive ones have different hashes
        void add(std::uint64_t address) { words_[word(address)] |= mask(address); }
        bool may_contain(std::uint64_t address) const { return (words_[word(address)] & mask(address)) != 0; }
        void clear() { words_.fill(0); }

    private:
        static std::size_t word(std::uint64_t address) { return address >> (kPageShift + 6) & 63; }
        static std::uint64_t mask(std::uint64_t address) {
            return std::uint64_t{1} << (address >> kPageShift & 63);
        }
        std::array<std::uint64_t, 64> words_{};
    };
    // What is kept of the address spaces that satp has named lately, one for each of the MMU's.
    struct Space {
        static constexpr std::size_t kFetchContexts = 3; // user, supervisor, machine
        std::uint64_t satp = 0;
        std::array<std::uint64_t, kFetchContexts> generations{};
        PageFilter executed;
    };
    std::array<Space, mmu::Mmu::kSpaces> spaces_{};
    std::size_t space_ = 0;       // current
    std::size_t next_victim_ = 0; // round robin
    std::size_t fetch_context_ = 0;
    PendingLink pending_link_;
};

} // namespace ashlar::jit
