// The engine as the board sees it: harts that execute guest code out of one shared translation cache.
#pragma once

#include <cstdint>
#include <memory>

#include "jit/bus.h"
#include "jit/code_observer.h"
#include "jit/compile_worker.h"
#include "jit/engine_statistics.h"
#include "jit/execution_observer.h"
#include "jit/frontend/riscv64/privileged.h"
#include "jit/frontend/riscv64/state.h"
#include "jit/guest_memory.h"
#include "jit/mmu/flush_mailbox.h"
#include "jit/mmu/tlb_options.h"
#include "jit/native_compiler.h"
#include "lib/format.h"
#include "lib/result.h"

namespace ashlar::jit {

struct EngineOptions {
    unsigned harts = 1;
    // ECALL from S-mode stops the hart with Stop::SupervisorCall instead of trapping to M-mode: the built-in
    // SBI.
    bool builtin_sbi = false;
    // Other threads access guest memory while harts run, so that atomic operations and fences of the guest
    // must be those of the host. The harts themselves run on one thread.
    bool shared_memory = false;
    // Checks every block of IR with ir/verifier.h and every region's graph with optimizer/verify.h: for
    // tests.
    bool verify_ir = false;
    std::uint64_t code_cache_bytes = std::uint64_t{64} << 20; // bound of threaded code
    CodeMemory native_code{}; // for host code; empty: everything is interpreted
    // Changes of translation before everything is flushed to number them anew; fewer for tests.
    std::uint64_t generations = (std::uint64_t{1} << 24) - (std::uint64_t{1} << 20);
    unsigned promote_after = 10;    // executions of a block before it is compiled
    unsigned optimize_after = 3000; // executions of its host code before it is optimized; 0: never
    // Compiles regions meanwhile; outlives the engine. nullptr: the thread that executes does, when blocks
    // ask. So it does for observers, which are told everything as it happens.
    CompileWorker* compile_worker = nullptr;
    unsigned surprises = 4000;       // jumps out of regions until one is formed that follows them
    unsigned optimizer_passes = ~0u; // optimizer::Pass
    mmu::TlbOptions tlb{};
    CodeObserver* observer = nullptr;                // of translation; outlives the engine
    ExecutionObserver* execution_observer = nullptr; // makes everything slow; outlives the engine
    Clock* stopwatch = nullptr;                      // to measure compile times with; outlives the engine
    // Ways out of regions that are counted one by one; 0: none, nor the instructions executed in regions.
    std::size_t counted_exits = 0;
};

enum class Stop : std::uint8_t {
    Budget,           // the instruction budget is used up
    WaitForInterrupt, // WFI with nothing pending: idle until an interrupt line rises
    SupervisorCall,   // see EngineOptions::builtin_sbi; state.pc is after the ECALL
    Kicked,           // kick() was called
};

// One hart. Used by one thread at a time, except kick() and remote flushes.
class Hart {
public:
    virtual riscv64::HartState& state() = 0;
    // Runs at most about `instructions` guest instructions (ends at a block boundary; may overshoot by one
    // block).
    virtual Stop run(std::uint64_t instructions) = 0;
    // Sets or clears bits of mip that devices drive (level-triggered lines).
    virtual void set_interrupt(riscv64::Interrupt line, bool level) = 0;
    // Makes run() return soon. Callable from devices within run(), from other threads and signal handlers.
    virtual void kick() = 0;
    // SFENCE.VMA by SBI or by reset: drops cached translations of [address, address+size); everything if size
    // is ~0.
    virtual void flush_tlb(GuestVirtualAddress address, std::uint64_t size) = 0;
    // The same from any thread, while run() goes on elsewhere: the hart forgets at its next look for events,
    // within 32768 instructions. flushed() tells when what it had been told before is forgotten, or the hart
    // does not run.
    virtual std::uint64_t flush_tlb_remotely(const mmu::RemoteFlush& flush) = 0;
    virtual bool flushed(std::uint64_t ticket) const = 0;
    // After state() was changed from outside (reset, SBI): re-reads what the engine caches of it.
    virtual void state_changed() = 0;

protected:
    ~Hart() = default;
};

class Engine {
public:
    // `memory`, `bus` and `time` outlive the engine. OutOfMemory when its tables do not fit.
    static Result<std::unique_ptr<Engine>> create(GuestMemory& memory, Bus& bus, riscv64::TimeSource& time,
                                                  const EngineOptions& options);
    virtual ~Engine() = default;
    virtual Hart& hart(unsigned index) = 0;
    // Drops all translations (FENCE.I of all harts, reset).
    virtual void flush_code() = 0;
    virtual EngineStatistics statistics() const = 0;
    // See EngineOptions::counted_exits.
    virtual std::span<const RegionExit> region_exits() const = 0;
};

} // namespace ashlar::jit
