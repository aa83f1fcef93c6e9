#include "kernel/scheduler.h"

#include <algorithm>

#include "arch/pci.h"
#include "kernel/fault_reporter.h"
#include "kernel/hypercalls.h"
#include "kernel/log.h"
#include "kernel/memory_report.h"
#include "kernel/memory_use.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
// Alone, a VM needs no turns: the clock only makes sure that the console is looked at.
constexpr std::uint64_t kSliceShared = 8 * kMillisecond, kSliceAlone = 50 * kMillisecond;
constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::uint64_t kDiskPoll = kMillisecond / 10; // of disks that do not interrupt

// Lets interrupts that wait be taken.
void take_interrupts() {
    arch::enable_interrupts();
    arch::disable_interrupts();
}

} // namespace

void Scheduler::add(Vm& vm) {
    vms_.push_back(vm);
    vm.set_number(++added_);
    unsigned cpu = 0;
    place_vcpus(vm.frames(), cpus_, vm.account().frames_on, {&cpu, 1});
    ++cpus_[cpu].vcpus;
    vm.set_host_cpu(cpu);
    console_.set_shared(added_ > 1);
    if (console_.focus() == nullptr)
        console_.set_focus(&vm);
}

bool Scheduler::run() {
    while (!vms_.empty()) {
        console_.poll_input();
        poll_disks();
        report_faults();
        check_timers(arch::now_ns());
        if (Vm* const vm = next_runnable(); vm != nullptr)
            run_slice(*vm);
        else
            idle();
    }
    return all_well_;
}

void Scheduler::check_timers(std::uint64_t now) {
    pass_on_interrupts();
    for (Vm& vm : vms_) {
        vm.check_timer(now);
        if (vm.state() == Vm::State::Halted && vm.cpu().has_deliverable_interrupt())
            vm.wake();
    }
}

void Scheduler::pass_on_interrupts() {
    if (const std::uint32_t lines = arch::take_device_interrupts(); lines != 0)
        for (Vm& vm : vms_)
            vm.post_device_interrupts(lines);
}

void Scheduler::report_faults() {
    if (devices_ == nullptr || !devices_->dma().active())
        return;
    FaultReporter reporter(vms_, console_);
    devices_->dma().take_faults(reporter);
}

// The first that can run, which goes to the end of the line.
Vm* Scheduler::next_runnable() {
    for (Vm& vm : vms_) {
        if (vm.state() != Vm::State::Ready)
            continue;
        vm.unlink();
        vms_.push_back(vm);
        return &vm;
    }
    return nullptr;
}

std::uint64_t Scheduler::next_deadline() {
    std::uint64_t deadline = kNever;
    for (Vm& vm : vms_)
        deadline = std::min(deadline, vm.deadline());
    return deadline;
}

void Scheduler::poll_disks() {
    if (disks_ != nullptr)
        disks_->poll();
}

std::uint64_t Scheduler::disk_deadline(std::uint64_t now) {
    return disks_ != nullptr && disks_->wants_polling() ? now + kDiskPoll : kNever;
}

void Scheduler::idle() {
    const std::uint64_t now = arch::now_ns();
    arch::arm_timer(std::min({next_deadline(), disk_deadline(now), now + kSliceAlone}));
    arch::wait_for_interrupt();
}

void Scheduler::run_slice(Vm& vm) {
    const bool alone = &vms_.front() == &vms_.back();
    const std::uint64_t begin = arch::now_ns(), end = begin + (alone ? kSliceAlone : kSliceShared);
    std::uint64_t armed = kNever;
    vm.cpu().load();
    for (;;) {
        std::uint64_t wanted = std::min(end, next_deadline());
        if (const std::uint64_t disks = disk_deadline(0); disks != kNever)
            wanted = std::min(wanted, arch::now_ns() + disks);
        if (wanted != armed) {
            arch::arm_timer(wanted);
            armed = wanted;
        }
        const VmExit exit = vm.cpu().run();
        ++vm.counters().exits;
        handle_exit(vm, exit);
        if (vm.state() != Vm::State::Ready)
            break;
        poll_disks();
        if (exit.reason != VmExit::Reason::Interrupt)
            continue;
        take_interrupts();
        armed = kNever;
        console_.poll_input();
        report_faults();
        const std::uint64_t now = arch::now_ns();
        check_timers(now);
        if (now >= end)
            break;
    }
    vm.cpu().save();
    vm.counters().run_ns += arch::now_ns() - begin;
    if (vm.state() == Vm::State::Ended)
        finish(vm);
}

