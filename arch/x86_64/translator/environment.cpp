// The primitives that the portable part asks for.
#include "jit/bare/environment.h"

namespace ashlar::jit::bare {

HypercallResult hypercall(abi::Hypercall call, std::uint64_t first, std::uint64_t second, std::uint64_t third,
                          std::uint64_t fourth) {
    register std::uint64_t r10 asm("r10") = fourth;
    std::uint64_t status = static_cast<std::uint64_t>(call);
    std::uint64_t value = third;
    asm volatile("vmmcall" : "+a"(status), "+d"(value) : "D"(first), "S"(second), "r"(r10) : "memory");
    return {static_cast<abi::Status>(status), value};
}

std::uint64_t read_counter() {
    return __builtin_ia32_rdtsc();
}

void wait_for_event() {
    asm volatile("cli");
    const bool pending = events.timer.load(std::memory_order_relaxed) ||
                         events.console_input.load(std::memory_order_relaxed) ||
                         events.statistics.load(std::memory_order_relaxed) ||
                         events.disk.load(std::memory_order_relaxed) ||
                         events.devices.load(std::memory_order_relaxed) != 0;
    if (pending)
        asm volatile("sti");
    else
        asm volatile("sti; hlt" : : : "memory"); // no interrupt is taken between the two
}

} // namespace ashlar::jit::bare
