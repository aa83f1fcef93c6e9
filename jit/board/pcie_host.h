// A generic ECAM PCIe host bridge. Function i of the machine is device i + 1 of bus 0.
// Specification: PCI Express 5.0, section 7.2.2.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "jit/board/memory_map.h"
#include "jit/board/pci_function.h"
#include "jit/bus.h"

namespace ashlar::jit::board {

class PcieHost {
public:
    static constexpr std::size_t kMaxFunctions = 8;

    // At most kMaxFunctions. Everything outlives it.
    PcieHost(std::span<PciBackend* const> backends, Clock& clock, InterruptController& interrupts);
    PcieHost(const PcieHost&) = delete;
    PcieHost& operator=(const PcieHost&) = delete;

    Status attach(Bus& bus);
    void poll();
    bool busy() const;
    void quiesce();
    void reset();
    std::span<const std::optional<PciFunction>> functions() const { return {functions_.data(), count_}; }

private:
    // Where no function answers: reads give all ones, writes vanish (2.3.2).
    class Configuration final : public MmioDevice {
    public:
        explicit Configuration(PcieHost& host) : host_(host) {}
        Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override;
        Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

    private:
        PcieHost& host_;
    };
    class Memory final : public MmioDevice {
    public:
        explicit Memory(PcieHost& host) : host_(host) {}
        Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override;
        Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

    private:
        PcieHost& host_;
    };
    PciFunction* at_place(std::uint64_t offset);
    PciFunction* at_address(GuestPhysicalAddress address);

    std::array<std::optional<PciFunction>, kMaxFunctions> functions_;
    std::size_t count_;
    Configuration configuration_{*this};
    Memory memory_{*this};
};

} // namespace ashlar::jit::board
