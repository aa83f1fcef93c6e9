#include "jit/hart.h"

#include <algorithm>

#include "jit/engine_core.h"
#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/decoder.h"
#include "jit/frontend/riscv64/lifter.h"
#include "jit/interpreter/handlers.h"

namespace ashlar::jit {

using interpreter::Exit;
using interpreter::Op;
using riscv64::HartState;

static_assert(sizeof(HartState) <= interpreter::kFirstTemporary * sizeof(std::uint64_t));

namespace {

// A kick from another thread is seen after at most this many instructions.
constexpr std::uint64_t kPollInterval = 32768;

} // namespace

EngineHart::EngineHart(EngineCore& engine)
    : engine_(engine),
      state_(::new (context_.slots.data()) HartState),
      mmu_(engine.memory(), engine.bus(), *this, engine.options().tlb) {
    context_.mmu = &mmu_;
    context_.tlb_view = &mmu_.host_view();
    context_.helpers = this;
    if (RegionExits* const exits = engine.exits())
        context_.region_exit = &exits->before_regions();
    initialize_views();
    state_changed();
}

void EngineHart::set_interrupt(riscv64::Interrupt line, bool level) {
    if (line == riscv64::Interrupt::SupervisorExternal)
        state_->control.external_seip = level ? 1 : 0;
    else if (level)
        state_->control.mip |= riscv64::bit(line);
    else
        state_->control.mip &= ~riscv64::bit(line);
    check_interrupts_ = true;
    request_attention();
}

void EngineHart::kick() {
    kicked_.store(true, std::memory_order_release);
    request_attention();
}

void EngineHart::state_changed() {
    context_.budget = 0;
    context_.retired_at_zero = static_cast<std::int64_t>(state_->instret);
    context_.region_mark = context_.retired();
    riscv64::derive_sd(*state_);
    renew_all_views();
    refresh_context();
    pending_link_ = {};
    check_interrupts_ = true;
}

void EngineHart::refill(std::uint64_t until) {
    const std::int64_t retired = context_.retired();
    const auto left = until - static_cast<std::uint64_t>(retired);
    // An observer sees every block: none has a budget for more than itself.
    const std::uint64_t interval = engine_.options().execution_observer != nullptr ? 1 : kPollInterval;
    context_.budget = static_cast<std::int64_t>(std::min(left, interval));
    context_.retired_at_zero = retired + context_.budget;
}

void EngineHart::deliver_interrupt() {
    check_interrupts_ = false;
    watch_status();
    const std::optional<riscv64::Cause> interrupt = riscv64::deliverable_interrupt(*state_);
    if (!interrupt)
        return;
    riscv64::take_interrupt(*state_, *interrupt);
    ++engine_.counters().interrupts;
    refresh_context();
}

// What is pending is only changed by what has deliver_interrupt() called before the next instruction.
void EngineHart::watch_status() {
    using namespace riscv64::mstatus;
    const bool pending = riscv64::interrupt_pending_for_wfi(*state_);
    state_->control.watched_status = kFs | kSum | kMxr | (pending ? kSie : std::uint64_t{0});
}

Stop EngineHart::run(std::uint64_t instructions) {
    const std::uint64_t until = retired() + instructions;
    riscv64::update_supervisor_timer(*state_, engine_.time().time());
    check_interrupts_ = true;
    stop_.reset();
    engine_.enter_run();
    mailbox_.enter();
    while (!stop_) {
        context_.attention.store(false, std::memory_order_relaxed);
        if (mailbox_.pending())
            serve_remote_flushes();
        engine_.serve_requests();
        if (kicked_.load(std::memory_order_relaxed) && kicked_.exchange(false, std::memory_order_acquire)) {
            stop_ = Stop::Kicked;
            break;
        }
        if (outdated_region_)
            renew_region(*std::exchange(outdated_region_, std::nullopt));
        if (failing_region_)
            demote_region(*std::exchange(failing_region_, std::nullopt));
        if (check_interrupts_)
            deliver_interrupt();
        if (static_cast<std::int64_t>(until - retired()) <= 0) {
            stop_ = Stop::Budget;
            break;
        }
        refill(until);
        if (const Op* code = find_code(); code != nullptr) {
            ++engine_.counters().executions;
            run_code(code);
            handle_exit();
        }
    }
    mailbox_.leave();
    engine_.leave_run();
    state_->instret = retired();
    return *stop_;
}

void EngineHart::run_code(const Op* code) {
    if (ExecutionObserver* const observer = engine_.options().execution_observer)
        run_observed(code, *observer);
    else
        interpreter::execute(context_, code);
}

void EngineHart::run_observed(const Op* code, ExecutionObserver& observer) {
    const Block& block = Block::of(code);
    const std::uint64_t before = retired();
    const bool compiled = engine_.native() != nullptr && engine_.native()->is_compiled(code);
    Execution execution;
    execution.hart = state_->control.hart_id;
    execution.privilege = state_->control.privilege;
    execution.tier = compiled ? 1 : 0;
    execution.virtual_address = GuestVirtualAddress(state_->pc);
    execution.physical_address = block.key.address;
    const ExecutedPart whole{0, block.guest_bytes};
    execution.parts = {&whole, 1};
    context_.region_mark = static_cast<std::int64_t>(before);
    interpreter::execute(context_, code);
    execution.instructions = retired() - before;
    // The region that begins with the block, if there is one, notes what was retired when it was left. One
    // that could not do its first instruction has left that to the block's own code.
    if (compiled && context_.region_mark != static_cast<std::int64_t>(before)) {
        execution.tier = 2;
        if (const auto parts = engine_.extents()->of(code); !parts.empty())
            execution.parts = parts;
    }
    // What only asks to be compiled, or for its pages, has not run.
    if (context_.exit.kind != Exit::Kind::Promote && context_.exit.kind != Exit::Kind::Region)
        observer.executed(execution);
    // Not linked: host code looks at its budget only when it jumps backward or indirectly.
    context_.exit.link = nullptr;
    context_.exit.native_edge = nullptr;
}

void EngineHart::handle_exit() {
    Exit& exit = context_.exit;
    ++engine_.counters().exits[static_cast<std::size_t>(exit.kind)];
    switch (exit.kind) {
    case Exit::Kind::Lookup:
        if (exit.link == nullptr && exit.native_edge == nullptr)
            ++engine_.counters().jump_cache_misses;
        pending_link_ = {exit.link, exit.native_edge, exit.value, state_->pc, engine_.code_epoch()};
        break;
    case Exit::Kind::Promote: {
        Block& block = Block::of(reinterpret_cast<const Op*>(exit.value));
        if (engine_.native()->is_compiled(block.code())) {
            if (!engine_.regions().resume(block))
                consider(block);
        } else {
            engine_.promote(block, state_->pc);
            block.counted_at = retired();
        }
        cache_jump(state_->pc, block.code());
        break;
    }
    case Exit::Kind::Region: revalidate_region(exit.value); break;
    case Exit::Kind::Surprise:
        form_anew(Block::of(reinterpret_cast<const Op*>(exit.value)),
                  *reinterpret_cast<JumpProfile*>(exit.cause));
        break;
    case Exit::Kind::Exception: take_exception(exit.cause, exit.value); break;
    case Exit::Kind::Illegal:
        take_exception(static_cast<std::uint64_t>(riscv64::Cause::IllegalInstruction),
                       encoding_at(state_->pc));
        break;
    case Exit::Kind::Budget:
    case Exit::Kind::Helper:
    case Exit::Kind::CodeChanged: break;
    }
}

void EngineHart::take_exception(std::uint64_t cause, std::uint64_t value) {
    riscv64::take_exception(*state_, static_cast<riscv64::Cause>(cause), value);
    ++engine_.counters().exceptions;
    refresh_context();
}

// The instruction's halves may lie in two pages; both have just been executed from.
std::uint32_t EngineHart::encoding_at(std::uint64_t pc) {
    mmu::Mapping mapping;
    if (!mmu_.fetch(pc, 2, mapping))
        return 0;
    const std::uint32_t low = load_le<std::uint16_t>(engine_.memory().host(mapping.address));
    if (riscv64::instruction_length(static_cast<std::uint16_t>(low)) == 2 || !mmu_.fetch(pc + 2, 2, mapping))
        return low;
    return low | std::uint32_t{load_le<std::uint16_t>(engine_.memory().host(mapping.address))} << 16;
}

// Finds out which block begins at `pc` under the present mapping; false: mmu_.fault().
bool EngineHart::locate(std::uint64_t pc, BlockKey& key) {
    mmu::Mapping mapping;
    if (!mmu_.fetch(pc, 2, mapping))
        return false;
    key = {mapping.address, {}, !mapping.uniform};
    const bool at_end = (pc & (kPageSize - 1)) == kPageSize - 2;
    if (!at_end && mapping.uniform)
        return true;
    const auto first_half = load_le<std::uint16_t>(engine_.memory().host(mapping.address));
    if (riscv64::instruction_length(first_half) == 2)
        return true;
    mmu::Mapping second;
    if (!mmu_.fetch(pc + 2, 2, second))
        return false;
    key.single = key.single || !second.uniform;
    if (at_end)
        key.second_page = second.address;
    return true;
}

void EngineHart::cache_jump(std::uint64_t pc, const Op* code) {
    const void* const native = engine_.native() != nullptr ? engine_.native()->entry(code) : nullptr;
    const std::size_t index = interpreter::Context::jump_cache_index(pc);
    context_.jump_cache[index] = {pc ^ context_.generation, native};
    context_.jump_code[index] = code;
}

// Lets the jump that led here go straight to the block from now on, if it may.
void EngineHart::link(const PendingLink& pending, Block& block) {
    if (pending.target_pc != state_->pc || pending.epoch != engine_.code_epoch() || block.key.single)
        return;
    if (pending.site != nullptr) {
        ++engine_.counters().links;
        // Within a page the mapping that brought the hart here holds for the target too.
        const bool same_page = (pending.source_pc ^ pending.target_pc) >> kPageShift == 0;
        *pending.site =
            same_page && !block.key.straddles() ? block.code() : interpreter::through_jump_cache();
    }
    if (pending.native_edge == nullptr)
        return;
    if (block.key.straddles())
        engine_.native()->link_through_jump_cache(pending.native_edge);
    else if (engine_.native()->is_compiled(block.code()))
        engine_.native()->link(pending.native_edge, block.code(), pending.target_pc, context_.generation);
}

const Op* EngineHart::find_code() {
    const std::uint64_t pc = state_->pc;
    const PendingLink pending = pending_link_;
    pending_link_ = {};
    const Op* const cached = context_.cached_code(pc);
    const bool links = pending.site != nullptr || pending.native_edge != nullptr;
    if (cached != nullptr) {
        if (links)
            link(pending, Block::of(cached));
        return cached;
    }
    BlockKey key;
    ++engine_.counters().block_lookups;
    if (!locate(pc, key)) {
        take_exception(mmu_.fault().cause, mmu_.fault().address);
        return nullptr;
    }
    Block& block = find_or_translate(key, pc);
    if (!key.single)
        cache_jump(pc, block.code());
    link(pending, block);
    return block.code();
}

// What the jump cache knows of another generation often is the block after all.
Block& EngineHart::find_or_translate(const BlockKey& key, std::uint64_t pc) {
    if (const Op* const code = context_.last_code(pc); code != nullptr)
        if (Block& block = Block::of(code); block.is_current && block.key == key)
            return block;
    if (Block* const block = engine_.cache().find(key); block != nullptr)
        return *block;
    return engine_.translate(key, pc);
}

} // namespace ashlar::jit
