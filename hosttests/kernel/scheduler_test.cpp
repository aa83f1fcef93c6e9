#include "kernel/scheduler.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

using arch::fake::VirtualCpu;
using Reason = VmExit::Reason;

constexpr std::uint64_t kMillisecond = 1'000'000;

class SchedulerTest : public KernelTest {
protected:
    Vm& add(std::string_view name, arch::fake::Program program) {
        Vm& vm = create(name, std::move(program));
        scheduler.add(vm);
        return vm;
    }
    // Computes for `milliseconds` in small steps, noting when it ran, then powers off.
    arch::fake::Program worker(char letter, int milliseconds) {
        return [this, letter, left = milliseconds](VirtualCpu&) mutable {
            if (left-- == 0)
                return power_off();
            machine().now_ns += kMillisecond;
            order += letter;
            return exit_for(Reason::Emulated);
        };
    }
    // Exits in this way, and is never to run again.
    arch::fake::Program ends_with(VmExit exit) {
        return [exit, ran = false](VirtualCpu&) mutable {
            EXPECT_FALSE(ran);
            ran = true;
            return exit;
        };
    }

    const std::uint64_t frames_before = free_frames();
    Scheduler scheduler;
    std::string order;
};

TEST_F(SchedulerTest, NothingToRunIsWell) {
    EXPECT_TRUE(scheduler.run());
}

TEST_F(SchedulerTest, VmsThatPowerOffEndWellAndReturnTheirMemory) {
    add("a", worker('a', 3));
    add("b", worker('b', 3));
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(free_frames(), frames_before);
    const std::string text = output();
    EXPECT_NE(text.find("ashlar: vm a: powered off\r\n"), std::string::npos) << text;
    EXPECT_NE(text.find("ashlar: vm b: powered off\r\n"), std::string::npos) << text;
}

TEST_F(SchedulerTest, TurnsAreTakenByTheClock) {
    add("a", worker('a', 100));
    add("b", worker('b', 100));
    add("c", worker('c', 100));
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(order.size(), 300u);
    // Then: as long as all have work, nobody waits for more than two slices of at most 10 ms
    for (const char letter : {'a', 'b', 'c'}) {
        std::size_t last = 0;
        for (std::size_t i = 0; i < 200; ++i)
            if (order[i] == letter) {
                EXPECT_LE(i - last, 21u) << letter << " at " << i;
                last = i;
            }
        EXPECT_GE(last, 170u) << letter;
    }
    EXPECT_GT(machine().timer_interrupts, 20u);
}

TEST_F(SchedulerTest, AVmThatNeverExitsByItselfCannotKeepTheOthersFromRunning) {
    // Given: a loop that only a host interrupt ends, bounded for the test's sake
    bool other_done = false;
    add("loop", [&](VirtualCpu&) {
        if (other_done)
            return power_off();
        machine().now_ns = machine().timer_deadline; // computes until the clock ticks
        return exit_for(Reason::Interrupt);
    });
    add("other", [&, left = 50](VirtualCpu&) mutable {
        if (left-- != 0)
            return call_of(abi::Hypercall::TimeNow);
        other_done = true;
        return power_off();
    });
    EXPECT_TRUE(scheduler.run());
}

TEST_F(SchedulerTest, FloodsOfHypercallsArePreemptedToo) {
    bool other_ran = false;
    add("flood", [&, left = 1'000'000](VirtualCpu&) mutable {
        EXPECT_NE(left--, 0) << "the other VM never ran";
        machine().now_ns += 10'000;
        return other_ran || left <= 0 ? power_off() : call_of(abi::Hypercall::Version);
    });
    add("other", [&](VirtualCpu&) {
        other_ran = true;
        return power_off();
    });
    EXPECT_TRUE(scheduler.run());
}

TEST_F(SchedulerTest, HaltWaitsForTheTimer) {
    const std::uint64_t begin = machine().now_ns;
    std::uint64_t woken_at = 0;
    add("sleeper", [&, step = 0](VirtualCpu& cpu) mutable {
        switch (step++) {
        case 0:
            return call_of(abi::Hypercall::TimerSet, {begin - cpu.counter_origin_ns + 777 * kMillisecond});
        case 1: return exit_for(Reason::Halt);
        default:
            woken_at = machine().now_ns;
            EXPECT_EQ(cpu.take_interrupt(), abi::kTimerVector);
            return power_off();
        }
    });
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(woken_at, begin + 777 * kMillisecond);
    EXPECT_GE(machine().waits, 1u); // the machine slept, it did not spin
    EXPECT_LE(machine().waits, 30u);
}

