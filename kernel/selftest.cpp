#include "kernel/selftest.h"

#include <cstdint>

#include "arch/cpu.h"
#include "kernel/log.h"
#include "lib/assert.h"

namespace ashlar::kernel {
namespace {

// Deeper than any stack, though not for ever, which the compiler would notice.
[[gnu::noinline]] std::uint64_t overflow_the_stack(std::uint64_t depth) {
    volatile std::uint64_t frame[64] = {depth};
    return depth == 0 ? 0 : overflow_the_stack(depth - 1) + frame[depth % 64];
}

[[gnu::noinline]] void read_from_nowhere() {
    const volatile std::uint64_t* nowhere = reinterpret_cast<const volatile std::uint64_t*>(0x1234'5678);
    static_cast<void>(*nowhere);
}

[[gnu::noinline]] void write_to_code() {
    *reinterpret_cast<volatile std::byte*>(&run_selftest) = std::byte{0};
}

// Nothing else wakes the CPU: the timer is off, nobody types.
void kick_this_cpu() {
    arch::disable_interrupts();
    arch::kick(arch::current_cpu());
    arch::wait_for_interrupt();
    log("ashlar: selftest: was kicked\n");
}

} // namespace

void run_selftest(std::string_view command_line) {
    constexpr std::string_view kKey = "selftest=";
    const std::size_t position = command_line.find(kKey);
    if (position == std::string_view::npos)
        return;
    std::string_view name = command_line.substr(position + kKey.size());
    name = name.substr(0, name.find(' '));
    log("ashlar: selftest: {}\n", name);
    if (name == "page-fault")
        read_from_nowhere();
    else if (name == "write-to-code")
        write_to_code();
    else if (name == "stack-overflow")
        static_cast<void>(overflow_the_stack(1 << 20));
    else if (name == "invalid-opcode")
        __builtin_trap(); // UD2, BRK
    else if (name == "assertion")
        ASHLAR_ASSERT(name.empty());
    else if (name == "kick")
        kick_this_cpu();
    else
        log("ashlar: selftest: unknown; there are page-fault, write-to-code, stack-overflow, invalid-opcode, "
            "assertion, kick\n");
}

} // namespace ashlar::kernel
