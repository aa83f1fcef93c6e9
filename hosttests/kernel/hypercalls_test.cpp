#include "kernel/hypercalls.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

using abi::Hypercall;
using abi::Status;

constexpr std::uint64_t kRam = abi::kRamBase, kRamEnd = kRam + 512 * kKiB;

class NoCommands final : public Console::Commands {
public:
    void show_statistics() override {}
    void show_memory() override {}
    void list_devices() override {}
    bool focus(unsigned) override { return false; }
};

class Hypercalls : public KernelTest {
protected:
    Hypercalls() {
        disk_ = std::string(8 * kKiB, 'd');
        images.disks[0] = images.disks[1] = std::as_bytes(std::span(disk_.data(), disk_.size()));
        images.disks[2] = images.disks[0].first(511);
        VmConfig config = small_vm();
        config.memory = 512 * kKiB;
        config.command_line = "a blob";
        config.disk_count = 3;
        config.disks[1].mode = DiskConfig::Mode::ReadOnly;
        vm = &create(config);
        console.set_focus(vm);
    }
    ~Hypercalls() override { vm->destroy(); }

    Status call(Hypercall number, std::array<std::uint64_t, 5> arguments = {}) {
        const VmExit exit = call_of(number, arguments);
        handle_hypercall(*vm, exit.hypercall, console, report);
        value = cpu_of(*vm).value;
        return cpu_of(*vm).status;
    }
    void store(std::uint64_t address, std::string_view text) {
        ASSERT_TRUE(
            vm->copy_in(GuestPhysicalAddress(address), std::as_bytes(std::span(text.data(), text.size()))));
    }

    NoCommands commands;
    Console console{commands};
    BufferSink<8192> report;
    Vm* vm;
    std::uint64_t value = 0;

private:
    std::string disk_;
};

// Addresses that no buffer of `length` bytes may have.
std::vector<std::uint64_t> bad_addresses(std::uint64_t length) {
    return {0,
            0x1000,
            kRam - 1,
            kRamEnd - length + 1,
            kRamEnd,
            abi::kPrivateBase - length,
            abi::kPrivateBase + 32 * kPageSize - length + 1,
            abi::kBlobBase + kPageSize,
            std::uint64_t{1} << 48,
            (std::uint64_t{1} << 48) + kRam,
            (std::uint64_t{1} << 63) | kRam,
            ~std::uint64_t{0} - length + 1,
            ~std::uint64_t{0}};
}

TEST_F(Hypercalls, VersionAndTimeAnswer) {
    EXPECT_EQ(call(Hypercall::Version), Status::Ok);
    EXPECT_EQ(value, abi::kHypercallVersion);
    machine().now_ns += 1234;
    EXPECT_EQ(call(Hypercall::TimeNow), Status::Ok);
    EXPECT_EQ(value, 1234u);
}

TEST_F(Hypercalls, WhoIsToldThatADeadlineHasPassedHasTheInterruptPending) {
    EXPECT_EQ(call(Hypercall::TimerSet, {50}), Status::Ok);
    machine().now_ns += 49;
    EXPECT_EQ(call(Hypercall::TimeNow), Status::Ok);
    EXPECT_EQ(vm->deadline(), machine().now_ns + 1);
    machine().now_ns += 1;
    EXPECT_EQ(call(Hypercall::TimeNow), Status::Ok);
    EXPECT_EQ(vm->deadline(), ~std::uint64_t{0});
}

TEST_F(Hypercalls, UnknownNumbersAreRefused) {
    for (const std::uint64_t number :
         {std::uint64_t{18}, std::uint64_t{999}, std::uint64_t{1} << 32, ~std::uint64_t{0}})
        EXPECT_EQ(call(static_cast<Hypercall>(number)), Status::UnknownCall) << number;
    EXPECT_EQ(vm->state(), Vm::State::Ready);
}