TEST_F(SchedulerTest, HaltWithAnInterruptPendingGoesOn) {
    add("a", [step = 0](VirtualCpu& cpu) mutable {
        if (step++ == 0) {
            cpu.post_interrupt(abi::kTimerVector);
            return exit_for(Reason::Halt);
        }
        return power_off();
    });
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(machine().waits, 0u);
}

TEST_F(SchedulerTest, InputWakesAHaltedVm) {
    machine().on_wait = [&] {
        machine().now_ns = machine().timer_deadline;
        if (machine().waits == 3)
            machine().console_input = "k";
    };
    add("a", [step = 0](VirtualCpu& cpu) mutable {
        if (step++ == 0)
            return exit_for(Reason::Halt);
        EXPECT_EQ(cpu.take_interrupt(), abi::kConsoleVector);
        return power_off();
    });
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(machine().waits, 3u);
}

TEST_F(SchedulerTest, TimersOfHaltedVmsInterruptTheRunningOne) {
    std::uint64_t woken_at = 0;
    add("sleeper", [&, step = 0](VirtualCpu& cpu) mutable {
        switch (step++) {
        case 0:
            return call_of(abi::Hypercall::TimerSet,
                           {machine().now_ns - cpu.counter_origin_ns + 2 * kMillisecond});
        case 1: return exit_for(Reason::Halt);
        default: woken_at = machine().now_ns; return power_off();
        }
    });
    add("worker", worker('w', 40));
    const std::uint64_t begin = machine().now_ns;
    EXPECT_TRUE(scheduler.run());
    EXPECT_LE(woken_at,
              begin + 2 * kMillisecond + 10 * kMillisecond); // the timer, and one slice of the other
}

// How a VM may misbehave, and what the report says.
TEST_F(SchedulerTest, MisbehaviourStopsOneVmWithAReport) {
    VmExit memory = exit_for(Reason::MemoryFault), port = exit_for(Reason::PortAccess),
           unexpected = exit_for(Reason::Unexpected);
    memory.memory = {.address = GuestPhysicalAddress(0x1234000), .access = MemoryFault::Access::Write};
    port.port = {.port = 0x3f8, .size = 1, .write = true};
    unexpected.hardware_code = 0x77;
    const std::pair<VmExit, std::string_view> cases[] = {
        {memory, "write of 0x1234000, which is not its memory"},
        {port, "write of 1 bytes at I/O port 0x3f8"},
        {exit_for(Reason::Shutdown), "triple fault"},
        {exit_for(Reason::InvalidState), "the hardware refuses"},
        {unexpected, "unexpected exit 0x77"}};
    for (const auto& [exit, reason] : cases) {
        Scheduler one;
        one.add(create("bad", ends_with(exit)));
        one.add(create("good", worker('g', 20)));
        order.clear();
        output();
        // When
        EXPECT_FALSE(one.run());
        // Then
        const std::string text = output();
        EXPECT_NE(text.find("ashlar: vm bad: stopped: "), std::string::npos) << text;
        EXPECT_NE(text.find(reason), std::string::npos) << text;
        EXPECT_NE(text.find("fake registers"), std::string::npos) << text;
        EXPECT_NE(text.find("ashlar: vm bad: ended with a failure"), std::string::npos) << text;
        EXPECT_NE(text.find("ashlar: vm good: powered off"), std::string::npos) << text;
        EXPECT_EQ(order, std::string(20, 'g'));
        EXPECT_EQ(free_frames(), frames_before);
    }
}

TEST_F(SchedulerTest, HaltWithInterruptsOffIsTheEnd) {
    add("dead", [](VirtualCpu& cpu) {
        cpu.interrupts_on = false;
        return exit_for(Reason::Halt);
    });
    EXPECT_FALSE(scheduler.run());
    EXPECT_NE(output().find("ashlar: vm dead: stopped: halted with interrupts off"), std::string::npos);
}

TEST_F(SchedulerTest, FailuresByHypercallAreReported) {
    add("code", ends_with(power_off(3)));
    EXPECT_FALSE(scheduler.run());
    EXPECT_NE(
        output().find("ashlar: vm code: stopped: exit code 3\r\nashlar: vm code: ended with a failure\r\n"),
        std::string::npos);
}

