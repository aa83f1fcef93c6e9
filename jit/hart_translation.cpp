// What a hart's engine caches of its privileged state: translation contexts, TLBs, generations of the jump
// cache, the floating-point guard.
#include "jit/engine_core.h"
#include "jit/fp_host.h"
#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/page_table.h"
#include "jit/frontend/riscv64/pmp.h"
#include "jit/frontend/riscv64/translate.h"
#include "jit/hart.h"

namespace ashlar::jit {

using riscv64::AccessType;
using riscv64::Cause;
using riscv64::Effect;
using riscv64::Privilege;

namespace {

// Translation contexts of the MMU: what loads and stores may do differs between them, and nothing else does
// until translations are dropped.
namespace data_context {
constexpr std::size_t kUser = 0, kSupervisor = 1, kSupervisorSum = 2;
// Of the space that all share, where there is no user.
constexpr std::size_t kMachine = 0;
constexpr std::size_t kReadsExecutable = 3; // MXR, whatever the rest is: rare, so emptied when selected
static_assert(kReadsExecutable < mmu::Mmu::kDataContexts);
} // namespace data_context
namespace fetch_context {
constexpr std::size_t kUser = 0, kSupervisor = 1;
constexpr std::size_t kMachine = 0; // of the space that all share
static_assert(kSupervisor < mmu::Mmu::kFetchContexts);
} // namespace fetch_context

AccessType access_type(mmu::Access access) {
    switch (access) {
    case mmu::Access::Fetch: return AccessType::Fetch;
    case mmu::Access::Load: return AccessType::Load;
    case mmu::Access::Store: break;
    }
    return AccessType::Store;
}

mmu::Mapping mapping_of(const riscv64::Translation& translation) {
    return {translation.address, {translation.level, translation.global},
            translation.denies,  translation.uniform,
            translation.whole,   translation.identity};
}

} // namespace

void EngineHart::refresh_context() {
    if (state_->control.satp != space_->satp)
        switch_space();
    view_ = &current_view();
    const mmu::Mmu::Selection data = data_selection();
    if (data.context == data_context::kReadsExecutable)
        mmu_.flush_data(data);
    mmu_.select(data, fetch_selection());
    plain_ = data.owner < kSpaces && riscv64::pmp_grants_everything(state_->control.pmp) &&
             riscv64::satp::mode(state_->control.satp) != riscv64::satp::kModeBare;
    plain_audience_ = data.audience;
    if (view_->doubtful)
        confirm(*view_);
    context_.tlb = &mmu_.data();
    context_.generation = view_->generation;
    using interpreter::Context;
    const bool dirty =
        riscv64::mstatus::fs(state_->control.mstatus) == riscv64::mstatus::FloatingPoint::Dirty;
    context_.guard = static_cast<std::uint8_t>(
        (dirty ? 0 : Context::kCallHelper) | (fp::has_direction(state_->frm) ? 0 : Context::kInterpretFloat));
}

EngineHart::CodeView& EngineHart::current_view() {
    switch (state_->control.privilege) {
    case Privilege::User: return space_->user;
    case Privilege::Supervisor: return space_->own_supervisor ? space_->supervisor : supervisor_;
    case Privilege::Machine: break;
    }
    return machine_;
}

mmu::Mmu::Selection EngineHart::data_selection() const {
    const Privilege privilege = riscv64::effective_privilege(*state_, AccessType::Load);
    const std::uint64_t status = state_->control.mstatus;
    const mmu::Denials audience =
        riscv64::needs(*state_, AccessType::Load) & (mmu::denies::kUser | mmu::denies::kSupervisor);
    if (privilege == Privilege::Machine)
        return {kShared, data_context::kMachine, mmu::Mmu::kAlone, audience};
    if ((status & riscv64::mstatus::kMxr) != 0)
        return {kShared, data_context::kReadsExecutable, mmu::Mmu::kNobody, audience};
    const std::size_t owner = index_of(*space_);
    if (privilege == Privilege::User)
        return {owner, data_context::kUser, owner, audience};
    const std::size_t space = space_->own_supervisor ? owner : kShared;
    const bool sum = (status & riscv64::mstatus::kSum) != 0;
    return {space, sum ? data_context::kSupervisorSum : data_context::kSupervisor, owner, audience};
}

// The view's context, in the current space.
mmu::Mmu::Selection EngineHart::fetch_selection() const {
    mmu::Mmu::Selection selection = view_->fetches;
    const bool alone = state_->control.privilege == Privilege::Machine;
    selection.owner = alone ? mmu::Mmu::kAlone : index_of(*space_);
    selection.audience =
        riscv64::needs(*state_, AccessType::Fetch) & (mmu::denies::kUser | mmu::denies::kSupervisor);
    return selection;
}

void EngineHart::initialize_views() {
    for (Space& space : spaces_) {
        space.user.fetches = {index_of(space), fetch_context::kUser};
        space.supervisor.fetches = {index_of(space), fetch_context::kSupervisor};
    }
    supervisor_.fetches = {kShared, fetch_context::kSupervisor};
    machine_.fetches = {kShared, fetch_context::kMachine};
}

void EngineHart::switch_space() {
    const std::uint64_t satp = state_->control.satp;
    mmu_.flush_local_data(kShared); // what is of the space that is left
    Space* oldest = &spaces_[0];
    for (Space& space : spaces_) {
        if (space.satp == satp) {
            oldest = nullptr;
            space_ = &space;
            break;
        }
        if (space.last_use < oldest->last_use)
            oldest = &space;
    }
    if (oldest != nullptr) {
        space_ = oldest;
        mmu_.flush_data(index_of(*space_));
        renew(space_->user);
        renew(space_->supervisor);
        space_->own_supervisor = false;
        space_->satp = satp;
    }
    space_->last_use = ++space_uses_;
}

void EngineHart::separate_supervisor() {
    space_->own_supervisor = true;
    refresh_context();
}

template <class Function>
void EngineHart::for_all_views(Function function) {
    for (Space& space : spaces_) {
        function(space.user);
        function(space.supervisor);
    }
    function(supervisor_);
    function(machine_);
}

void EngineHart::renew_generations() {
    for_all_views([this](CodeView& view) { view.generation = engine_.next_generation(); });
    context_.generation = view_->generation;
}

void EngineHart::renew_all_views() {
    for_all_views([this](CodeView& view) { renew(view); });
    context_.generation = view_->generation;
}

void EngineHart::renew(CodeView& view) {
    view.doubtful = false;
    view.generation = engine_.next_generation();
    view.pages.clear();
    mmu_.flush_fetches(view.fetches);
}

void EngineHart::confirm(CodeView& view) {
    view.doubtful = false;
    bool same = view.pages.complete();
    for (const FetchedPages::Leaf& leaf : view.pages.leaves()) {
        if (!same)
            break;
        const riscv64::TranslationResult now =
            riscv64::look_up(*state_, engine_.memory(), GuestVirtualAddress(leaf.address), AccessType::Fetch);
        same = now.ok && now.translation.address.value() == leaf.physical &&
               now.translation.page_size() == leaf.size && (now.translation.global || &view != &supervisor_);
    }
    if (!same)
        renew(view);
}

void EngineHart::drop_translations() {
    mmu_.flush_all();
    renew_all_views();
}

void EngineHart::doubt(CodeView& view, std::uint64_t address, std::uint64_t size) {
    view.doubtful = view.doubtful || view.pages.overlap(address, address + (size - 1));
}

void EngineHart::flush_space(Space& space, std::uint64_t address, std::uint64_t size) {
    doubt(space.user, address, size);
    doubt(space.supervisor, address, size);
    if (size == kEverything)
        mmu_.flush_data(index_of(space));
    else
        mmu_.flush(index_of(space), address, size);
}

void EngineHart::flush_spaces_with(std::uint16_t asid, std::uint64_t address, std::uint64_t size) {
    for (Space& space : spaces_)
        if (riscv64::satp::asid(space.satp) == asid)
            flush_space(space, address, size);
    if (riscv64::satp::asid(space_->satp) != asid)
        return;
    if (size == kEverything)
        mmu_.flush_local_data(kShared);
    else
        mmu_.flush(kShared, address, size);
}

void EngineHart::flush_all_spaces(std::uint64_t address, std::uint64_t size) {
    for (Space& space : spaces_)
        flush_space(space, address, size);
    doubt(supervisor_, address, size);
    if (size == kEverything)
        mmu_.flush_data(kShared);
    else
        mmu_.flush(kShared, address, size);
}

void EngineHart::flush_tlb(GuestVirtualAddress address, std::uint64_t size) {
    if (size != 0)
        flush_all_spaces(address.value(), size);
    refresh_context();
}

std::uint64_t EngineHart::flush_tlb_remotely(const mmu::RemoteFlush& flush) {
    const std::uint64_t ticket = mailbox_.post(flush);
    request_attention();
    return ticket;
}

void EngineHart::serve_remote_flushes() {
    using Kind = mmu::RemoteFlush::Kind;
    mailbox_.serve([this](const mmu::RemoteFlush& flush) {
        switch (flush.kind) {
        case Kind::All: return drop_translations();
        case Kind::Range:
            if (flush.size != 0)
                flush_all_spaces(flush.address, flush.size);
            return;
        case Kind::Space:
            if (flush.size != 0)
                flush_spaces_with(flush.identifier, flush.address, flush.size);
            return;
        case Kind::Physical: mmu_.flush_physical(flush.page); return renew_all_views();
        }
    });
    refresh_context();
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
    if (plain_ && access != mmu::Access::Fetch) {
        const std::uint64_t root = state_->control.satp & riscv64::satp::kPpn;
        const mmu::Denials kind = access == mmu::Access::Load ? mmu::denies::kLoads : mmu::denies::kStores;
        const riscv64::PlainLeaf leaf =
            riscv64::walk_plainly(engine_.memory(), root, address, kind | plain_audience_);
        if (leaf.entry != 0) {
            const std::uint64_t offset = address & (mmu::page_size(leaf.level) - 1);
            mapping = {GuestPhysicalAddress(riscv64::pte::physical_page(leaf.entry) << kPageShift | offset),
                       {leaf.level, leaf.global},
                       riscv64::denials_of_leaf(leaf.entry, false)};
            return true;
        }
    }
    const riscv64::TranslationResult result = riscv64::translate(
        *state_, engine_.memory(), GuestVirtualAddress(address), length, access_type(access));
    if (!result.ok) {
        fault = {static_cast<std::uint64_t>(result.cause), address};
        return false;
    }
    mapping = mapping_of(result.translation);
    return true;
}

bool EngineHart::look_up(std::uint64_t address, mmu::Access access, mmu::Mapping& mapping) {
    const riscv64::TranslationResult result =
        riscv64::look_up(*state_, engine_.memory(), GuestVirtualAddress(address), access_type(access));
    if (result.ok)
        mapping = mapping_of(result.translation);
    return result.ok;
}

void EngineHart::fetches_by(std::uint64_t address, const mmu::Mapping& mapping) {
    if (view_ == &supervisor_ && !mapping.kind.global)
        separate_supervisor();
    view_->pages.add(address, mapping.address.value(), mmu::page_size(mapping.kind.level));
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
