#include "jit/bare/run_loop.h"

#include "jit/bare/environment.h"

namespace ashlar::jit::bare {

constinit std::uint64_t disk_interrupts = 0;

int RunLoop::run() {
    using Kind = board::Outcome::Kind;
    for (;;) {
        if (events.disk.exchange(false, std::memory_order_relaxed))
            ++disk_interrupts;
        const board::Outcome outcome = parts_.machine.run(slice_);
        ++statistics_.slices;
        parts_.console.flush();
        if (events.statistics.exchange(false, std::memory_order_relaxed)) {
            print_statistics(parts_.diagnostics, *this, parts_.machine, parts_.hypervisor);
            parts_.console.flush();
        }
        switch (outcome.kind) {
        case Kind::Running: break;
        case Kind::Idle: sleep_until(outcome); break;
        case Kind::PowerOff: return outcome.code;
        case Kind::Failed: return kFailed;
        case Kind::Reset:
            ++statistics_.resets;
            if (!parts_.machine.reset().ok())
                return kFailed;
            break;
        }
    }
}

void RunLoop::arm_timer(std::uint64_t deadline_ns) {
    if (events.timer.exchange(false, std::memory_order_relaxed))
        armed_ns_ = abi::kTimerOff; // it has fired
    if (deadline_ns == armed_ns_)
        return;
    parts_.hypervisor.set_timer(deadline_ns);
    armed_ns_ = deadline_ns;
    ++statistics_.timers_set;
}

void RunLoop::sleep_until(const board::Outcome& outcome) {
    const std::uint64_t deadline_ns = outcome.idle_until_ns;
    if ((outcome.wants_input && parts_.console.input_waiting()) || parts_.clock.monotonic_ns() >= deadline_ns)
        return;
    if (!outcome.wants_input)
        parts_.console.hold_input();
    arm_timer(deadline_ns);
    ++statistics_.sleeps;
    // One interrupt ends the sleep, whatever it was: the machine knows whether there is something to do now,
    // and says Idle again if not.
    wait_for_event();
}

void print_statistics(Sink& sink, RunLoop& loop, board::Machine& machine, Hypervisor& hypervisor) {
    TextFacts facts(sink);
    const RunLoop::Statistics& run = loop.statistics();
    facts.add("run_loop", "slices", run.slices);
    facts.add("run_loop", "sleeps", run.sleeps);
    facts.add("run_loop", "timers_set", run.timers_set);
    facts.add("run_loop", "resets", run.resets);
    machine.report_statistics(facts);
    const Result<abi::VmStatistics> vm = hypervisor.statistics();
    if (!vm.ok())
        return;
    facts.add("vm", "exits", vm.value().exits);
    facts.add("vm", "hypercalls", vm.value().hypercalls);
    facts.add("vm", "halts", vm.value().halts);
    facts.add("vm", "preemptions", vm.value().preemptions);
    facts.add("vm", "nested_faults", vm.value().nested_faults);
    facts.add("vm", "injections", vm.value().injections);
}

} // namespace ashlar::jit::bare
