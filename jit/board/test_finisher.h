// SiFive test device: ends or resets the machine.
#pragma once

#include "jit/board/wires.h"
#include "jit/bus.h"

namespace ashlar::jit::board {

class TestFinisher final : public MmioDevice {
public:
    static constexpr std::uint64_t kFail = 0x3333, kPass = 0x5555, kReset = 0x7777; // low 16 bits

    explicit TestFinisher(PowerSwitch& power) : power_(&power) {}

    Result<std::uint64_t> read(std::uint64_t, unsigned) override { return std::uint64_t{0}; }
    // A write to register 0: the command, with kFail's exit code in bits 31:16.
    Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
        if (offset != 0 || width < 2)
            return {};
        switch (value & 0xffff) {
        case kFail: {
            const int code = static_cast<int>(value >> 16 & 0xffff);
            power_->power_off(code != 0 ? code : 1); // a failure is never reported as success
            break;
        }
        case kPass: power_->power_off(0); break;
        case kReset: power_->reset(); break;
        default: break;
        }
        return {};
    }

private:
    PowerSwitch* power_;
};

} // namespace ashlar::jit::board
