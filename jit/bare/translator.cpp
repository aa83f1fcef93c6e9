#include "jit/bare/translator.h"

#include <algorithm>
#include <array>
#include <optional>

#include "jit/bare/clock.h"
#include "jit/bare/console.h"
#include "jit/bare/disk.h"
#include "jit/bare/hypervisor.h"
#include "jit/bare/pci_device.h"
#include "jit/bare/program_heap.h"
#include "jit/bare/run_loop.h"
#include "jit/bare/shadowed_disk.h"
#include "jit/bare/tuning.h"
#include "jit/board/machine.h"

namespace ashlar::jit::bare {
namespace {

constexpr std::size_t kMaxDisks = 8;

Bytes find_blob(const Environment& environment, abi::Blob::Kind kind) {
    for (std::size_t i = 0; i < environment.boot->blob_count; ++i)
        if (environment.boot->blobs[i].kind == kind)
            return environment.blobs[i];
    return {};
}

// Without the NULs that may end it.
std::string_view find_text(const Environment& environment, abi::Blob::Kind kind) {
    const Bytes bytes = find_blob(environment, kind);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (!text.empty() && text.back() == '\0')
        text.remove_suffix(1);
    return text;
}

// The disks of the VM, in place, and as the list that the machine wants.
class Disks {
public:
    Disks(Hypervisor& hypervisor, unsigned count, Sink& diagnostics) {
        for (unsigned number = 0; number < std::min<std::size_t>(count, kMaxDisks); ++number) {
            const Result<abi::BlockInformation> information = hypervisor.block_information(number);
            if (!information.ok())
                format(diagnostics, "disk {}: {}\n", number, information.error());
            else if ((information.value().flags & abi::BlockInformation::kShadowed) != 0)
                list_[count_++] = &shadowed_[number].emplace(hypervisor, number, information.value());
            else
                list_[count_++] = &disks_[number].emplace(hypervisor, number, information.value());
        }
    }
    std::span<BlockBackend* const> list() const { return {list_.data(), count_}; }

private:
    std::array<std::optional<HypercallDisk>, kMaxDisks> disks_;
    std::array<std::optional<ShadowedDisk>, kMaxDisks> shadowed_;
    std::array<BlockBackend*, kMaxDisks> list_{};
    std::size_t count_ = 0;
};

// Likewise the devices.
class Devices {
public:
    Devices(Hypervisor& hypervisor, const Environment& environment) {
        for (; count_ < environment.boot->device_count; ++count_)
            list_[count_] = &devices_[count_].emplace(hypervisor, environment.devices[count_], count_);
    }
    std::span<PciBackend* const> list() const { return {list_.data(), count_}; }

private:
    std::array<std::optional<AssignedPciDevice>, abi::kMaxDevices> devices_;
    std::array<PciBackend*, abi::kMaxDevices> list_{};
    unsigned count_ = 0;
};

std::uint64_t code_cache_bytes(const Tuning& tuning, const Environment& environment) {
    constexpr std::uint64_t kLargest = std::uint64_t{64} << 20;
    const std::uint64_t share = environment.heap.size() / 2;
    return tuning.code_cache_bytes != 0 ? std::min(tuning.code_cache_bytes, share)
                                        : std::min(kLargest, share);
}

void print_heap_statistics(Sink& sink) {
    const Heap::Statistics heap = program_heap().statistics();
    TextFacts facts(sink);
    facts.add("heap", "bytes", heap.total_bytes);
    facts.add("heap", "used_bytes", heap.used_bytes);
    facts.add("heap", "peak_bytes", heap.peak_bytes);
    facts.add("heap", "blocks", heap.live_blocks);
    facts.add("heap", "allocations", heap.allocations);
    facts.add("heap", "failures", heap.failures);
}

} // namespace

void translator_main(const Environment& environment) {
    const abi::BootInfo& boot = *environment.boot;
    Hypervisor hypervisor(environment.windows);
    HypercallConsole console(hypervisor);
    set_crash_console(&console);
    DiagnosticSink diagnostics(console);
    CounterClock clock(boot.tsc_hz, hypervisor.time_now(), boot.wall_clock_ns);
    const Tuning tuning = parse_tuning(find_text(environment, abi::Blob::Kind::Tuning), diagnostics);
    const Disks disks(hypervisor, boot.disk_count, diagnostics);
    const Devices devices(hypervisor, environment);

    const board::MachineConfig config{
        .ram = environment.ram,
        .harts = boot.vcpus,
        .firmware = find_blob(environment, abi::Blob::Kind::Firmware),
        .kernel = find_blob(environment, abi::Blob::Kind::Kernel),
        .initrd = find_blob(environment, abi::Blob::Kind::Initrd),
        .command_line = find_text(environment, abi::Blob::Kind::CommandLine),
        .disks = disks.list(),
        .functions = devices.list(),
        .clock = &clock,
        .console = &console,
        .diagnostics = &diagnostics,
        .code_cache_bytes = code_cache_bytes(tuning, environment),
        .native_code = tuning.tier == 0 ? CodeMemory{} : environment.native_code,
        .promote_after = static_cast<unsigned>(tuning.promote_after),
        .optimize_after = tuning.tier == 2 ? static_cast<unsigned>(tuning.optimize_after) : 0,
        .tlb = tuning.tlb,
        .measures_compilation = tuning.statistics,
        .counted_exits = tuning.statistics ? std::size_t{4096} : 0,
    };
    Result<std::unique_ptr<board::Machine>> machine = board::Machine::create(config);
    if (!machine.ok()) {
        console.flush();
        hypervisor.power_off(RunLoop::kFailed);
    }
    if (tuning.statistics)
        format(diagnostics, "first guest instruction {} us after the VM started\n",
               clock.monotonic_ns() / 1000);

    RunLoop loop({*machine.value(), clock, console, hypervisor, diagnostics}, tuning.slice);
    const int code = loop.run();
    if (tuning.statistics) {
        print_statistics(diagnostics, loop, *machine.value(), hypervisor);
        print_heap_statistics(diagnostics);
    }
    console.flush();
    hypervisor.power_off(code);
}

} // namespace ashlar::jit::bare
