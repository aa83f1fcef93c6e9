// A generic ECAM PCIe host bridge with nothing behind it.
#pragma once

#include "jit/bus.h"

namespace ashlar::jit::board {

// Configuration space where no function answers: reads give all ones, writes vanish (PCI Express 5.0, 2.3.2).
class EmptyPcieHost final : public MmioDevice {
public:
    Result<std::uint64_t> read(std::uint64_t, unsigned width) override {
        return ~std::uint64_t{0} >> (64 - 8 * width);
    }
    Status write(std::uint64_t, unsigned, std::uint64_t) override { return {}; }
};

} // namespace ashlar::jit::board
