// The device tree that describes the board to its guest; node names and bindings are those of QEMU's `virt`
// machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "jit/board/memory_map.h"
#include "lib/bytes.h"
#include "lib/result.h"

namespace ashlar::jit::board {

struct DeviceTreeConfig {
    std::uint64_t ram_size; // bytes from kRamBase
    unsigned harts = 1;
    std::string_view command_line{}; // no bootargs when empty
    Window initrd{};                 // no initrd when its size is 0
    Bytes random_seed{};             // none when empty
};

// Enough for kMaxHarts and a command line of 4 KiB.
constexpr std::size_t kDeviceTreeCapacity = 64 << 10;

// Writes the blob into `buffer` and returns it; OutOfMemory when it does not fit.
Result<Bytes> write_device_tree(MutableBytes buffer, const DeviceTreeConfig& config);

} // namespace ashlar::jit::board
