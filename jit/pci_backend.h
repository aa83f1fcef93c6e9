// A PCI function of the real machine that the guest's own driver drives: what the board needs of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ashlar::jit {

// One of its BARs as we can access it.
struct PciBarWindow {
    volatile std::byte* at = nullptr;           // nullptr: there is none
    std::uint64_t size = 0;                     // a power of two, at least a page
    std::uint64_t hole_begin = 0, hole_end = 0; // offsets that must not be accessed
};

class PciBackend {
public:
    static constexpr std::size_t kConfiguration = 256, kBars = 6;
    static constexpr unsigned kChangeInterrupt = 1, kQueueInterrupt = 2;
    // Numbers of the vectors to program into the device for them.
    static constexpr std::uint16_t kChangeVector = 0, kQueueVector = 1;

    // The configuration space as a guest sees it after reset, with BARs of no address.
    virtual std::span<const std::uint8_t, kConfiguration> configuration() const = 0;
    virtual const PciBarWindow& bar(unsigned index) const = 0;
    // Whether the function accesses memory at all.
    virtual void set_bus_master(bool on) = 0;
    // The interrupts that have come since the last time.
    virtual unsigned take_interrupts() = 0;

protected:
    ~PciBackend() = default;
};

} // namespace ashlar::jit