TEST_F(Hypercalls, DevicesThatTheVmDoesNotHaveAreNotFound) {
    EXPECT_EQ(call(Hypercall::DeviceInfo, {0, kRam}), Status::NotFound);
    EXPECT_EQ(call(Hypercall::DeviceInfo, {~std::uint64_t{0}, kRam}), Status::NotFound);
    EXPECT_EQ(call(Hypercall::DeviceControl, {0, 1}), Status::NotFound);
}

TEST_F(Hypercalls, EveryCallFromUserModeIsDenied) {
    for (std::uint64_t number = 0; number < 20; ++number) {
        const VmExit exit = call_of(static_cast<Hypercall>(number), {kRam, 8, kRam, 512}, false);
        handle_hypercall(*vm, exit.hypercall, console, report);
        EXPECT_EQ(cpu_of(*vm).status, Status::Denied) << number;
        EXPECT_EQ(cpu_of(*vm).value, 0u) << number;
    }
    EXPECT_EQ(vm->state(), Vm::State::Ready);
    EXPECT_EQ(output(), "");
}

TEST_F(Hypercalls, ConsoleWritePrints) {
    const std::string text(3000, 'x');
    store(kRam + kPageSize - 1000, text);
    EXPECT_EQ(call(Hypercall::ConsoleWrite, {kRam + kPageSize - 1000, text.size()}), Status::Ok);
    EXPECT_EQ(value, text.size());
    EXPECT_EQ(output(), text);
    EXPECT_EQ(call(Hypercall::ConsoleWrite, {0, 0}), Status::Ok);
    EXPECT_EQ(call(Hypercall::ConsoleWrite, {kRam, abi::kMaxConsoleBytes}), Status::Ok);
}

TEST_F(Hypercalls, ConsoleWriteOfForeignMemoryIsRefused) {
    for (const std::uint64_t address : bad_addresses(8))
        EXPECT_EQ(call(Hypercall::ConsoleWrite, {address, 8}), Status::BadAddress) << std::hex << address;
    for (const std::uint64_t length : {abi::kMaxConsoleBytes + 1, std::uint64_t{1} << 32, ~std::uint64_t{0}})
        EXPECT_EQ(call(Hypercall::ConsoleWrite, {kRam, length}), Status::BadArgument) << length;
    EXPECT_EQ(output(), "");
}

TEST_F(Hypercalls, ConsoleReadGivesWhatWaits) {
    for (const char c : std::string_view("hello"))
        vm->input().push(c);
    EXPECT_EQ(call(Hypercall::ConsoleRead, {kRam + kPageSize - 2, 4}), Status::Ok);
    EXPECT_EQ(value, 4u);
    EXPECT_EQ(read_memory(*vm, kRam + kPageSize - 2, 4), "hell");
    EXPECT_EQ(call(Hypercall::ConsoleRead, {kRam, 100}), Status::Ok);
    EXPECT_EQ(value, 1u);
    EXPECT_EQ(call(Hypercall::ConsoleRead, {kRam, 100}), Status::Ok);
    EXPECT_EQ(value, 0u);
}

TEST_F(Hypercalls, RefusedConsoleReadsLoseNothing) {
    vm->input().push('a');
    std::vector<std::uint64_t> addresses = bad_addresses(8);
    addresses.push_back(abi::kBlobBase); // read-only
    for (const std::uint64_t address : addresses)
        EXPECT_EQ(call(Hypercall::ConsoleRead, {address, 8}), Status::BadAddress) << std::hex << address;
    for (const std::uint64_t length : {abi::kMaxConsoleBytes + 1, ~std::uint64_t{0}})
        EXPECT_EQ(call(Hypercall::ConsoleRead, {kRam, length}), Status::BadArgument) << length;
    EXPECT_EQ(call(Hypercall::ConsoleRead, {0, 0}), Status::Ok);
    EXPECT_EQ(call(Hypercall::ConsoleRead, {kRam, 8}), Status::Ok);
    EXPECT_EQ(value, 1u);
}

