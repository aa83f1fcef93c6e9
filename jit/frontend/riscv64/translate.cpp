// The page-table walk of Sv39 (4.3.2, 4.4.1).
#include "jit/frontend/riscv64/translate.h"

#include <atomic>

#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/pmp.h"
#include "jit/guest_memory.h"

namespace ashlar::jit::riscv64 {

namespace {

namespace pte {
constexpr std::uint64_t kValid = 1, kRead = 2, kWrite = 4, kExecute = 8, kUser = 16, kGlobal = 32,
                        kAccessed = 64, kDirty = 128;
// N (Svnapot), PBMT (Svpbmt) and the bits for future use: none is implemented, so all must be zero.
constexpr std::uint64_t kReserved = ~std::uint64_t{0} << 54;
constexpr std::uint64_t kReservedInPointers = kDirty | kAccessed | kUser;
constexpr std::uint64_t physical_page(std::uint64_t entry) {
    return entry >> 10 & satp::kPpn;
}
constexpr bool is_leaf(std::uint64_t entry) {
    return (entry & (kRead | kWrite | kExecute)) != 0;
}
} // namespace pte

constexpr unsigned kLevels = 3, kBitsPerLevel = 9, kVirtualBits = 39;

constexpr std::uint64_t page_size_of(unsigned level) {
    return kPageSize << (kBitsPerLevel * level);
}

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

bool is_canonical(std::uint64_t address) {
    constexpr unsigned kUnused = 64 - kVirtualBits;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << kUnused) >> kUnused) == address;
}

struct Rights {
    bool read, write, execute;
    bool allow(AccessType type) const {
        switch (type) {
        case AccessType::Fetch: return execute;
        case AccessType::Load: return read;
        case AccessType::Store: return write;
        }
        return false;
    }
};

// What a leaf grants before A and D are looked at.
Rights rights_of_leaf(std::uint64_t entry, Privilege privilege, std::uint64_t status) {
    const bool user_page = (entry & pte::kUser) != 0;
    const bool user = privilege == Privilege::User;
    const bool may_execute = user == user_page; // S-mode never executes user pages, whatever SUM says
    const bool may_access = may_execute || (user_page && (status & mstatus::kSum) != 0);
    const bool readable =
        (entry & pte::kRead) != 0 || ((entry & pte::kExecute) != 0 && (status & mstatus::kMxr) != 0);
    return {may_access && readable, may_access && (entry & pte::kWrite) != 0,
            may_execute && (entry & pte::kExecute) != 0};
}

// Page-table entries of a hart's current address space: reads and updates under PMP, which sees them as
// S-mode accesses (3.7.2).
class PageTables {
public:
    // Without `update` a leaf whose A or D the access would set is a page fault.
    PageTables(const HartState& hart, GuestMemory& memory, bool update)
        : hart_(hart), memory_(memory), open_(pmp_grants_everything(hart.control.pmp)), update_(update) {}

    bool may_update() const { return update_; }

    bool readable(GuestPhysicalAddress entry) const {
        return memory_.contains(entry, sizeof(std::uint64_t)) && (open_ || allows(entry, AccessType::Load));
    }
    bool writable(GuestPhysicalAddress entry) const { return open_ || allows(entry, AccessType::Store); }

    std::uint64_t load(GuestPhysicalAddress entry) {
        const std::uint64_t value = reference(entry).load(std::memory_order_acquire);
        return load_le<std::uint64_t>(&value);
    }
    // Stores `desired` if the entry still is `expected`.
    bool replace(GuestPhysicalAddress entry, std::uint64_t expected, std::uint64_t desired) {
        memory_.note_write(entry, sizeof(std::uint64_t));
        expected = load_le<std::uint64_t>(&expected);
        return reference(entry).compare_exchange_strong(expected, load_le<std::uint64_t>(&desired),
                                                        std::memory_order_acq_rel);
    }

private:
    bool allows(GuestPhysicalAddress entry, AccessType type) const {
        return pmp_allows(hart_, entry, sizeof(std::uint64_t), type, Privilege::Supervisor);
    }
    // RAM and its host mapping are page-aligned, and so is every table.
    std::atomic_ref<std::uint64_t> reference(GuestPhysicalAddress entry) {
        return std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(memory_.host(entry)));
    }

    const HartState& hart_;
    GuestMemory& memory_;
    const bool open_, update_;
};

// A leaf that grants the access, with A (and D for a store) set.
struct Leaf {
    std::uint64_t entry;
    unsigned level;
    bool global;
};
struct WalkResult {
    bool ok;
    Cause cause;
    Leaf leaf;
};

