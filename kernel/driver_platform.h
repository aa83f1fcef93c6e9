// What drivers get from the hypervisor: memory from an owner's frames, and registers through the direct map.
#pragma once

#include "drivers/platform.h"
#include "kernel/memory_source.h"

namespace ashlar::kernel {

class DriverPlatform final : public Platform {
public:
    // `memory` outlives it.
    explicit DriverPlatform(MemorySource& memory) : memory_(memory) {}

    Status map(PhysicalAddress registers, std::uint64_t size) override;
    std::uint8_t read8(PhysicalAddress at) override;
    std::uint16_t read16(PhysicalAddress at) override;
    std::uint32_t read32(PhysicalAddress at) override;
    void write8(PhysicalAddress at, std::uint8_t value) override;
    void write16(PhysicalAddress at, std::uint16_t value) override;
    void write32(PhysicalAddress at, std::uint32_t value) override;
    Result<DmaBlock> allocate(std::size_t bytes) override;
    void free(const DmaBlock& block) override;
    void write_back(const std::byte* at, std::size_t size) override;
    std::uint64_t now_ns() override;
    void pause() override;

private:
    MemorySource& memory_;
};

} // namespace ashlar::kernel
