// The page-table walk of Sv39 (4.3.2, 4.4.1).
#include "jit/frontend/riscv64/translate.h"

#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/page_table.h"
#include "jit/frontend/riscv64/pmp.h"
#include "jit/guest_memory.h"

namespace ashlar::jit::riscv64 {

namespace {

using mmu::kBitsPerLevel, mmu::kLevels;

Cause page_fault(AccessType type) {
    switch (type) {
    case AccessType::Fetch: return Cause::InstructionPageFault;
    case AccessType::Load: return Cause::LoadPageFault;
    case AccessType::Store: return Cause::StorePageFault;
    }
    return Cause::LoadPageFault;
}

Cause access_fault(AccessType type) {
    switch (type) {
    case AccessType::Fetch: return Cause::InstructionAccessFault;
    case AccessType::Load: return Cause::LoadAccessFault;
    case AccessType::Store: return Cause::StoreAccessFault;
    }
    return Cause::LoadAccessFault;
}

TranslationResult fault(Cause cause) {
    return {false, cause, {}};
}

// Page-table entries of a hart's current address space: reads and updates under PMP, which sees them as
// S-mode accesses (3.7.2).
class PageTables {
public:
    // Without `update` a leaf whose A or D the access would set is a page fault.
    PageTables(const HartState& hart, GuestMemory& memory, bool open, bool update)
        : hart_(hart), memory_(memory), open_(open), update_(update) {}

    bool may_update() const { return update_; }

    bool readable(GuestPhysicalAddress entry) const {
        return memory_.contains(entry, sizeof(std::uint64_t)) && (open_ || allows(entry, AccessType::Load));
    }
    bool writable(GuestPhysicalAddress entry) const { return open_ || allows(entry, AccessType::Store); }

