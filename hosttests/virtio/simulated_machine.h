// A machine with memory and device registers, for drivers.
#pragma once

#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "drivers/platform.h"
#include "lib/bytes.h"

namespace ashlar::virtio::test {

// Registers of a device, by offset.
class RegisterModel {
public:
    virtual std::uint64_t read(std::uint64_t offset, unsigned width) = 0;
    virtual void write(std::uint64_t offset, unsigned width, std::uint64_t value) = 0;

protected:
    ~RegisterModel() = default;
};

class SimulatedMachine final : public Platform {
public:
    static constexpr std::uint64_t kMemory = 0x1'0000'0000;

    Status map(PhysicalAddress registers, std::uint64_t size) override {
        if (map_fails)
            return Error::OutOfMemory;
        mapped.emplace_back(registers.value(), size);
        return {};
    }
    std::uint8_t read8(PhysicalAddress at) override { return static_cast<std::uint8_t>(read(at.value(), 1)); }
    std::uint16_t read16(PhysicalAddress at) override {
        return static_cast<std::uint16_t>(read(at.value(), 2));
    }
    std::uint32_t read32(PhysicalAddress at) override {
        return static_cast<std::uint32_t>(read(at.value(), 4));
    }
    void write8(PhysicalAddress at, std::uint8_t value) override { write(at.value(), 1, value); }
    void write16(PhysicalAddress at, std::uint16_t value) override { write(at.value(), 2, value); }
    void write32(PhysicalAddress at, std::uint32_t value) override { write(at.value(), 4, value); }

    Result<DmaBlock> allocate(std::size_t bytes) override {
        if (allocations_left == 0)
            return Error::OutOfMemory;
        --allocations_left;
        const std::size_t size = (bytes + 4095) / 4096 * 4096;
        EXPECT_LE(next_ + size, memory.size());
        const DmaBlock block{memory.data() + next_, kMemory + next_, size};
        std::memset(block.at, 0, size);
        next_ += size + 4096; // what is written past the end is seen by nobody's mistake
        ++live_blocks;
        return block;
    }
    void free(const DmaBlock& block) override {
        std::memset(block.at, 0xdd, block.size);
        --live_blocks;
    }
    std::uint64_t now_ns() override { return now; }
    void pause() override {
        now += 100'000;
        if (on_pause)
            on_pause();
    }

    void attach(std::uint64_t base, std::uint64_t size, RegisterModel& model) {
        models_[base] = {size, &model};
    }
    std::byte* at(std::uint64_t address, std::uint64_t size) {
        EXPECT_TRUE(address >= kMemory && address - kMemory <= memory.size() &&
                    size <= memory.size() - (address - kMemory));
        return memory.data() + (address - kMemory);
    }

    std::vector<std::byte> memory = std::vector<std::byte>(8 << 20);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> mapped;
    std::function<void()> on_pause;
    std::uint64_t now = 0;
    unsigned allocations_left = 1000;
    int live_blocks = 0;
    bool map_fails = false;

private:
    struct Place {
        std::uint64_t size;
        RegisterModel* model;
    };
    // Everything that is accessed was mapped.
    std::pair<RegisterModel*, std::uint64_t> find(std::uint64_t address, unsigned width) {
        bool is_mapped = false;
        for (const auto& [base, size] : mapped)
            is_mapped = is_mapped || (address >= base && address + width <= base + size);
        EXPECT_TRUE(is_mapped) << std::hex << address;
        auto place = models_.upper_bound(address);
        if (place == models_.begin())
            return {};
        --place;
        const std::uint64_t offset = address - place->first;
        return offset + width <= place->second.size ? std::pair{place->second.model, offset}
                                                    : std::pair<RegisterModel*, std::uint64_t>{};
    }
    std::uint64_t read(std::uint64_t address, unsigned width) {
        const auto [model, offset] = find(address, width);
        return model != nullptr ? model->read(offset, width) : ~std::uint64_t{0};
    }
    void write(std::uint64_t address, unsigned width, std::uint64_t value) {
        if (const auto [model, offset] = find(address, width); model != nullptr)
            model->write(offset, width, value);
    }
    std::map<std::uint64_t, Place> models_;
    std::size_t next_ = 0;
};

} // namespace ashlar::virtio::test