TEST_F(SchedulerTest, LongCrashMessagesEndTheirLine) {
    Vm& vm = create("crash", ends_with(call_of(abi::Hypercall::Crash, {abi::kRamBase, 4096})));
    const std::string text(4096, '\n');
    ASSERT_TRUE(
        vm.copy_in(GuestPhysicalAddress(abi::kRamBase), std::as_bytes(std::span(text.data(), text.size()))));
    scheduler.add(vm);
    EXPECT_FALSE(scheduler.run());
    EXPECT_NE(output().find("\r\nashlar: vm crash: ended with a failure\r\n"), std::string::npos);
}

TEST_F(SchedulerTest, ExitsAreCounted) {
    abi::VmStatistics seen{};
    add("a", [&, step = 0](VirtualCpu& cpu) mutable {
        switch (step++) {
        case 0: return exit_for(Reason::SystemRegister);
        case 1: return exit_for(Reason::Identification);
        case 2: return call_of(abi::Hypercall::Version);
        case 3: machine().now_ns += 20'000; return exit_for(Reason::InterruptWindow);
        case 4: return call_of(abi::Hypercall::Statistics, {abi::kRamBase});
        default:
            std::memcpy(&seen,
                        arch::physical_to_virtual(
                            cpu.space.translate(GuestPhysicalAddress(abi::kRamBase)).value().address),
                        sizeof seen);
            return power_off();
        }
    });
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(seen.exits, 5u);
    EXPECT_EQ(seen.hypercalls, 2u);
    EXPECT_EQ(seen.msr_exits, 1u);
    EXPECT_EQ(seen.cpuid_exits, 1u);
    EXPECT_EQ(seen.halts, 0u);
}

TEST_F(SchedulerTest, StatisticsOfAllVmsAreShownOnRequest) {
    bool told = false;
    machine().console_input = "\x01s";
    add("a", worker('a', 20));
    add("b", [&](VirtualCpu& cpu) {
        told = cpu.take_interrupt() == abi::kStatisticsVector;
        return power_off();
    });
    EXPECT_TRUE(scheduler.run());
    const std::string text = output();
    EXPECT_NE(text.find("ashlar: vm a: run "), std::string::npos) << text;
    EXPECT_NE(text.find("ashlar: vm b: run "), std::string::npos) << text;
    EXPECT_NE(text.find("ashlar: vm b: mapped in "), std::string::npos) << text;
    EXPECT_TRUE(told);
}

TEST_F(SchedulerTest, MemoryByNodeIsShownOnRequest) {
    machine().console_input = "\x01m";
    add("a", worker('a', 20));
    EXPECT_TRUE(scheduler.run());
    const std::string text = output();
    EXPECT_NE(text.find("ashlar: node 0: 62 MiB, "), std::string::npos) << text;
    EXPECT_NE(text.find("ashlar: node 0: frames handed out: "), std::string::npos) << text;
    EXPECT_NE(text.find("KiB: node 0 100.0 %\r\n"), std::string::npos) << text;
}

TEST_F(SchedulerTest, TheCpuIsFreeForOthersWhenItsVmHasEnded) {
    add("a", worker('a', 1));
    add("b", worker('b', 1));
    EXPECT_EQ(scheduler.cpus()[0].vcpus, 2u);
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(scheduler.cpus()[0].vcpus, 0u);
}

TEST_F(SchedulerTest, FocusMovesOnWhenItsVmEnds) {
    add("first", ends_with(power_off()));
    bool heard = false;
    add("second", [&, left = 150](VirtualCpu& cpu) mutable {
        machine().now_ns += kMillisecond;
        if (left-- == 140)
            machine().console_input = "x";
        heard = heard || cpu.take_interrupt() == abi::kConsoleVector;
        return left == 0 ? power_off() : exit_for(Reason::Emulated);
    });
    EXPECT_TRUE(scheduler.run());
    EXPECT_TRUE(heard);
}

TEST_F(SchedulerTest, NumbersOfVmsStayWhenOthersEnd) {
    add("first", ends_with(power_off()));
    Vm& second = add("second", worker('b', 1));
    EXPECT_EQ(second.number(), 2u);
    EXPECT_TRUE(scheduler.focus(2));
    EXPECT_FALSE(scheduler.focus(0));
    EXPECT_FALSE(scheduler.focus(3));
    EXPECT_TRUE(scheduler.run());
    EXPECT_FALSE(scheduler.focus(1));
}

} // namespace
} // namespace ashlar::kernel
