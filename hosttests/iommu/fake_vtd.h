// A VT-d unit: registers, the invalidation queue, and accesses of devices through tables in memory. What it
// has translated it remembers until it is told to forget.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "drivers/iommu/vtd.h"
#include "drivers/iommu/vtd_registers.h"
#include "hosttests/virtio/simulated_machine.h"

namespace ashlar::iommu::test {

using virtio::test::SimulatedMachine;

class FakeVtd final : public virtio::test::RegisterModel {
public:
    static constexpr std::uint64_t kBase = 0xfed9'0000;
    static constexpr std::uint32_t kFaults = 0x220, kIotlb = 0xf8;

    // Physical memory, by address and size.
    using Memory = std::function<std::byte*(std::uint64_t, std::uint64_t)>;

    explicit FakeVtd(SimulatedMachine& machine)
        : FakeVtd(
              [&machine](std::uint64_t address, std::uint64_t size) { return machine.at(address, size); }) {
        machine.attach(kBase, 4096, *this);
    }
    explicit FakeVtd(Memory memory) : memory_(std::move(memory)) {
        put64(vtd::kVersion, 0x10);
        // 39 and 48 bits, large pages, 2 fault records, 16-bit domains.
        put64(vtd::kCapability, 6 | 6 << 8 | std::uint64_t{kFaults / 16} << 24 | std::uint64_t{3} << 34 |
                                    std::uint64_t{1} << 40 | std::uint64_t{3} << 54);
        put64(vtd::kExtendedCapability,
              vtd::extended::kQueue | vtd::extended::kInterrupts | std::uint64_t{(kIotlb - 8) / 16} << 8);
    }

    void change(std::uint32_t at, std::uint64_t clear, std::uint64_t set) {
        put64(at, (get64(at) & ~clear) | set);
    }
    std::uint64_t get64(std::uint32_t at) const { return get(at) | std::uint64_t{get(at + 4)} << 32; }

    // Where an access of a device goes; nullopt: it is refused, and recorded.
    std::optional<std::uint64_t> access(Requester requester, std::uint64_t address, bool write) {
        if ((get(vtd::kGlobalStatus) & vtd::global::kTranslation) == 0)
            return address;
        const auto context = context_of(requester);
        if (!context)
            return record(requester, address, write, 2);
        const unsigned levels = static_cast<unsigned>(context->second & 7) + 2;
        const auto domain = static_cast<std::uint16_t>(context->second >> 8);
        const auto key = std::pair(domain, address >> 12);
        auto cached = iotlb_.find(key);
        if (cached == iotlb_.end()) {
            const std::uint64_t leaf = walk(context->first & kAddress, levels, address);
            if (leaf == 0 && !caches_absent())
                return record(requester, address, write, write ? 5 : 6);
            cached = iotlb_.emplace(key, leaf).first;
        }
        if ((cached->second & (write ? 2u : 1u)) == 0)
            return record(requester, address, write, write ? 5 : 6);
        return (cached->second & kAddress) | (address & 0xfff);
    }
    struct Interrupt {
        unsigned vector, destination;
    };
    std::optional<Interrupt> interrupt(Requester requester, unsigned number) {
        const std::uint64_t table = get64(vtd::kInterruptTable) & kAddress;
        const std::uint64_t low = word(table + 16 * number), high = word(table + 16 * number + 8);
        if ((low & 1) == 0 || (high >> 18 & 3) != 1 || (high & 0xffff) != requester) {
            record(requester, std::uint64_t{number} << 48, false, (low & 1) == 0 ? 0x22 : 0x26);
            return std::nullopt;
        }
        return Interrupt{static_cast<unsigned>(low >> 16 & 0xff), static_cast<unsigned>(low >> 40 & 0xff)};
    }

