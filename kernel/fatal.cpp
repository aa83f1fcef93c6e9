#include "kernel/fatal.h"

#include "arch/cpu.h"
#include "kernel/log.h"
#include "kernel/symbols.h"

namespace ashlar::kernel {
namespace {

constinit bool dying = false;

void print_frame(std::uint64_t address) {
    const Symbol symbol = find_symbol(address);
    if (symbol.name.empty())
        log("ashlar:   {:#018x}\n", address);
    else
        log("ashlar:   {:#018x} {}+{:#x}\n", address, symbol.name, symbol.offset);
}

} // namespace

void enter_fatal() {
    arch::disable_interrupts();
    if (dying)
        arch::power_off(false);
    dying = true;
}

void print_backtrace(std::uint64_t pc, std::uint64_t frame_pointer, IsOnStack is_on_stack) {
    constexpr unsigned kMaxDepth = 32;
    log("ashlar: call chain\n");
    print_frame(pc);
    for (unsigned depth = 0; depth < kMaxDepth && is_on_stack(frame_pointer, 16) && frame_pointer % 8 == 0;
         ++depth) {
        const auto* const frame = reinterpret_cast<const std::uint64_t*>(frame_pointer);
        if (frame[1] == 0)
            return;
        print_frame(frame[1] - 1); // within the call instruction
        if (frame[0] <= frame_pointer)
            return;
        frame_pointer = frame[0];
    }
}

void fatal_assertion(const char* expression, const char* file, int line, std::uint64_t pc,
                     std::uint64_t frame_pointer, IsOnStack is_on_stack) {
    enter_fatal();
    log("\nashlar: fatal: assertion failed: {} at {}:{}\n", expression, file, line);
    print_backtrace(pc, frame_pointer, is_on_stack);
    arch::power_off(false);
}

} // namespace ashlar::kernel