TEST_F(Hypercalls, TimerSetTakesAnyDeadline) {
    EXPECT_EQ(call(Hypercall::TimerSet, {50}), Status::Ok);
    EXPECT_EQ(vm->deadline(), machine().now_ns + 50);
    EXPECT_EQ(call(Hypercall::TimerSet, {abi::kTimerOff}), Status::Ok);
    EXPECT_EQ(vm->deadline(), ~std::uint64_t{0});
}

TEST_F(Hypercalls, BlockInfoDescribesDisks) {
    abi::BlockInformation info;
    const auto ask = [&](std::uint64_t disk) {
        EXPECT_EQ(call(Hypercall::BlockInfo, {disk, kRam + 3}), Status::Ok);
        EXPECT_TRUE(
            vm->copy_out(GuestPhysicalAddress(kRam + 3), std::as_writable_bytes(std::span(&info, 1))));
    };
    ask(0);
    EXPECT_EQ(info.bytes, 8 * kKiB);
    EXPECT_EQ(info.read_only, 0u);
    EXPECT_EQ(info.logical_block, 512u);
    EXPECT_STREQ(info.serial, "ashlar-ram-0");
    ask(1);
    EXPECT_EQ(info.read_only, 1u);
    ask(2); // shorter than a sector
    EXPECT_EQ(info.bytes, 0u);
}