    std::uint64_t read(std::uint64_t offset, unsigned width) override {
        EXPECT_EQ(width, 4u);
        return get(static_cast<std::uint32_t>(offset));
    }
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
        EXPECT_EQ(width, 4u);
        const auto word = static_cast<std::uint32_t>(value);
        const auto at = static_cast<std::uint32_t>(offset);
        if (at == vtd::kGlobalCommand)
            return command(word);
        if (at == vtd::kFaultStatus) {
            put(at, get(at) & ~(word & 0x71));
            return;
        }
        if (at >= kFaults && at < kFaults + 32 && at % 16 == 12) {
            put(at, get(at) & ~(word & vtd::fault::kRecorded));
            update_pending();
            return;
        }
        put(at, word);
        if (at == vtd::kQueueTail && (get(vtd::kGlobalStatus) & vtd::global::kQueue) != 0 && !stuck)
            run_queue();
        if (at == vtd::kContextCommand + 4 && (word & vtd::kInvalidate) != 0 && !stuck) {
            contexts_.clear();
            put(at, word & ~vtd::kInvalidate);
        }
        if (at == kIotlb + 4 && (word & vtd::kInvalidate) != 0 && !stuck) {
            forget_domain((word & vtd::kIotlbGlobal) != 0 ? 0 : word & 0xffff);
            put(at, word & ~vtd::kInvalidate);
        }
    }

    bool stuck = false; // takes no invalidations any more

private:
    static constexpr std::uint64_t kAddress = 0x000f'ffff'ffff'f000;
    using Context = std::pair<std::uint64_t, std::uint64_t>;

    std::uint32_t get(std::uint32_t at) const {
        const auto found = registers_.find(at);
        return found != registers_.end() ? found->second : 0;
    }
    void put(std::uint32_t at, std::uint32_t value) { registers_[at] = value; }
    void put64(std::uint32_t at, std::uint64_t value) {
        put(at, static_cast<std::uint32_t>(value));
        put(at + 4, static_cast<std::uint32_t>(value >> 32));
    }
    std::uint64_t word(std::uint64_t address) {
        std::uint64_t value;
        std::memcpy(&value, memory_(address, 8), 8);
        return value;
    }
    bool caches_absent() const { return (get64(vtd::kCapability) >> 7 & 1) != 0; }

