// Recognizing and loading the guest's programs: ELF, riscv Linux Image, or flat binary.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "jit/board/memory_map.h"
#include "jit/guest_memory.h"
#include "lib/bytes.h"
#include "lib/format.h"
#include "lib/result.h"

namespace ashlar::jit::board {

struct LoadedImage {
    Window extent{}; // guest memory that the image claims, with its zero-initialized part
    GuestPhysicalAddress entry{};
    // Host-target interface of an ELF that has the symbols.
    std::optional<GuestPhysicalAddress> tohost, fromhost;
};

// Whether the bytes are an ELF with a `tohost` symbol: a program for the bare machine.
bool has_host_interface(Bytes image);

// Copies the image into guest memory: an ELF to its physical addresses, a Linux Image and a flat binary to
// `base`. `what` names it in messages. What cannot be loaded (compressed, for another machine, outside guest
// memory) is explained to `diagnostics`.
Result<LoadedImage> load_image(GuestMemory& memory, std::string_view what, Bytes image,
                               GuestPhysicalAddress base, Sink& diagnostics);

// Whether two extents share a byte.
constexpr bool overlap(const Window& a, const Window& b) {
    return a.size != 0 && b.size != 0 && a.base < b.base + b.size && b.base < a.base + a.size;
}

} // namespace ashlar::jit::board
