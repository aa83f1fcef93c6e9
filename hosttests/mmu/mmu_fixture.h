// A memory management unit over a little RAM at 0x8000'0000, and translations as a test wants them.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "jit/mmu/mmu.h"

namespace ashlar::jit::mmu {

inline constexpr std::uint64_t kRam = 0x8000'0000;
inline constexpr std::size_t kPages = 16;

// Virtual page n is RAM page n, unless absent; counts the walks.
class Identity final : public Translator {
public:
    bool translate(std::uint64_t address, unsigned, Access access, Mapping& mapping, Fault& fault) override {
        ++walks;
        const bool refused = access == Access::Store && read_only;
        if (address >> kPageShift == absent || refused) {
            fault = {13, address};
            return false;
        }
        mapping = {GuestPhysicalAddress(base + address),
                   {level, global},
                   denied | (read_only ? denies::kStores : 0),
                   uniform,
                   whole,
                   identity};
        return true;
    }
    bool look_up(std::uint64_t address, Access access, Mapping& mapping) override {
        Fault fault;
        return translate(address, 1, access, mapping, fault);
    }
    void fetches_by(std::uint64_t address, const Mapping& mapping) override {
        fetched.push_back({address, mapping.address.value(), mapping.kind.level});
    }
    std::uint64_t access_fault(Access) const override { return 5; }
    std::uint64_t misaligned_fault(Access) const override { return 4; }

    std::uint64_t base = kRam;
    std::uint64_t absent = ~std::uint64_t{0};
    unsigned level = 0;
    Denials denied = 0;
    bool read_only = false, uniform = true, global = false, whole = true, identity = false;
    unsigned walks = 0;
    struct Fetched {
        std::uint64_t address, physical;
        unsigned level;
        bool operator==(const Fetched&) const = default;
    };
    std::vector<Fetched> fetched;
};

class Register final : public MmioDevice {
public:
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override {
        return offset == 0x100 ? Result<std::uint64_t>(Error::Denied) : value + offset + width;
    }
    Status write(std::uint64_t, unsigned, std::uint64_t v) override {
        value = v;
        return {};
    }
    std::uint64_t value = 0;
};

class MmuTest : public testing::Test {
protected:
    explicit MmuTest(std::size_t pages = kPages) : bytes(pages * kPageSize), code_pages(pages) {}

    std::vector<std::byte> bytes;
    std::vector<std::uint8_t> code_pages;
    GuestMemory memory{GuestPhysicalAddress(kRam), {bytes.data(), bytes.size()}, code_pages.data()};
    Bus bus;
    Identity translator;
    Mmu mmu{memory, bus, translator};
    std::uint64_t value = 0;

    bool hits_read(std::uint64_t address, unsigned width) { return mmu.data().hits(kLoads, address, width); }
    bool hits_write(std::uint64_t address, unsigned width) {
        return mmu.data().hits(kStores, address, width);
    }
};

} // namespace ashlar::jit::mmu
