// The boot ROM at 0x1000: read-only data that the reset vector leaves for firmware.
#pragma once

#include <algorithm>
#include <array>

#include "jit/bus.h"
#include "lib/bytes.h"

namespace ashlar::jit::board {

class BootRom final : public MmioDevice {
public:
    static constexpr std::size_t kCapacity = 256;

    // At most kCapacity bytes.
    void load(Bytes data) {
        ASHLAR_ASSERT(data.size() <= kCapacity);
        content_ = {};
        std::copy(data.begin(), data.end(), content_.begin());
    }
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width; ++i)
            if (offset + i < kCapacity)
                value |= std::to_integer<std::uint64_t>(content_[offset + i]) << (8 * i);
        return value;
    }
    Status write(std::uint64_t, unsigned, std::uint64_t) override { return Error::Denied; }

private:
    std::array<std::byte, kCapacity> content_{};
};

} // namespace ashlar::jit::board
