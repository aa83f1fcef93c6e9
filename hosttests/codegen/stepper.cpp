#include "hosttests/codegen/stepper.h"

#include <signal.h>
#include <ucontext.h>

namespace ashlar::jit::test {

namespace {

std::uint64_t range_begin, range_end;
volatile std::uint64_t steps;

// The processor traps behind each instruction, so this sees where the next one is.
void on_step(int, siginfo_t*, void* context) {
    const auto at = static_cast<std::uint64_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
    if (at >= range_begin && at < range_end)
        steps = steps + 1;
}

constexpr std::uint64_t kTrapFlag = 0x100;

void set_trap_flag() {
    asm volatile(
        "lea -128(%%rsp), %%rsp\n pushfq\n orq %0, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::"i"(kTrapFlag)
        : "memory", "cc");
}
void clear_trap_flag() {
    asm volatile(
        "lea -128(%%rsp), %%rsp\n pushfq\n andq %0, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::"i"(~kTrapFlag)
        : "memory", "cc");
}

} // namespace

std::uint64_t count_steps(std::uint64_t begin, std::uint64_t end, const std::function<void()>& run) {
    range_begin = begin;
    range_end = end;
    steps = 0;
    struct sigaction action {
    }, before{};
    action.sa_sigaction = on_step;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGTRAP, &action, &before);
    set_trap_flag();
    run();
    clear_trap_flag();
    sigaction(SIGTRAP, &before, nullptr);
    return steps;
}

} // namespace ashlar::jit::test
