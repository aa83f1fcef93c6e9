// What the machine finds in memory when it comes out of reset, and where its harts start: placement as QEMU's
// `virt` machine does it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "jit/board/image.h"
#include "jit/board/memory_map.h"
#include "jit/guest_memory.h"
#include "lib/bytes.h"
#include "lib/format.h"
#include "lib/result.h"

namespace ashlar::jit::board {

struct BootImages {
    Bytes firmware, kernel, initrd; // each may be empty, but not both firmware and kernel
    std::string_view command_line;
    unsigned harts = 1;
    Bytes random_seed{}; // for the guest's generator; may be empty
};

struct BootPlan {
    // All harts start here in M-mode; or, with `supervisor`, hart 0 in S-mode under the built-in SBI.
    GuestPhysicalAddress entry{};
    bool supervisor = false;
    GuestPhysicalAddress device_tree{};
    // What OpenSBI's fw_dynamic finds through a2 (struct fw_dynamic_info): magic, version, next address, next
    // mode, options, boot hart.
    GuestPhysicalAddress dynamic_info{};
    std::array<std::uint64_t, 6> dynamic_info_words{};
    std::optional<GuestPhysicalAddress> tohost, fromhost;
};

// Loads everything into `memory`, which is zero. Problems are explained to `diagnostics`.
Result<BootPlan> load_boot_images(GuestMemory& memory, const BootImages& images, Sink& diagnostics);

// Whether load_boot_images will plan a start under the built-in SBI.
bool needs_builtin_sbi(const BootImages& images);

} // namespace ashlar::jit::board