TEST_F(Hypercalls, DisksThatAreNotThereAreNotFound) {
    for (const std::uint64_t disk :
         {std::uint64_t{3}, std::uint64_t{8}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        EXPECT_EQ(call(Hypercall::BlockInfo, {disk, kRam}), Status::NotFound);
        EXPECT_EQ(call(Hypercall::BlockRead, {disk, 0, kRam, 512}), Status::NotFound);
        EXPECT_EQ(call(Hypercall::BlockWrite, {disk, 0, kRam, 512}), Status::NotFound);
        EXPECT_EQ(call(Hypercall::BlockFlush, {disk}), Status::NotFound);
    }
    EXPECT_EQ(call(Hypercall::BlockFlush, {2}), Status::Ok);
}

TEST_F(Hypercalls, BlocksComeBackAsWritten) {
    const std::string text(1536, 'w');
    store(kRam + 7, text);
    EXPECT_EQ(call(Hypercall::BlockWrite, {0, 6, kRam + 7, 1536}), Status::Ok); // across a page of the disk
    EXPECT_EQ(call(Hypercall::BlockRead, {0, 5, kRam + 3 * kPageSize - 9, 2560}), Status::Ok);
    EXPECT_EQ(read_memory(*vm, kRam + 3 * kPageSize - 9, 2560),
              std::string(512, 'd') + text + std::string(512, 'd'));
    // The other disk of the same image is another copy.
    EXPECT_EQ(call(Hypercall::BlockRead, {1, 6, kRam, 512}), Status::Ok);
    EXPECT_EQ(read_memory(*vm, kRam, 512), std::string(512, 'd'));
}

TEST_F(Hypercalls, BlockRangesAreChecked) {
    struct Range {
        std::uint64_t disk, sector, length;
    };
    const Range ranges[] = {{0, 0, 0},
                            {0, 0, 511},
                            {0, 0, 513},
                            {0, 16, 512},
                            {0, 15, 1024},
                            {0, 0, 8 * kKiB + 512},
                            {0, 0, abi::kMaxBlockBytes + 512},
                            {0, 0, ~std::uint64_t{0} - 511},
                            {0, ~std::uint64_t{0}, 512},
                            {0, (std::uint64_t{1} << 55), 512},
                            {0, (std::uint64_t{1} << 55) + 1, 512},
                            {2, 0, 512}};
    for (const Range& range : ranges)
        for (const Hypercall number : {Hypercall::BlockRead, Hypercall::BlockWrite})
            EXPECT_EQ(call(number, {range.disk, range.sector, kRam, range.length}), Status::BadArgument)
                << range.disk << " " << range.sector << " " << range.length;
    EXPECT_EQ(call(Hypercall::BlockRead, {0, 15, kRam, 512}), Status::Ok);
}

TEST_F(Hypercalls, WritesToAReadOnlyDiskAreDenied) {
    store(kRam, "new");
    EXPECT_EQ(call(Hypercall::BlockWrite, {1, 0, kRam, 512}), Status::Denied);
    EXPECT_EQ(call(Hypercall::BlockRead, {1, 0, kRam, 512}), Status::Ok);
    EXPECT_EQ(read_memory(*vm, kRam, 3), "ddd");
}

// A refused transfer has changed nothing, neither disk nor memory.
TEST_F(Hypercalls, BlockBuffersOutsideItsMemoryAreRefusedWhole) {
    store(kRamEnd - 4, "keep");
    std::vector<std::uint64_t> addresses = bad_addresses(8 * kKiB);
    for (const std::uint64_t address : addresses)
        EXPECT_EQ(call(Hypercall::BlockWrite, {0, 0, address, 8 * kKiB}), Status::BadAddress)
            << std::hex << address;
    addresses.push_back(abi::kBlobBase);
    for (const std::uint64_t address : addresses)
        EXPECT_EQ(call(Hypercall::BlockRead, {0, 0, address, 8 * kKiB}), Status::BadAddress)
            << std::hex << address;
    EXPECT_EQ(read_memory(*vm, kRamEnd - 4, 4), "keep");
    EXPECT_EQ(call(Hypercall::BlockRead, {0, 0, kRam, 8 * kKiB}), Status::Ok);
    EXPECT_TRUE(read_memory(*vm, kRam, 8 * kKiB) == std::string(8 * kKiB, 'd'));
}

TEST_F(Hypercalls, StructuresAreStoredWholeOrNotAtAll) {
    const std::string before = read_memory(*vm, kRamEnd - 32, 32);
    for (const std::uint64_t address : bad_addresses(40))
        EXPECT_EQ(call(Hypercall::BlockInfo, {0, address}), Status::BadAddress) << std::hex << address;
    for (const std::uint64_t address : bad_addresses(88))
        EXPECT_EQ(call(Hypercall::Statistics, {address}), Status::BadAddress) << std::hex << address;
    for (const std::uint64_t address : {abi::kBlobBase, kRamEnd - 32}) {
        EXPECT_EQ(call(Hypercall::BlockInfo, {0, address}), Status::BadAddress);
        EXPECT_EQ(call(Hypercall::Statistics, {address}), Status::BadAddress);
    }
    EXPECT_EQ(read_memory(*vm, kRamEnd - 32, 32), before);
}

abi::NodeMemoryInformation node_memory(Vm& vm, std::uint64_t address) {
    abi::NodeMemoryInformation info;
    EXPECT_TRUE(vm.copy_out(GuestPhysicalAddress(address), std::as_writable_bytes(std::span(&info, 1))));
    return info;
}

TEST_F(Hypercalls, MemoryOfANodeIsTheVmsOwnUnlessItMaySeeMore) {
    EXPECT_EQ(call(Hypercall::NodeMemory, {1, kRam}), Status::NotFound);
    EXPECT_EQ(call(Hypercall::NodeMemory, {~std::uint64_t{0}, kRam}), Status::NotFound);
    for (const std::uint64_t address : bad_addresses(sizeof(abi::NodeMemoryInformation)))
        EXPECT_EQ(call(Hypercall::NodeMemory, {0, address}), Status::BadAddress) << std::hex << address;
    EXPECT_EQ(call(Hypercall::NodeMemory, {0, kRam}), Status::Ok);
    abi::NodeMemoryInformation expected{};
    expected.vm_frames = vm->account().frames;
    const abi::NodeMemoryInformation own = node_memory(*vm, kRam);
    EXPECT_EQ(std::memcmp(&own, &expected, sizeof own), 0);
}

TEST_F(Hypercalls, MemoryOfTheMachineIsForVmsThatMaySeeIt) {
    VmConfig config = small_vm("seeing");
    config.sees_machine = true;
    Vm& seeing = create(config);
    const VmExit exit = call_of(Hypercall::NodeMemory, {0, kRam});
    handle_hypercall(seeing, exit.hypercall, console, report);
    EXPECT_EQ(cpu_of(seeing).status, Status::Ok);
    const abi::NodeMemoryInformation info = node_memory(seeing, kRam);
    const NodeStatistics statistics = frames.statistics(0);
    EXPECT_EQ(info.vm_frames, seeing.account().frames);
    EXPECT_EQ(info.machine, 1u);
    EXPECT_EQ(info.total_frames, statistics.total_frames);
    EXPECT_EQ(info.free_frames, statistics.free_frames);
    std::uint64_t free = info.cached_frames;
    for (unsigned order = 0; order <= kMaxOrder; ++order)
        free += info.free_by_order[order] << order;
    EXPECT_EQ(free, info.free_frames);
    EXPECT_GE(info.local, info.vm_frames);
    EXPECT_EQ(info.remote + info.interleaved, 0u);
    seeing.destroy();
}

TEST_F(Hypercalls, StatisticsAreTheVmsOwn) {
    vm->counters().exits = 77;
    EXPECT_EQ(call(Hypercall::Statistics, {kRam}), Status::Ok);
    abi::VmStatistics statistics;
    ASSERT_TRUE(vm->copy_out(GuestPhysicalAddress(kRam), std::as_writable_bytes(std::span(&statistics, 1))));
    EXPECT_EQ(statistics.exits, 77u);
    EXPECT_EQ(statistics.memory_bytes, vm->account().frames * kPageSize);
}

TEST_F(Hypercalls, PowerOffEndsTheVm) {
    EXPECT_EQ(call(Hypercall::PowerOff, {0}), Status::Ok);
    EXPECT_EQ(vm->state(), Vm::State::Ended);
    EXPECT_TRUE(vm->ended_well());
    EXPECT_EQ(report.view(), "");
    EXPECT_EQ(call(Hypercall::PowerOff, {7}), Status::Ok);
    EXPECT_FALSE(vm->ended_well());
    EXPECT_EQ(report.view(), "exit code 7\n");
}

TEST_F(Hypercalls, CrashReportsTheMessage) {
    store(kRam, "out of luck");
    EXPECT_EQ(call(Hypercall::Crash, {kRam, 11}), Status::Ok);
    EXPECT_EQ(vm->state(), Vm::State::Ended);
    EXPECT_FALSE(vm->ended_well());
    EXPECT_EQ(report.view(), "its kernel gave up: out of luck\n");
}

TEST_F(Hypercalls, CrashWithForeignMemoryEndsTheVmAllTheSame) {
    for (const std::uint64_t address : bad_addresses(16)) {
        report.clear();
        call(Hypercall::Crash, {address, 16});
        EXPECT_FALSE(vm->ended_well());
        EXPECT_EQ(report.view(), "its kernel gave up: (no message)\n") << std::hex << address;
    }
    report.clear();
    store(kRam, std::string(abi::kMaxConsoleBytes + 1, 'x'));
    call(Hypercall::Crash, {kRam, ~std::uint64_t{0}});
    EXPECT_EQ(report.view().size(),
              std::string_view("its kernel gave up: \n").size() + abi::kMaxConsoleBytes);
}

// The report stands among the hypervisor's own lines: a VM must not be able to write one.
TEST_F(Hypercalls, CrashMessagesCannotPassForTheHypervisorsLines) {
    const std::string_view text = "a\r\nashlar: vm b: powered off\n\x1b[2Jc\xff";
    store(kRam, text);
    call(Hypercall::Crash, {kRam, text.size()});
    EXPECT_EQ(report.view(), "its kernel gave up: a\n  | ashlar: vm b: powered off\n  | .[2Jc.\n");
}

} // namespace
} // namespace ashlar::kernel
