// Compiled for general registers only: it runs between any two instructions of code that uses the others.
#include "arch/x86_64/translator/interrupts.h"

#include "jit/bare/environment.h"
#include "lib/vm_abi.h"

namespace ashlar {

constinit jit::bare::Events jit::bare::events;

namespace arch::translator {

// The injected vectors need no acknowledgement: there is no interrupt controller behind them.
extern "C" void interrupt_dispatch(const InterruptFrame& frame) {
    jit::bare::Events& events = jit::bare::events;
    switch (frame.vector & 0xff) {
    case abi::kTimerVector: events.timer.store(true, std::memory_order_relaxed); return;
    case abi::kConsoleVector: events.console_input.store(true, std::memory_order_relaxed); return;
    case abi::kStatisticsVector: events.statistics.store(true, std::memory_order_relaxed); return;
    case abi::kDiskVector: events.disk.store(true, std::memory_order_relaxed); return;
    default: break;
    }
    const std::uint64_t device = (frame.vector & 0xff) - abi::kDeviceVector;
    if (device >= abi::kDeviceInterrupts * abi::kMaxDevices)
        exception_is_fatal(frame);
    events.devices.fetch_or(std::uint32_t{1} << device, std::memory_order_relaxed);
}

} // namespace arch::translator
} // namespace ashlar
