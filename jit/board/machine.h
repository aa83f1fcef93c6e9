// The virtual board: QEMU's riscv64 `virt` machine as one object that `ashlar-run` and the translator drive.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "jit/engine.h"
#include "jit/pci_backend.h"
#include "jit/platform.h"
#include "lib/bytes.h"
#include "lib/format.h"

namespace ashlar::jit::board {

struct MachineConfig {
    MutableBytes ram; // backing of guest RAM at 0x8000'0000; multiple of 2 MiB, zeroed; outlives the machine
    unsigned harts = 1;
    Bytes firmware; // M-mode firmware (ELF or flat at 0x8000'0000); empty: the built-in SBI starts the kernel
    Bytes kernel;   // riscv Image, ELF or flat; may be empty with firmware
    Bytes initrd;   // may be empty
    std::string_view command_line;
    std::span<BlockBackend* const> disks;   // virtio-mmio slot i holds disk i, at most 8
    std::span<PciBackend* const> functions; // behind the PCIe host bridge, at most PcieHost::kMaxFunctions
    Clock* clock = nullptr;
    Console* console = nullptr;
    EntropySource* entropy = nullptr; // may be absent: the guest then gathers its own
    Sink* diagnostics = nullptr;      // our own messages, not the guest's
    std::uint64_t code_cache_bytes = std::uint64_t{64} << 20;
    CodeMemory native_code{};                // for host code; empty: everything is interpreted
    unsigned promote_after = 10;             // executions of a block before it is compiled
    unsigned optimize_after = 3000;          // executions of its host code before it is optimized; 0: never
    unsigned optimizer_passes = ~0u;         // optimizer::Pass
    CompileWorker* compile_worker = nullptr; // as in EngineOptions
    mmu::TlbOptions tlb{};
    CodeObserver* observer = nullptr; // of the engine's translations; outlives the machine
    ExecutionObserver* execution_observer = nullptr;
    bool measures_compilation = false; // for statistics: how long it takes
    std::size_t counted_exits = 0;     // for statistics: see EngineOptions
};

struct Outcome {
    enum class Kind : std::uint8_t {
        Idle,     // every hart waits; nothing to do before `idle_until_ns` unless console input arrives
        Running,  // the slice is over
        PowerOff, // `code` is the exit status (0 from a plain power-off or finisher PASS)
        Reset,    // guest asked for a reboot: call reset() and go on
        Failed,   // cannot go on (message was written to diagnostics)
    };
    Kind kind;
    int code = 0;
    std::uint64_t idle_until_ns = 0; // clock->monotonic_ns() time; all ones if never
    bool wants_input = false;        // when Idle: console input would wake the guest
};

class Machine {
public:
    // Checks the images, loads them and puts all harts into their reset state. Errors were explained to
    // `diagnostics`. The config's images must outlive the machine (reset loads them again).
    static Result<std::unique_ptr<Machine>> create(const MachineConfig& config);
    virtual ~Machine() = default;

    // Runs all harts in turn for about `instructions` instructions each, serving timers, console input and
    // disks.
    virtual Outcome run(std::uint64_t instructions) = 0;
    // Cold reset: clears RAM, reloads images and devices.
    virtual Status reset() = 0;
    // Makes run() return soon; callable from any thread and from signal handlers.
    virtual void kick() = 0;
    virtual void report_statistics(Facts& facts) = 0;
    virtual std::span<const RegionExit> region_exits() const = 0;
};

} // namespace ashlar::jit::board