void Scheduler::handle_exit(Vm& vm, const VmExit& exit) {
    using Reason = VmExit::Reason;
    abi::VmStatistics& counters = vm.counters();
    BufferSink<128> text;
    switch (exit.reason) {
    case Reason::Interrupt: ++counters.preemptions; return;
    case Reason::InterruptWindow:
    case Reason::Emulated: return;
    case Reason::SystemRegister: ++counters.msr_exits; return;
    case Reason::Identification: ++counters.cpuid_exits; return;
    case Reason::Halt:
        ++counters.halts;
        if (!vm.cpu().takes_interrupts())
            return stop(vm, "halted with interrupts off");
        if (!vm.cpu().has_deliverable_interrupt())
            vm.halt();
        return;
    case Reason::Hypercall: {
        ++counters.hypercalls;
        BufferSink<abi::kMaxConsoleBytes + 512> report;
        handle_hypercall(vm, exit.hypercall, console_, report);
        if (vm.state() == Vm::State::Ended && !vm.ended_well()) {
            console_.begin_own_output();
            log("ashlar: vm {}: stopped: {}{}", vm.name(), report.view(), report.truncated() ? "\n" : "");
        }
        return;
    }
    case Reason::MemoryFault:
        ++counters.nested_faults;
        format(text, "{} of {:#x}, which is not its memory{}", to_string(exit.memory.access),
               exit.memory.address, exit.memory.during_walk ? " (by its page tables)" : "");
        return stop(vm, text.view());
    case Reason::PortAccess:
        ++counters.io_exits;
        format(text, "{} of {} bytes at I/O port {:#x}; it has no ports", exit.port.write ? "write" : "read",
               exit.port.size, exit.port.port);
        return stop(vm, text.view());
    case Reason::Shutdown: return stop(vm, "its CPU shut down (triple fault)");
    case Reason::InvalidState: return stop(vm, "its CPU got into a state that the hardware refuses");
    case Reason::Unexpected:
        format(text, "unexpected exit {:#x}", exit.hardware_code);
        return stop(vm, text.view());
    }
}

// Ends a VM that misbehaves, with a report.
void Scheduler::stop(Vm& vm, std::string_view reason) {
    vm.end(false);
    console_.begin_own_output();
    log("ashlar: vm {}: stopped: {}\n", vm.name(), reason);
    ConsoleSink sink;
    vm.cpu().report(sink);
}

void Scheduler::finish(Vm& vm) {
    report_faults(); // while it is known whose they are
    console_.begin_own_output();
    if (vm.ended_well())
        log("ashlar: vm {}: powered off\n", vm.name());
    else
        log("ashlar: vm {}: ended with a failure\n", vm.name());
    all_well_ = all_well_ && vm.ended_well();
    const bool had_focus = console_.focus() == &vm;
    console_.forget(vm);
    --cpus_[vm.host_cpu()].vcpus;
    vm.unlink();
    release_disks(vm);
    if (had_focus && !vms_.empty())
        console_.set_focus(&vms_.front());
}

// Its memory is nobody else's before its disks are done with it.
void Scheduler::release_disks(Vm& vm) {
    std::array<VmDisk*, kMaxDisks> claims{};
    for (std::size_t i = 0; vm.disk(i) != nullptr; ++i)
        claims[i] = vm.disk(i)->machine;
    if (!vm.disconnect_disks().ok()) {
        log("ashlar: vm {}: a disk does not let go of its memory, which stays lost\n", vm.name());
        return;
    }
    vm.destroy();
    for (VmDisk* const claim : claims)
        if (claim != nullptr)
            disks_->release(claim);
}

void Scheduler::list_devices() {
    ConsoleSink sink;
    if (devices_ != nullptr)
        devices_->list(sink);
}

void Scheduler::show_statistics() {
    console_.begin_own_output();
    for (Vm& vm : vms_) {
        const abi::VmStatistics s = vm.statistics();
        log("ashlar: vm {}: run {} ms, exits {}, hypercalls {}, halts {}, preemptions {}, injections {}, "
            "memory {} "
            "KiB\n",
            vm.name(), s.run_ns / kMillisecond, s.exits, s.hypercalls, s.halts, s.preemptions, s.injections,
            s.memory_bytes / 1024);
        const MemoryUse use = take_memory_use(vm.space());
        log("ashlar: vm {}: mapped in {} leaves of 1 GiB, {} of 2 MiB, {} of 4 KiB; uses {} KiB since it was "
            "last asked\n",
            vm.name(), use.leaves[2], use.leaves[1], use.leaves[0], use.used_bytes / 1024);
        vm.cpu().post_interrupt(abi::kStatisticsVector);
    }
}

// There is a VM whenever somebody is listened to.
void Scheduler::show_memory() {
    ConsoleSink sink;
    if (!vms_.empty())
        report_memory(vms_.front().frames(), sink);
    for (Vm& vm : vms_) {
        log("ashlar: vm {}: {} KiB:", vm.name(), vm.account().frames * kPageSize / 1024);
        describe_shares(vm.account(), vm.frames().node_count(), sink);
        log("\n");
    }
}

bool Scheduler::focus(unsigned number) {
    for (Vm& vm : vms_)
        if (vm.number() == number) {
            console_.set_focus(&vm);
            return true;
        }
    return false;
}

} // namespace ashlar::kernel
