// What a VM sees of a virtio function that it is given whole: its configuration space without what the
// hypervisor keeps to itself. Specification: Virtio 1.2, section 4.1.4.
#pragma once

#include <array>
#include <cstddef>

#include "drivers/pci/function.h"
#include "lib/result.h"

namespace ashlar::virtio {

struct GuestView {
    // The identity, memory BARs without addresses, the structures of virtio, an interrupt pin. No capability
    // but those: interrupts by message are the hypervisor's to program, the rest would need mediation.
    std::array<std::byte, 256> configuration{};
    // The BARs that are shown. Pages in the hole belong to the table of interrupts.
    struct Window {
        bool shown = false;
        pci::AddressRange hole; // offsets
    };
    std::array<Window, 6> windows{};
};

// Unsupported when the function cannot be shown so: its structures are not in pages of their own, or it lacks
// some; no MSI-X with at least two vectors.
Result<GuestView> make_guest_view(pci::ConfigAccess& config, const pci::Function& function);

} // namespace ashlar::virtio
