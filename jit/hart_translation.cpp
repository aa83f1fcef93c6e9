// What a hart's engine caches of its privileged state: translation contexts, TLBs, generations of the jump
// cache, the floating-point guard.
#include "jit/engine_core.h"
#include "jit/fp_host.h"
#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/translate.h"
#include "jit/hart.h"

namespace ashlar::jit {

using riscv64::AccessType;
using riscv64::Cause;
using riscv64::Effect;
using riscv64::Privilege;

namespace {

// Translation contexts of the MMU: what loads and stores may do differs between them, and nothing else does
// until translations are dropped. Fetches use User, Supervisor and Machine.
namespace data_context {
constexpr std::size_t kUser = 0, kSupervisor = 1, kSupervisorSum = 2, kMachine = 3, kMxr = 4;
static_assert(kMxr + kSupervisorSum < mmu::Mmu::kContexts);
} // namespace data_context

std::size_t data_context_of(const riscv64::HartState& hart) {
    const Privilege privilege = riscv64::effective_privilege(hart, AccessType::Load);
    if (privilege == Privilege::Machine)
        return data_context::kMachine;
    const std::uint64_t status = hart.control.mstatus;
    std::size_t context = data_context::kUser;
    if (privilege == Privilege::Supervisor)
        context =
            (status & riscv64::mstatus::kSum) != 0 ? data_context::kSupervisorSum : data_context::kSupervisor;
    return (status & riscv64::mstatus::kMxr) != 0 ? context + data_context::kMxr : context;
}

AccessType access_type(mmu::Access access) {
    switch (access) {
    case mmu::Access::Fetch: return AccessType::Fetch;
    case mmu::Access::Load: return AccessType::Load;
    case mmu::Access::Store: break;
    }
    return AccessType::Store;
}

} // namespace

void EngineHart::refresh_context() {
    static constexpr std::size_t kFetch[] = {data_context::kUser, data_context::kSupervisor,
                                             data_context::kMachine};
    if (state_->control.satp != spaces_[space_].satp)
        switch_space();
    const Privilege privilege = state_->control.privilege;
    fetch_context_ = privilege == Privilege::User ? 0 : privilege == Privilege::Supervisor ? 1 : 2;
    mmu_.select(space_, data_context_of(*state_), kFetch[fetch_context_]);
    context_.tlb = mmu_.data_entries();
    context_.generation = spaces_[space_].generations[fetch_context_];
    using interpreter::Context;
    const bool dirty =
        riscv64::mstatus::fs(state_->control.mstatus) == riscv64::mstatus::FloatingPoint::Dirty;
    context_.guard = static_cast<std::uint8_t>(
        (dirty ? 0 : Context::kCallHelper) | (fp::has_direction(state_->frm) ? 0 : Context::kInterpretFloat));
}

void EngineHart::switch_space() {
    const std::uint64_t satp = state_->control.satp;
    for (std::size_t space = 0; space < spaces_.size(); ++space)
        if (spaces_[space].satp == satp) {
            space_ = space;
            return;
        }
    space_ = next_victim_;
    next_victim_ = (next_victim_ + 1) % spaces_.size();
    mmu_.flush_space(space_);
    renew_generations(space_);
    spaces_[space_].satp = satp;
}

void EngineHart::renew_generations(std::size_t space) {
    for (std::uint64_t& generation : spaces_[space].generations)
        generation = engine_.next_generation();
    spaces_[space].executed.clear();
    context_.generation = spaces_[space_].generations[fetch_context_];
}

void EngineHart::renew_generations() {
    for (std::size_t space = 0; space < spaces_.size(); ++space)
        renew_generations(space);
}

void EngineHart::drop_translations() {
    mmu_.flush_all();
    renew_generations();
}

void EngineHart::flush_space(std::size_t space, std::uint64_t address, std::uint64_t size) {
    const std::uint64_t first = address & ~std::uint64_t{kPageSize - 1};
    const std::uint64_t end = address + size;
    // Linux fences gaps of 200 GiB when it has freed a few pages at both ends.
    if (size >= PageFilter::kPages * kPageSize || end < first) {
        mmu_.flush_space(space);
        return renew_generations(space);
    }
    bool executed = mmu_.flush(space, address, size); // more than the range: no telling what
    for (std::uint64_t page = first; page < end && !executed; page += kPageSize)
        executed = spaces_[space].executed.may_contain(page);
    if (executed)
        renew_generations(space);
}

void EngineHart::flush_tlb(GuestVirtualAddress address, std::uint64_t size) {
    for (std::size_t space = 0; space < spaces_.size(); ++space)
        flush_space(space, address.value(), size);
}

void EngineHart::apply(Effect effect) {
    if (riscv64::has(effect, Effect::FlushTlb))
        drop_translations();
    if (riscv64::has(effect, Effect::Interrupts))
        check_interrupts_ = true;
    refresh_context();
}

bool EngineHart::translate(std::uint64_t address, unsigned length, mmu::Access access, mmu::Mapping& mapping,
                           mmu::Fault& fault) {
    const riscv64::TranslationResult result = riscv64::translate(
        *state_, engine_.memory(), GuestVirtualAddress(address), length, access_type(access));
    if (!result.ok) {
        fault = {static_cast<std::uint64_t>(result.cause), address};
        return false;
    }
    const riscv64::Translation& translation = result.translation;
    mapping = {translation.address, translation.page_size, translation.read,
               translation.write,   translation.execute,   translation.uniform};
    return true;
}

std::uint64_t EngineHart::access_fault(mmu::Access access) const {
    switch (access) {
    case mmu::Access::Fetch: return static_cast<std::uint64_t>(Cause::InstructionAccessFault);
    case mmu::Access::Load: return static_cast<std::uint64_t>(Cause::LoadAccessFault);
    case mmu::Access::Store: break;
    }
    return static_cast<std::uint64_t>(Cause::StoreAccessFault);
}

std::uint64_t EngineHart::misaligned_fault(mmu::Access access) const {
    return static_cast<std::uint64_t>(access == mmu::Access::Load ? Cause::LoadMisaligned
                                                                  : Cause::StoreMisaligned);
}

} // namespace ashlar::jit
