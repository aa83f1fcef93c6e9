// The host's clocks.
#pragma once

#include <ctime>

#include "jit/platform.h"

namespace ashlar::jit::hosted {

class HostClock final : public Clock {
public:
    std::uint64_t monotonic_ns() override { return read(CLOCK_MONOTONIC); }
    std::uint64_t wall_ns() override { return read(CLOCK_REALTIME); }

private:
    static std::uint64_t read(clockid_t clock) {
        timespec now{};
        clock_gettime(clock, &now);
        return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
               static_cast<std::uint64_t>(now.tv_nsec);
    }
};

} // namespace ashlar::jit::hosted
