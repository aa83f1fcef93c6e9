// Drives the machine: slices of guest execution, sleep when it idles, reset, power-off.
#pragma once

#include <cstdint>

#include "jit/bare/console.h"
#include "jit/bare/hypervisor.h"
#include "jit/board/machine.h"

namespace ashlar::jit::bare {

// Times that the hypervisor has told of disks, as far as the loop has seen.
extern std::uint64_t disk_interrupts;

class RunLoop {
public:
    struct Parts {
        board::Machine& machine;
        Clock& clock;
        HypercallConsole& console;
        Hypervisor& hypervisor;
        Sink& diagnostics;
    };
    struct Statistics {
        std::uint64_t slices = 0;
        std::uint64_t sleeps = 0;
        std::uint64_t timers_set = 0;
        std::uint64_t resets = 0;
    };
    // What the VM ends with when the machine cannot go on.
    static constexpr int kFailed = 1;

    // The parts outlive the loop. `slice` is in guest instructions.
    RunLoop(const Parts& parts, std::uint64_t slice) : parts_(parts), slice_(slice) {}

    // Until the guest powers off or fails; the code to end the VM with.
    int run();
    const Statistics& statistics() const { return statistics_; }

private:
    void sleep_until(const board::Outcome& outcome);
    void arm_timer(std::uint64_t deadline_ns);

    Parts parts_;
    std::uint64_t slice_;
    std::uint64_t armed_ns_ = abi::kTimerOff; // what the hypervisor's timer is set to
    Statistics statistics_;
};

// Both, and the machine's own.
void print_statistics(Sink& sink, RunLoop& loop, board::Machine& machine, Hypervisor& hypervisor);

} // namespace ashlar::jit::bare
