#include "drivers/iommu/vtd.h"

#include <algorithm>

#include "drivers/iommu/vtd_registers.h"
#include "lib/bytes.h"

namespace ashlar::iommu {
namespace {

using namespace vtd;

constexpr std::uint64_t kPatienceNs = 1'000'000'000;
constexpr std::size_t kEntrySize = 16;
constexpr std::uint64_t kDrainBits = capability::kDrainsReads | capability::kDrainsWrites;

} // namespace

// 64-bit registers may be accessed by halves (11.2).
std::uint64_t Vtd::read64(std::uint32_t at) {
    return platform_.read32(registers_ + at) | std::uint64_t{platform_.read32(registers_ + (at + 4))} << 32;
}
void Vtd::write64(std::uint32_t at, std::uint64_t value) {
    platform_.write32(registers_ + at, static_cast<std::uint32_t>(value));
    platform_.write32(registers_ + (at + 4), static_cast<std::uint32_t>(value >> 32));
}

Status Vtd::wait_for(std::uint32_t at, std::uint32_t mask, std::uint32_t value) {
    const std::uint64_t until = platform_.now_ns() + kPatienceNs;
    while ((platform_.read32(registers_ + at) & mask) != value) {
        if (platform_.now_ns() >= until)
            return Error::Io;
        platform_.pause();
    }
    return {};
}

// One bit at a time changes; the others are given as the status has them (11.4.4).
Status Vtd::command(std::uint32_t bit, bool on) {
    const std::uint32_t now = platform_.read32(registers_ + kGlobalStatus) & global::kStates;
    platform_.write32(registers_ + kGlobalCommand, on ? now | bit : now & ~bit);
    return wait_for(kGlobalStatus, bit, on ? bit : 0);
}
Status Vtd::do_once(std::uint32_t bit) {
    const std::uint32_t now = platform_.read32(registers_ + kGlobalStatus) & global::kStates;
    platform_.write32(registers_ + kGlobalCommand, now | bit);
    return wait_for(kGlobalStatus, bit, bit == global::kFlushWriteBuffer ? 0 : bit);
}

// ------------------------------------------------------------------------------------------ from reset to
// work

Status Vtd::initialize(bool interrupts) {
    ASHLAR_TRY(platform_.map(registers_, kPageSize));
    ASHLAR_TRY(read_features());
    ASHLAR_TRY(turn_off());
    if ((extended_ & extended::kQueue) != 0)
        ASHLAR_TRY(start_queue());
    ASHLAR_TRY(set_root());
    if (interrupts && queue_.size != 0 && (extended_ & extended::kInterrupts) != 0)
        ASHLAR_TRY(set_interrupt_table());
    return forget_everything();
}

Status Vtd::read_features() {
    constexpr std::uint32_t kNoRegisters = ~std::uint32_t{0};
    const std::uint32_t version = platform_.read32(registers_ + kVersion);
    if (version == kNoRegisters || version == 0)
        return Error::NotFound;
    capability_ = read64(kCapability);
    extended_ = read64(kExtendedCapability);
    features_.levels = capability::has_levels(capability_, 4) ? 4 : 3;
    if (!capability::has_levels(capability_, features_.levels))
        return Error::Unsupported;
    features_.largest_level = std::min(capability::largest_level(capability_), features_.levels - 1);
    features_.snoops = (extended_ & extended::kSnoop) != 0;
    features_.coherent = (extended_ & extended::kCoherent) != 0;
    last_domain_ = static_cast<std::uint16_t>(
        (1u << std::min<std::uint64_t>(capability::domain_bits(capability_), 16)) - 1);
    const std::uint64_t end =
        std::max(capability::fault_offset(capability_) + kEntrySize * capability::fault_count(capability_),
                 extended::iotlb_offset(extended_) + kEntrySize);
    return end > kPageSize ? platform_.map(registers_, (end + kPageSize - 1) & ~(kPageSize - 1)) : Status();
}

Status Vtd::turn_off() {
    constexpr std::uint32_t kMasked = 1u << 31, kProtected = 1u << 31;
    for (const std::uint32_t state : {global::kInterrupts, global::kTranslation, global::kQueue})
        if ((platform_.read32(registers_ + kGlobalStatus) & state) != 0)
            ASHLAR_TRY(command(state, false));
    // Regions that firmware has closed to all devices; from now on tables say.
    constexpr std::uint64_t kHasProtectedRegions = 3 << 5;
    if ((capability_ & kHasProtectedRegions) != 0)
        platform_.write32(registers_ + kProtectedMemory,
                          platform_.read32(registers_ + kProtectedMemory) & ~kProtected);
    platform_.write32(registers_ + kFaultControl, kMasked); // faults are asked for
    class Nobody final : public FaultVisitor {
        void fault(const Fault&) override {}
    } nobody;
    take_faults(nobody);
    return {};
}

Status Vtd::start_queue() {
    queue_ = ASHLAR_TRY(platform_.allocate(kDescriptors * kEntrySize));
    status_ = ASHLAR_TRY(platform_.allocate(kPageSize));
    write64(kQueueTail, 0);
    write64(kQueueAddress, queue_.address); // of 256 descriptors
    return command(global::kQueue, true);
}

Status Vtd::set_root() {
    root_ = ASHLAR_TRY(platform_.allocate(kPageSize));
    platform_.write_back(root_.at, kPageSize);
    write64(kRootTable, root_.address);
    return do_once(global::kSetRoot);
}

Status Vtd::set_interrupt_table() {
    constexpr std::uint64_t kSize = 7; // 2^(7+1) entries
    static_assert(kInterrupts == 2u << kSize);
    interrupts_ = ASHLAR_TRY(platform_.allocate(kInterrupts * kEntrySize));
    platform_.write_back(interrupts_.at, interrupts_.size);
    write64(kInterruptTable, interrupts_.address | kSize);
    return do_once(global::kSetInterruptTable);
}

bool Vtd::caches_absent() const {
    return capability::caches_absent(capability_) || capability::needs_buffer_flush(capability_);
}

Status Vtd::enable_translation() {
    return command(global::kTranslation, true);
}

// Messages in the old format are refused, too: anybody can write such.
Status Vtd::enable_interrupt_remapping() {
    if (!can_remap_interrupts())
        return Error::Unsupported;
    if ((platform_.read32(registers_ + kGlobalStatus) & global::kCompatibleInterrupts) != 0)
        ASHLAR_TRY(command(global::kCompatibleInterrupts, false));
    ASHLAR_TRY(command(global::kInterrupts, true));
    remaps_ = true;
    return {};
}

// ------------------------------------------------------------------------------------------ tables

// The half with the present bit comes last when an entry appears, and goes first.
void Vtd::store_entry(std::byte* at, std::uint64_t low, std::uint64_t high) {
    auto* const words = reinterpret_cast<std::uint64_t*>(at);
    if ((low & kPresent) == 0)
        __atomic_store_n(&words[0], low, __ATOMIC_RELEASE);
    __atomic_store_n(&words[1], high, __ATOMIC_RELEASE);
    __atomic_store_n(&words[0], low, __ATOMIC_RELEASE);
    platform_.write_back(at, kEntrySize);
}

// Of a function in the context table of its bus. NotFound without a table, unless one is to be made.
Result<std::byte*> Vtd::context_entry(Requester requester, bool make) {
    const unsigned bus = requester >> 8;
    DmaBlock& table = contexts_[bus];
    if (table.size == 0) {
        if (!make)
            return Error::NotFound;
        table = ASHLAR_TRY(platform_.allocate(kPageSize));
        platform_.write_back(table.at, kPageSize);
        store_entry(root_.at + kEntrySize * bus, table.address | kPresent, 0);
    }
    return table.at + kEntrySize * (requester & 0xff);
}

Status Vtd::attach(Requester requester, const DomainRoot& domain) {
    if (domain.id == 0 || domain.id > last_domain_)
        return Error::OutOfRange;
    std::byte* const entry = ASHLAR_TRY(context_entry(requester, true));
    if ((load_le<std::uint64_t>(entry) & kPresent) != 0)
        return Error::Busy;
    const std::uint64_t width = features_.levels - 2;
    store_entry(entry, domain.root.value() | kPresent, width | std::uint64_t{domain.id} << 8);
    // Where absence is cached the entry is of domain 0 there.
    return caches_absent() ? forget_context(requester, 0) : Status();
}

std::uint16_t Vtd::domain_of(Requester requester) {
    const Result<std::byte*> entry = context_entry(requester, false);
    if (!entry.ok() || (load_le<std::uint64_t>(entry.value()) & kPresent) == 0)
        return 0;
    return static_cast<std::uint16_t>(load_le<std::uint64_t>(entry.value() + 8) >> 8);
}

Status Vtd::detach(Requester requester, std::uint16_t domain) {
    const Result<std::byte*> entry = context_entry(requester, false);
    if (!entry.ok())
        return {};
    store_entry(entry.value(), 0, 0);
    ASHLAR_TRY(forget_context(requester, domain));
    return invalidate(domain);
}

Result<std::uint16_t> Vtd::add_interrupt(Requester requester, const InterruptTarget& target) {
    constexpr std::uint64_t kLevel = 1 << 4, kVerifyRequester = 1 << 18;
    if (!can_remap_interrupts())
        return Error::Unsupported;
    for (std::uint16_t number = 0; number < kInterrupts; ++number) {
        std::byte* const entry = interrupts_.at + kEntrySize * number;
        if ((load_le<std::uint64_t>(entry) & kPresent) != 0)
            continue;
        // Fixed delivery to one CPU, by its 8-bit number.
        const std::uint64_t destination = std::uint64_t{target.apic_id & 0xff} << 40;
        store_entry(entry,
                    destination | std::uint64_t{target.vector} << 16 | (target.level ? kLevel : 0) | kPresent,
                    kVerifyRequester | requester);
        ASHLAR_TRY(forget_interrupts());
        return number;
    }
    return Error::OutOfMemory;
}

Status Vtd::remove_interrupt(std::uint16_t number) {
    if (number >= kInterrupts || !can_remap_interrupts())
        return Error::OutOfRange;
    store_entry(interrupts_.at + kEntrySize * number, 0, 0);
    return forget_interrupts();
}

// ------------------------------------------------------------------------------------------ invalidation

// Puts one descriptor and a wait for it into the queue, and waits.
Status Vtd::submit(std::uint64_t low) {
    const auto put = [this](std::uint64_t lower, std::uint64_t upper) {
        std::byte* const at = queue_.at + kEntrySize * tail_;
        store_le(at, lower);
        store_le(at + 8, upper);
        platform_.write_back(at, kEntrySize);
        tail_ = (tail_ + 1) % kDescriptors;
    };
    ++ticket_;
    put(low, 0);
    put(descriptor::kWait | descriptor::kStoreStatus | descriptor::kFence | std::uint64_t{ticket_} << 32,
        status_.address);
    platform_.write32(registers_ + kQueueTail, static_cast<std::uint32_t>(tail_ * kEntrySize));
    const std::uint64_t until = platform_.now_ns() + kPatienceNs;
    while (__atomic_load_n(reinterpret_cast<std::uint32_t*>(status_.at), __ATOMIC_ACQUIRE) != ticket_) {
        if (platform_.now_ns() >= until)
            return Error::Io;
        platform_.pause();
    }
    return {};
}

Status Vtd::iotlb_by_register(std::uint32_t upper, std::uint16_t domain) {
    const std::uint32_t at = extended::iotlb_offset(extended_) + 8;
    const std::uint32_t drain = (capability_ & kDrainBits) != 0 ? kIotlbDrain : 0;
    platform_.write32(registers_ + at, 0);
    platform_.write32(registers_ + (at + 4), kInvalidate | upper | drain | domain);
    return wait_for(at + 4, kInvalidate, 0);
}

Status Vtd::forget_everything() {
    if (queue_.size != 0) {
        ASHLAR_TRY(submit(descriptor::kContext | descriptor::kGlobal));
        ASHLAR_TRY(submit(descriptor::kIotlb | descriptor::kGlobal | descriptor::kDrain));
        return can_remap_interrupts() ? forget_interrupts() : Status();
    }
    platform_.write32(registers_ + kContextCommand, 0);
    platform_.write32(registers_ + (kContextCommand + 4), kInvalidate | kContextGlobal);
    ASHLAR_TRY(wait_for(kContextCommand + 4, kInvalidate, 0));
    return iotlb_by_register(kIotlbGlobal, 0);
}

Status Vtd::forget_context(Requester requester, std::uint16_t domain) {
    if (capability::needs_buffer_flush(capability_))
        ASHLAR_TRY(do_once(global::kFlushWriteBuffer));
    if (queue_.size != 0)
        return submit(descriptor::kContext | descriptor::kDevice | std::uint64_t{domain} << 16 |
                      std::uint64_t{requester} << 32);
    platform_.write32(registers_ + kContextCommand, domain | std::uint32_t{requester} << 16);
    platform_.write32(registers_ + (kContextCommand + 4), kInvalidate | kContextDevice);
    return wait_for(kContextCommand + 4, kInvalidate, 0);
}

Status Vtd::invalidate(std::uint16_t domain) {
    if (capability::needs_buffer_flush(capability_))
        ASHLAR_TRY(do_once(global::kFlushWriteBuffer));
    if (queue_.size != 0)
        return submit(descriptor::kIotlb | descriptor::kDomain | descriptor::kDrain |
                      std::uint64_t{domain} << 16);
    return iotlb_by_register(kIotlbDomain, domain);
}

Status Vtd::forget_interrupts() {
    return submit(descriptor::kInterruptEntries);
}

// ------------------------------------------------------------------------------------------ faults

bool Vtd::take_faults(FaultVisitor& visitor) {
    const std::uint32_t status = platform_.read32(registers_ + kFaultStatus);
    constexpr std::uint32_t kNoRegisters = ~std::uint32_t{0};
    if (status == kNoRegisters || (status & (fault::kOverflow | fault::kPending | fault::kQueueErrors)) == 0)
        return false;
    const unsigned count = capability::fault_count(capability_);
    unsigned index = status >> 8 & 0xff;
    for (unsigned i = 0; i < count; ++i, index = index + 1 < count ? index + 1 : 0) {
        if (index >= count)
            index = 0;
        const PhysicalAddress at =
            registers_ + (capability::fault_offset(capability_) + kEntrySize * std::uint64_t{index});
        const std::uint32_t upper = platform_.read32(at + 12);
        if ((upper & fault::kRecorded) == 0)
            continue;
        const std::uint64_t where = platform_.read32(at) | std::uint64_t{platform_.read32(at + 4)} << 32;
        Fault record{.requester = static_cast<Requester>(platform_.read32(at + 8)),
                     .write = (upper & fault::kRead) == 0,
                     .reason = static_cast<std::uint8_t>(upper)};
        record.interrupt = record.reason >= fault::kFirstInterruptReason && record.reason < 0x30;
        record.address = record.interrupt ? where >> 48 : where & ~std::uint64_t{kPageSize - 1};
        platform_.write32(at + 12, fault::kRecorded);
        visitor.fault(record);
    }
    platform_.write32(registers_ + kFaultStatus, fault::kOverflow | (status & fault::kQueueErrors));
    return (status & fault::kOverflow) != 0;
}

} // namespace ashlar::iommu