WalkResult walk_once(const HartState& hart, PageTables& tables, std::uint64_t address, AccessType type,
                     Privilege privilege, bool& retry) {
    const auto failed = [](Cause cause) { return WalkResult{false, cause, {}}; };
    std::uint64_t table = hart.control.satp & satp::kPpn;
    bool global = false;
    for (unsigned level = kLevels; level-- > 0;) {
        const std::uint64_t index = address >> (kPageShift + kBitsPerLevel * level) & 0x1FF;
        const GuestPhysicalAddress location((table << kPageShift) + index * sizeof(std::uint64_t));
        if (!tables.readable(location))
            return failed(access_fault(type));
        const std::uint64_t entry = tables.load(location);
        if ((entry & pte::kValid) == 0 || (entry & (pte::kRead | pte::kWrite)) == pte::kWrite ||
            (entry & pte::kReserved) != 0)
            return failed(page_fault(type));
        global = global || (entry & pte::kGlobal) != 0;
        if (!pte::is_leaf(entry)) {
            if ((entry & pte::kReservedInPointers) != 0)
                return failed(page_fault(type));
            table = pte::physical_page(entry);
            continue;
        }
        if (!rights_of_leaf(entry, privilege, hart.control.mstatus).allow(type))
            return failed(page_fault(type));
        if ((pte::physical_page(entry) & ((page_size_of(level) >> kPageShift) - 1)) != 0)
            return failed(page_fault(type)); // misaligned superpage
        const std::uint64_t used =
            entry | pte::kAccessed | (type == AccessType::Store ? pte::kDirty : std::uint64_t{0});
        if (used != entry) {
            if (!tables.may_update())
                return failed(page_fault(type));
            if (!tables.writable(location))
                return failed(access_fault(type));
            if (!tables.replace(location, entry, used)) {
                retry = true;
                return failed(page_fault(type));
            }
        }
        return {true, {}, {used, level, global}};
    }
    return failed(page_fault(type)); // a pointer at the last level
}

// Walks again when another hart changed the leaf between reading it and setting A or D.
WalkResult walk(const HartState& hart, PageTables tables, std::uint64_t address, AccessType type,
                Privilege privilege) {
    for (;;) {
        bool retry = false;
        const WalkResult result = walk_once(hart, tables, address, type, privilege, retry);
        if (!retry)
            return result;
    }
}

// Applies PMP to a translation: the access itself must be allowed, and the rights that others may rely on
// shrink to what the whole page has.
TranslationResult protect(const HartState& hart, Translation translation, std::uint64_t length,
                          AccessType type, Privilege privilege) {
    const Pmp& pmp = hart.control.pmp;
    if (pmp_grants_everything(pmp) && translation.address.value() < kPhysicalAddressEnd)
        return {true, {}, translation};
    if (!pmp_allows(hart, translation.address, length, type, privilege))
        return fault(access_fault(type));
    const GuestPhysicalAddress page = translation.address.align_down(kPageSize);
    const PmpRights rights = pmp_rights(pmp, page, kPageSize, privilege);
    translation.uniform = rights.uniform;
    if (rights.uniform) {
        translation.read = translation.read && rights.read;
        translation.write = translation.write && rights.write;
        translation.execute = translation.execute && rights.execute;
    } else {
        translation.read = type == AccessType::Load;
        translation.write = type == AccessType::Store;
        translation.execute = type == AccessType::Fetch;
    }
    return {true, {}, translation};
}

} // namespace

Privilege effective_privilege(const HartState& hart, AccessType type) {
    const HartState::Control& control = hart.control;
    if (type != AccessType::Fetch && (control.mstatus & mstatus::kMprv) != 0)
        return mstatus::mpp(control.mstatus);
    return control.privilege;
}

namespace {

TranslationResult translate(const HartState& hart, GuestMemory& memory, std::uint64_t address,
                            std::uint64_t length, AccessType type, Privilege privilege, bool update) {
    if (privilege == Privilege::Machine || satp::mode(hart.control.satp) == satp::kModeBare) {
        const bool global = privilege == Privilege::Machine; // whatever satp is
        const Translation identity{
            GuestPhysicalAddress(address), page_size_of(kLevels - 1), true, true, true, global, true};
        return protect(hart, identity, length, type, privilege);
    }
    if (!is_canonical(address))
        return fault(page_fault(type));
    const WalkResult walked = walk(hart, PageTables(hart, memory, update), address, type, privilege);
    if (!walked.ok)
        return fault(walked.cause);
    const Leaf& leaf = walked.leaf;
    const std::uint64_t page_size = page_size_of(leaf.level);
    const Rights rights = rights_of_leaf(leaf.entry, privilege, hart.control.mstatus);
    const std::uint64_t physical =
        (pte::physical_page(leaf.entry) << kPageShift) | (address & (page_size - 1));
    const Translation translation{GuestPhysicalAddress(physical),
                                  page_size,
                                  rights.read,
                                  rights.write && (leaf.entry & pte::kDirty) != 0,
                                  rights.execute,
                                  leaf.global,
                                  true};
    return protect(hart, translation, length, type, privilege);
}

} // namespace

TranslationResult translate(const HartState& hart, GuestMemory& memory, GuestVirtualAddress address,
                            std::uint64_t length, AccessType type) {
    return translate(hart, memory, address.value(), length, type, effective_privilege(hart, type), true);
}

TranslationResult look_up(const HartState& hart, GuestMemory& memory, GuestVirtualAddress address,
                          AccessType type) {
    return translate(hart, memory, address.value(), 1, type, effective_privilege(hart, type), false);
}

} // namespace ashlar::jit::riscv64