    void command(std::uint32_t value) {
        using namespace vtd::global;
        const std::uint32_t once = value & (kSetRoot | kSetInterruptTable);
        const std::uint32_t states = value & kStates;
        EXPECT_LE(std::popcount((get(vtd::kGlobalStatus) & kStates) ^ states) + std::popcount(once), 1);
        put(vtd::kGlobalStatus, states | once | (get(vtd::kGlobalStatus) & (kSetRoot | kSetInterruptTable)));
    }
    std::optional<Context> context_of(Requester requester) {
        const auto cached = contexts_.find(requester);
        if (cached != contexts_.end())
            return (cached->second.first & 1) != 0 ? std::optional(cached->second) : std::nullopt;
        const std::uint64_t root = word((get64(vtd::kRootTable) & kAddress) + 16 * (requester >> 8));
        Context context{};
        if ((root & 1) != 0) {
            const std::uint64_t at = (root & kAddress) + 16 * (requester & 0xff);
            context = {word(at), word(at + 8)};
        }
        if ((context.first & 1) == 0 && !caches_absent())
            return std::nullopt;
        contexts_[requester] = context;
        return (context.first & 1) != 0 ? std::optional(context) : std::nullopt;
    }
    // The leaf with the address of the page.
    std::uint64_t walk(std::uint64_t table, unsigned levels, std::uint64_t address) {
        if (address >> (12 + 9 * levels) != 0)
            return 0;
        for (unsigned level = levels;; --level) {
            const unsigned shift = 12 + 9 * (level - 1);
            const std::uint64_t entry = word(table + 8 * (address >> shift & 511));
            if ((entry & 3) == 0)
                return 0;
            if (level == 1 || (entry & 0x80) != 0)
                return (entry & 3) | (entry & kAddress) |
                       (address & kAddress & ((std::uint64_t{1} << shift) - 1));
            table = entry & kAddress;
        }
    }
    void run_queue() {
        const std::uint64_t base = get64(vtd::kQueueAddress) & kAddress;
        std::uint32_t head = get(vtd::kQueueHead);
        for (; head != get(vtd::kQueueTail); head = (head + 16) % 4096) {
            const std::uint64_t low = word(base + head), high = word(base + head + 8);
            const auto domain = static_cast<std::uint32_t>(low >> 16 & 0xffff);
            switch (low & 15) {
            case vtd::descriptor::kContext:
                if ((low & 0x30) == vtd::descriptor::kDevice)
                    contexts_.erase(static_cast<Requester>(low >> 32));
                else
                    contexts_.clear();
                break;
            case vtd::descriptor::kIotlb:
                forget_domain((low & 0x30) == vtd::descriptor::kDomain ? domain : 0);
                break;
            case vtd::descriptor::kInterruptEntries: break;
            case vtd::descriptor::kWait: {
                const auto status = static_cast<std::uint32_t>(low >> 32);
                std::memcpy(memory_(high, 4), &status, 4);
                break;
            }
            default: ADD_FAILURE() << "descriptor " << low;
            }
        }
        put(vtd::kQueueHead, head);
    }
    void forget_domain(std::uint32_t domain) {
        std::erase_if(iotlb_,
                      [domain](const auto& item) { return domain == 0 || item.first.first == domain; });
    }
    std::nullopt_t record(Requester requester, std::uint64_t address, bool write, std::uint8_t reason) {
        for (unsigned i = 0; i < 2; ++i) {
            const std::uint32_t at = kFaults + 16 * i;
            if ((get(at + 12) & vtd::fault::kRecorded) != 0)
                continue;
            put64(at, address & ~std::uint64_t{0xfff});
            put(at + 8, requester);
            put(at + 12, vtd::fault::kRecorded | (write ? 0 : vtd::fault::kRead) | reason);
            update_pending();
            return std::nullopt;
        }
        put(vtd::kFaultStatus, get(vtd::kFaultStatus) | vtd::fault::kOverflow);
        return std::nullopt;
    }
    void update_pending() {
        bool any = false;
        for (unsigned i = 0; i < 2; ++i)
            any = any || (get(kFaults + 16 * i + 12) & vtd::fault::kRecorded) != 0;
        const std::uint32_t status = get(vtd::kFaultStatus) & ~vtd::fault::kPending;
        put(vtd::kFaultStatus, status | (any ? vtd::fault::kPending : 0));
    }

    Memory memory_;
    std::map<std::uint32_t, std::uint32_t> registers_;
    std::map<Requester, Context> contexts_;
    std::map<std::pair<std::uint16_t, std::uint64_t>, std::uint64_t> iotlb_;
};

// Tables of a domain in the machine's memory.
class DomainTables {
public:
    DomainTables(SimulatedMachine& machine, Vtd& unit, std::uint16_t id)
        : machine_(machine), unit_(unit), id_(id) {}

    Result<PhysicalAddress> allocate() {
        const DmaBlock block = ASHLAR_TRY(machine_.allocate(kPageSize));
        return PhysicalAddress(block.address);
    }
    void free(PhysicalAddress table) {
        machine_.free({machine_.at(table.value(), kPageSize), table.value(), kPageSize});
    }
    std::uint64_t load(PhysicalAddress table, unsigned index) const {
        return load_le<std::uint64_t>(machine_.at(table.value() + 8 * index, 8));
    }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) {
        store_le(machine_.at(table.value() + 8 * index, 8), entry);
    }
    bool compare_exchange(PhysicalAddress table, unsigned index, std::uint64_t& expected,
                          std::uint64_t entry) {
        EXPECT_EQ(load(table, index), expected);
        store(table, index, entry);
        return true;
    }
    void invalidate() { EXPECT_TRUE(unit_.invalidate(id_).ok()); }

private:
    SimulatedMachine& machine_;
    Vtd& unit_;
    std::uint16_t id_;
};

} // namespace ashlar::iommu::test
