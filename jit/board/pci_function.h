// A virtio function behind the board's PCIe host bridge. Its registers are the real device's: a guest's
// access is one access by us. What is the machine's own stays with us: addresses of BARs, the interrupt,
// which the guest sees as pin INTA with virtio's ISR status (Virtio 1.2, section 4.1.4.5).
#pragma once

#include <array>
#include <optional>

#include "jit/board/wires.h"
#include "jit/pci_backend.h"
#include "jit/platform.h"
#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::jit::board {

class PciFunction {
public:
    struct Statistics {
        std::uint64_t accesses = 0; // of registers
        std::uint64_t notifications = 0;
        std::uint64_t interrupts = 0;
    };

    // Both outlive it.
    PciFunction(PciBackend& backend, Clock& clock, InterruptWire wire);

    // Configuration space; offset + width <= 4096. Any width.
    std::uint64_t read_configuration(std::uint16_t offset, unsigned width) const;
    void write_configuration(std::uint16_t offset, unsigned width, std::uint64_t value);

    // Whether a memory access at `address` is the function's. Then:
    bool owns(GuestPhysicalAddress address) const { return find(address).has_value(); }
    Result<std::uint64_t> read(GuestPhysicalAddress address, unsigned width);
    Status write(GuestPhysicalAddress address, unsigned width, std::uint64_t value);

    // Passes on interrupts that have come.
    void poll();
    // Whether the guest's driver works with the device.
    bool busy() const { return driver_works_; }
    // Resets the device and waits for it: afterwards it does not access guest memory.
    void quiesce();
    // The configuration space as after power-on; the device was quiesced.
    void reset();
    const Statistics& statistics() const { return statistics_; }

private:
    struct Place {
        unsigned bar;
        std::uint64_t offset;
    };
    // One of virtio's structures.
    struct Structure {
        unsigned bar = 0;
        std::uint32_t offset = 0, size = 0; // size 0: there is none
        bool contains(const Place& place) const {
            return size != 0 && place.bar == bar && place.offset - offset < size;
        }
    };

    std::optional<Place> find(GuestPhysicalAddress address) const;
    std::uint16_t command() const;
    void find_structures();
    void make_writable();
    void command_written(std::uint16_t before);
    bool common_written(std::uint64_t offset, std::uint64_t value);
    void forget_interrupts();
    void drive_wire();
    volatile std::byte* common(std::uint64_t offset) const;

    PciBackend& backend_;
    Clock& clock_;
    InterruptWire wire_;
    std::array<std::uint8_t, PciBackend::kConfiguration> configuration_{}, writable_{};
    Structure common_, notify_, isr_;
    std::uint8_t isr_status_ = 0;
    bool driver_works_ = false;
    Statistics statistics_;
};

} // namespace ashlar::jit::board
