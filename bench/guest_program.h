// A kernel of bench/guest in a machine within the benchmark's process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "jit/board/machine.h"
#include "jit/platform.h"

namespace ashlar::bench {

class GuestProgram {
public:
    // `repeat`: units of work, as the kernel counts them. The program is missing: ok() is false.
    GuestProgram(const std::string& name, std::uint64_t repeat);
    ~GuestProgram();

    bool ok() const { return machine_ != nullptr; }
    // Puts the machine into its reset state.
    void reset();
    // Runs to the power-off; returns the guest instructions of the kernel's work, or 0 when it failed.
    std::uint64_t run();

private:
    class Output;
    class HostClock;

    std::vector<std::byte> image_, ram_;
    std::unique_ptr<Output> output_;
    std::unique_ptr<HostClock> clock_;
    std::unique_ptr<jit::board::Machine> machine_;
};

} // namespace ashlar::bench