    std::uint64_t load(GuestPhysicalAddress entry) {
        const std::uint64_t value = table_entry(memory_, entry).load(std::memory_order_acquire);
        return load_le<std::uint64_t>(&value);
    }
    // Stores `desired` if the entry still is `expected`.
    bool replace(GuestPhysicalAddress entry, std::uint64_t expected, std::uint64_t desired) {
        memory_.note_write(entry, sizeof(std::uint64_t));
        expected = load_le<std::uint64_t>(&expected);
        return table_entry(memory_, entry)
            .compare_exchange_strong(expected, load_le<std::uint64_t>(&desired), std::memory_order_acq_rel);
    }

private:
    bool allows(GuestPhysicalAddress entry, AccessType type) const {
        return pmp_allows(hart_, entry, sizeof(std::uint64_t), type, Privilege::Supervisor);
    }
    const HartState& hart_;
    GuestMemory& memory_;
    const bool open_, update_;
};

// A leaf that grants the access, with A (and D for a store) set.
struct Leaf {
    std::uint64_t entry = 0;
    unsigned level = 0;
    bool global = false;
};
enum class Walked : std::uint8_t {
    Done,
    PageFault,
    AccessFault,
    Changed, // another hart has changed the leaf between reading it and setting A or D
};

bool reads_executable(const HartState& hart) {
    return (hart.control.mstatus & mstatus::kMxr) != 0;
}

Walked use_leaf(PageTables& tables, GuestPhysicalAddress location, const HartState& hart, AccessType type,
                Leaf& leaf) {
    const bool stores = type == AccessType::Store;
    const std::uint64_t used = leaf.entry | pte::kAccessed | (stores ? pte::kDirty : std::uint64_t{0});
    if ((denials_of_leaf(used, reads_executable(hart)) & needs(hart, type)) != 0 ||
        (pte::physical_page(leaf.entry) & ((mmu::page_size(leaf.level) >> kPageShift) - 1)) != 0)
        return Walked::PageFault; // misaligned superpages, too
    if (used == leaf.entry)
        return Walked::Done;
    if (!tables.may_update())
        return Walked::PageFault;
    if (!tables.writable(location))
        return Walked::AccessFault;
    if (!tables.replace(location, leaf.entry, used))
        return Walked::Changed;
    leaf.entry = used;
    return Walked::Done;
}

Walked walk(const HartState& hart, PageTables& tables, std::uint64_t address, AccessType type, Leaf& leaf) {
    std::uint64_t table = hart.control.satp & satp::kPpn;
    leaf.global = false;
    for (unsigned level = kLevels; level-- > 0;) {
        const std::uint64_t index = address >> mmu::page_shift(level) & ((1u << kBitsPerLevel) - 1);
        const GuestPhysicalAddress location((table << kPageShift) + index * sizeof(std::uint64_t));
        if (!tables.readable(location))
            return Walked::AccessFault;
        leaf.entry = tables.load(location);
        leaf.global = leaf.global || (leaf.entry & pte::kGlobal) != 0;
        if (pte::is_pointer(leaf.entry)) {
            table = pte::physical_page(leaf.entry);
            continue;
        }
        leaf.level = level;
        return pte::is_leaf(leaf.entry) ? use_leaf(tables, location, hart, type, leaf) : Walked::PageFault;
    }
    return Walked::PageFault; // a pointer at the last level
}

// Applies PMP to a translation: the access itself must be allowed, and what others may rely on shrinks to
// what the whole page has.
TranslationResult protect(const HartState& hart, Translation translation, std::uint64_t length,
                          AccessType type, Privilege privilege) {
    using namespace mmu::denies;
    const Pmp& pmp = hart.control.pmp;
    if (!pmp_allows(hart, translation.address, length, type, privilege))
        return fault(access_fault(type));
    const GuestPhysicalAddress page = translation.address.align_down(kPageSize);
    const PmpRights rights = pmp_rights(pmp, page, kPageSize, privilege);
    translation.uniform = rights.uniform;
    const auto deny = [&](bool granted, mmu::Denials what) {
        if (!granted)
            translation.denies |= what;
    };
    if (rights.uniform) {
        deny(rights.read, kLoads);
        deny(rights.write, kStores);
        deny(rights.execute, kFetches);
    } else {
        deny(type == AccessType::Load, kLoads);
        deny(type == AccessType::Store, kStores);
        deny(type == AccessType::Fetch, kFetches);
    }
    const std::uint64_t size = translation.page_size();
    translation.whole = rights.uniform && pmp_rights(pmp, page.align_down(size), size, privilege).uniform;
    return {true, {}, translation};
}

TranslationResult translate(const HartState& hart, GuestMemory& memory, std::uint64_t address,
                            std::uint64_t length, AccessType type, bool update) {
    const Privilege privilege = effective_privilege(hart, type);
    const bool open = pmp_grants_everything(hart.control.pmp);
    TranslationResult result{
        true, {}, {GuestPhysicalAddress(address), kLevels - 1, 0, false, true, true, true}};
    if (privilege == Privilege::Machine || satp::mode(hart.control.satp) == satp::kModeBare) {
        result.translation.global = privilege == Privilege::Machine; // whatever satp is
        return open && address < kPhysicalAddressEnd
                   ? result
                   : protect(hart, result.translation, length, type, privilege);
    }
    if (!is_canonical(address))
        return fault(page_fault(type));
    PageTables tables(hart, memory, open, update);
    Leaf leaf;
    Walked walked = Walked::Changed;
    while (walked == Walked::Changed)
        walked = walk(hart, tables, address, type, leaf);
    if (walked != Walked::Done)
        return fault(walked == Walked::PageFault ? page_fault(type) : access_fault(type));
    Translation& translation = result.translation;
    translation.level = leaf.level;
    translation.address = GuestPhysicalAddress((pte::physical_page(leaf.entry) << kPageShift) |
                                               (address & (translation.page_size() - 1)));
    translation.denies = denials_of_leaf(leaf.entry, reads_executable(hart));
    translation.global = leaf.global;
    translation.identity = false;
    return open ? result : protect(hart, translation, length, type, privilege);
}

} // namespace

Privilege effective_privilege(const HartState& hart, AccessType type) {
    const HartState::Control& control = hart.control;
    if (type != AccessType::Fetch && (control.mstatus & mstatus::kMprv) != 0)
        return mstatus::mpp(control.mstatus);
    return control.privilege;
}

mmu::Denials needs(const HartState& hart, AccessType type) {
    using namespace mmu::denies;
    constexpr mmu::Denials kAccess[] = {kFetches, kLoads, kStores};
    const mmu::Denials access = kAccess[static_cast<std::size_t>(type)];
    switch (effective_privilege(hart, type)) {
    case Privilege::User: return access | kUser;
    case Privilege::Supervisor: {
        // S-mode never executes user pages, whatever SUM says.
        const bool everywhere = type != AccessType::Fetch && (hart.control.mstatus & mstatus::kSum) != 0;
        return everywhere ? access : access | kSupervisor;
    }
    case Privilege::Machine: break;
    }
    return access;
}

TranslationResult translate(const HartState& hart, GuestMemory& memory, GuestVirtualAddress address,
                            std::uint64_t length, AccessType type) {
    return translate(hart, memory, address.value(), length, type, true);
}

TranslationResult look_up(const HartState& hart, GuestMemory& memory, GuestVirtualAddress address,
                          AccessType type) {
    return translate(hart, memory, address.value(), 1, type, false);
}

} // namespace ashlar::jit::riscv64
