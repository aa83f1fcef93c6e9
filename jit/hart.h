// A hart of the engine: the run loop around the interpreter, and the frontend's system operations.
#pragma once

#include <array>
#include <atomic>
#include <optional>
#include <utility>

#include "jit/engine.h"
#include "jit/fetched_pages.h"
#include "jit/interpreter/op.h"
#include "jit/mmu/mmu.h"
#include "jit/region_former.h"

namespace ashlar::jit {

struct Block;
struct BlockKey;
class EngineCore;

class EngineHart final : public Hart,
                         private interpreter::Helpers,
                         private mmu::Translator,
                         private BlockFinder {
public:
    explicit EngineHart(EngineCore& engine);
    EngineHart(const EngineHart&) = delete;
    EngineHart& operator=(const EngineHart&) = delete;

    riscv64::HartState& state() override { return *state_; }
    Stop run(std::uint64_t instructions) override;
    void set_interrupt(riscv64::Interrupt line, bool level) override;
    void kick() override;
    void flush_tlb(GuestVirtualAddress address, std::uint64_t size) override;
    std::uint64_t flush_tlb_remotely(const mmu::RemoteFlush& flush) override;
    bool flushed(std::uint64_t ticket) const override { return mailbox_.done(ticket); }
    void state_changed() override;

    // For the engine: translated code is gone, or a page has begun to hold code.
    void renew_generations();
    void clear_jump_cache() { context_.jump_cache.fill({}); }
    // The same once the generations are others.
    void forget_jumps() { context_.jump_code.fill(nullptr); }
    void forbid_writes(GuestPhysicalAddress page) { mmu_.forbid_writes(page); }
    // Ends run()'s current block; what the run loop then does depends on the flags that are set.
    void request_attention() { context_.attention.store(true, std::memory_order_relaxed); }
    std::uint64_t retired() const { return static_cast<std::uint64_t>(context_.retired()); }
    std::uint64_t retired_in_host_code() const { return context_.retired_in_host_code; }
    std::uint64_t probes_found() const { return context_.probes_found; }
    std::uint64_t probes_failed() const { return context_.probes_failed; }
    mmu::TlbCounts tlb_counts() const { return mmu_.counts(); }

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
    interpreter::HelperOutcome status_changed(std::uint64_t next_pc);
    interpreter::HelperOutcome environment_call(std::uint64_t next_pc);
    interpreter::HelperOutcome return_from_trap(std::uint32_t bits,
                                                riscv64::Effect (*execute)(riscv64::HartState&));
    interpreter::HelperOutcome wait_for_interrupt(std::uint32_t bits, std::uint64_t next_pc);
    interpreter::HelperOutcome fence_virtual(std::uint32_t bits, std::uint64_t next_pc);
    interpreter::HelperOutcome raise_illegal(std::uint32_t bits);
    interpreter::HelperOutcome leave_to(std::uint64_t pc);
    void extent_missed(unsigned slot, std::uint64_t address, unsigned length, std::uint64_t pc) override;
    void probe_failed() override;

    // mmu::Translator
    bool translate(std::uint64_t address, unsigned length, mmu::Access access, mmu::Mapping& mapping,
                   mmu::Fault& fault) override;
    bool look_up(std::uint64_t address, mmu::Access access, mmu::Mapping& mapping) override;
    void fetches_by(std::uint64_t address, const mmu::Mapping& mapping) override;
    std::uint64_t access_fault(mmu::Access access) const override;
    std::uint64_t misaligned_fault(mmu::Access access) const override;

    // What is cached of the code that one translation context leads to.
    struct CodeView {
        mmu::Mmu::Selection fetches{};
        std::uint64_t generation = 0;
        FetchedPages pages;    // behind everything that the generation or the TLB of `fetches` stands for
        bool doubtful = false; // a fence has come since: they must be looked at before they are relied on
    };
    // What is kept of the address spaces that satp has named lately. The supervisor's code is mostly in pages
    // that are global: then its view, and its TLBs of data, are those that all spaces share.
    struct Space {
        std::uint64_t satp = 0, last_use = 0;
        bool own_supervisor = false; // the supervisor has fetched from a page that is not global
        CodeView user, supervisor;
    };
    static constexpr std::size_t kSpaces = mmu::Mmu::kSpaces - 1, kShared = kSpaces;
    static constexpr std::uint64_t kEverything = ~std::uint64_t{0}; // as the size of a range
    // BlockFinder
    Block* find_block(std::uint64_t pc) override;
    std::uint32_t executions(const Block& block) const override;
    const ir::Block& lift_block(const Block& block) override;
    optimizer::Site site(std::uint64_t pc) const override;
    void describe_addresses(RegionFormer& former);
    void renew_region(std::uint64_t pc);
    void demote_region(std::uint64_t pc);
    JumpProfile* jump_profile(Block& block) override;
    // Compiles the region that begins with the block at pc.
    void optimize(Block& root);
    // Whether it is time for that: the block has run as often as it was to.
    void consider(Block& block);
    // Gives up the region of the block for one that follows the jump.
    void form_anew(Block& root, JumpProfile& jump);
    // Makes the region at pc enter again if its pages are where they were, else its block run without it.
    void revalidate_region(std::uint64_t name);

    // Follows what the state says about translation, privilege and floating point.
    void refresh_context();
    void apply(riscv64::Effect effect);
    void drop_translations();
    // Makes the address space of satp the current one, dropping another's translations for it if need be.
    void switch_space();
    // SFENCE.VMA of a range, or of everything: in one address space, in those with an
    // identifier, in all of them and in global pages.
    void flush_space(Space& space, std::uint64_t address, std::uint64_t size);
    void flush_spaces_with(std::uint16_t asid, std::uint64_t address, std::uint64_t size);
    void flush_all_spaces(std::uint64_t address, std::uint64_t size);
    void serve_remote_flushes();
    void doubt(CodeView& view, std::uint64_t address, std::uint64_t size);
    // Renews the view unless all it relies on is as it was.
    void confirm(CodeView& view);
    void renew(CodeView& view);
    void renew_all_views();
    template <class Function>
    void for_all_views(Function function);
    void initialize_views();
    CodeView& current_view();
    mmu::Mmu::Selection data_selection() const;
    mmu::Mmu::Selection fetch_selection() const;
    // A fetch of the supervisor's came from a page that is not global.
    void separate_supervisor();
    std::size_t index_of(const Space& space) const {
        return static_cast<std::size_t>(&space - spaces_.data());
    }

    // The code at pc, translated when necessary; nullptr after a fetch fault has been taken.
    const interpreter::Op* find_code();
    bool locate(std::uint64_t pc, BlockKey& key);
    Block& find_or_translate(const BlockKey& key, std::uint64_t pc);
    void run_code(const interpreter::Op* code);
    void run_observed(const interpreter::Op* code, ExecutionObserver& observer);
    void handle_exit();
    void link(const PendingLink& pending, Block& block);
    void cache_jump(std::uint64_t pc, const interpreter::Op* code);
    void take_exception(std::uint64_t cause, std::uint64_t value);
    std::uint32_t encoding_at(std::uint64_t pc);
    // Takes an interrupt if one may be taken now.
    void deliver_interrupt();
    void watch_status();
    void refill(std::uint64_t until);

    EngineCore& engine_;
    interpreter::Context context_;
    riscv64::HartState* state_; // in context_.slots
    mmu::Mmu mmu_;
    std::atomic<bool> kicked_{false};
    mmu::FlushMailbox mailbox_;
    bool check_interrupts_ = true;
    std::optional<Stop> stop_;
    std::array<Space, kSpaces> spaces_{};
    Space* space_ = &spaces_[0]; // current
    std::uint64_t space_uses_ = 0;
    CodeView supervisor_, machine_; // of all spaces
    CodeView* view_ = &machine_;    // current
    PendingLink pending_link_;
    // Virtual pcs, under the present translations.
    std::optional<std::uint64_t> outdated_region_, failing_region_;
    // Whether loads and stores go by page tables and nothing else, and who does.
    bool plain_ = false;
    mmu::Denials plain_audience_ = 0;
};

} // namespace ashlar::jit
