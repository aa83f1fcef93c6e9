#include "jit/board/machine.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <optional>

#include "jit/board/board.h"
#include "jit/board/boot.h"
#include "jit/board/host_interface.h"
#include "jit/board/sbi.h"
#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::board {
namespace {

// Guest instructions of one hart before the next one's turn: short enough for timers (about 0.1 ms), long
// enough that looking at them costs nothing. Harts wait for each other, timers can wait longer.
constexpr std::uint64_t kSlice = 20'000, kSliceOfTheOnlyHart = 65'000;
// While a program waits for answers of the host-target interface.
constexpr std::uint64_t kHostInterfaceSlice = 500;
// While disks work: what they have completed reaches the guest that much later.
constexpr std::uint64_t kDiskSlice = 10'000;
constexpr std::uint64_t kInputPollNs = 1'000'000;
constexpr unsigned kA2 = 12, kA7 = 17;
constexpr std::uint64_t kRamGranule = std::uint64_t{2} << 20;

// The first thing that the guest asked the power switch for. Ends the machine's current slice.
class PowerRequest final : public PowerSwitch {
public:
    explicit PowerRequest(Machine& machine) : machine_(machine) {}
    void power_off(int code) override { record({Outcome::Kind::PowerOff, code}); }
    void reset() override { record({Outcome::Kind::Reset}); }

    const std::optional<Outcome>& outcome() const { return outcome_; }
    void clear() { outcome_.reset(); }

private:
    void record(const Outcome& outcome) {
        if (!outcome_)
            outcome_ = outcome;
        machine_.kick();
    }
    Machine& machine_;
    std::optional<Outcome> outcome_;
};

class VirtualMachine final : public Machine, private HartInterrupts {
public:
    VirtualMachine(const MachineConfig& config, std::unique_ptr<std::uint8_t[]> code_pages)
        : config_(config),
          code_pages_(std::move(code_pages)),
          memory_(kRamBase, config.ram, code_pages_.get()),
          power_(*this),
          images_{config.firmware, config.kernel, config.initrd, config.command_line, config.harts},
          board_({memory_, *this, power_, *config.clock, *config.console, config.disks, config.functions,
                  config.harts}),
          host_interface_(memory_, *config.console, power_) {}

    // Once, before anything else.
    Status build();

    Outcome run(std::uint64_t instructions) override;
    Status reset() override;
    void kick() override;
    void report_statistics(Facts& facts) override;
    std::span<const RegionExit> region_exits() const override { return engine_->region_exits(); }

private:
    void set_interrupt(unsigned hart, riscv64::Interrupt line, bool level) override;
    Status start();
    void clear_ram();
    void serve_devices(bool new_run);
    bool may_run(unsigned hart);
    std::uint64_t turn() const;
    bool run_all_harts(std::uint64_t instructions);
    void run_hart(unsigned hart, std::uint64_t instructions);
    Outcome idle();

    MachineConfig config_;
    std::unique_ptr<std::uint8_t[]> code_pages_;
    GuestMemory memory_;
    PowerRequest power_;
    Bus bus_;
    BootImages images_;
    Board board_;
    HostInterface host_interface_;
    std::unique_ptr<Engine> engine_;
    std::optional<Sbi> sbi_;
    std::array<bool, kMaxHarts> waiting_{}; // in WFI
    std::optional<unsigned> current_hart_;  // that run() is executing
    std::atomic<bool> kicked_{false};
    bool host_interface_busy_ = false;
    std::uint64_t next_input_poll_ns_ = 0;
    std::uint64_t instructions_before_reset_ = 0; // harts count from 0 again
    std::uint64_t busy_ns_ = 0, supervisor_calls_ = 0, idles_ = 0;
};

Status VirtualMachine::build() {
    ASHLAR_TRY(board_.attach(bus_));
    EngineOptions options;
    options.harts = config_.harts;
    options.builtin_sbi = needs_builtin_sbi(images_);
    options.code_cache_bytes = config_.code_cache_bytes;
    options.native_code = config_.native_code;
    options.promote_after = config_.promote_after;
    options.optimize_after = config_.optimize_after;
    options.optimizer_passes = config_.optimizer_passes;
    options.tlb = config_.tlb;
    options.compile_worker = config_.compile_worker;
    options.observer = config_.observer;
    options.execution_observer = config_.execution_observer;
    options.counted_exits = config_.counted_exits;
    options.stopwatch = config_.measures_compilation ? config_.clock : nullptr;
    engine_ = ASHLAR_TRY(Engine::create(memory_, bus_, board_.timebase(), options));
    if (options.builtin_sbi)
        sbi_.emplace(*engine_, config_.harts, memory_, board_.timebase(), *config_.console, power_);
    return start();
}

// Reset vector: images in place, devices reset, harts at the entry point.
Status VirtualMachine::start() {
    std::array<std::byte, 32> seed;
    BootImages images = images_;
    if (config_.entropy != nullptr && config_.entropy->fill(seed))
        images.random_seed = seed;
    const BootPlan plan = ASHLAR_TRY(load_boot_images(memory_, images, *config_.diagnostics));
    std::array<std::byte, sizeof plan.dynamic_info_words> dynamic_info;
    for (std::size_t i = 0; i < plan.dynamic_info_words.size(); ++i)
        store_le(dynamic_info.data() + 8 * i, plan.dynamic_info_words[i]);
    board_.boot_rom().load(dynamic_info);
    host_interface_.reset(plan.tohost, plan.fromhost);

    waiting_ = {};
    if (plan.supervisor) {
        sbi_->reset(0, plan.entry.value(), plan.device_tree.value());
    } else {
        for (unsigned i = 0; i < config_.harts; ++i) {
            Hart& hart = engine_->hart(i);
            riscv64::reset(hart.state(), i, plan.entry.value(), plan.device_tree.value());
            hart.state().x[kA2] = plan.dynamic_info.value();
            hart.flush_tlb(GuestVirtualAddress(0), ~std::uint64_t{0});
            hart.state_changed();
        }
    }
    board_.reset();
    power_.clear();
    return {};
}

// Reads before it writes, so that memory that the guest never touched need not get pages on the host.
void VirtualMachine::clear_ram() {
    for (MutableBytes left = config_.ram; !left.empty(); left = left.subspan(kPageSize)) {
        const MutableBytes page = left.first(kPageSize);
        if (std::any_of(page.begin(), page.end(), [](std::byte byte) { return byte != std::byte{0}; }))
            std::memset(page.data(), 0, page.size());
    }
}

Status VirtualMachine::reset() {
    board_.quiesce(); // before memory is another guest's
    engine_->flush_code();
    clear_ram();
    instructions_before_reset_ = engine_->statistics().instructions + instructions_before_reset_;
    return start();
}

void VirtualMachine::kick() {
    kicked_.store(true, std::memory_order_relaxed);
    for (unsigned i = 0; i < config_.harts; ++i)
        engine_->hart(i).kick();
}

// Another hart gets its turn at once when it is interrupted: the one that runs now may be spinning until it
// has answered.
void VirtualMachine::set_interrupt(unsigned hart, riscv64::Interrupt line, bool level) {
    engine_->hart(hart).set_interrupt(line, level);
    if (level && current_hart_ && *current_hart_ != hart)
        engine_->hart(*current_hart_).kick();
}

void VirtualMachine::serve_devices(bool new_run) {
    board_.update_time();
    board_.poll_disks();
    board_.poll_functions();
    host_interface_busy_ = host_interface_.poll();
    Uart16550& uart = board_.uart();
    if (!uart.wants_input())
        return;
    const std::uint64_t now = config_.clock->monotonic_ns();
    if (!new_run && now < next_input_poll_ns_)
        return;
    next_input_poll_ns_ = now + kInputPollNs;
    uart.poll_input();
}

bool VirtualMachine::may_run(unsigned hart) {
    riscv64::HartState& state = engine_->hart(hart).state();
    riscv64::update_supervisor_timer(state, board_.timebase().time());
    if (sbi_ && !sbi_->may_run(hart))
        return false;
    if (waiting_[hart] && riscv64::interrupt_pending_for_wfi(state))
        waiting_[hart] = false;
    return !waiting_[hart];
}

void VirtualMachine::run_hart(unsigned index, std::uint64_t instructions) {
    Hart& hart = engine_->hart(index);
    current_hart_ = index;
    const std::uint64_t end = hart.state().instret + instructions;
    bool goes_on = true;
    while (goes_on) {
        const std::uint64_t retired = hart.state().instret;
        switch (retired < end ? hart.run(end - retired) : Stop::Budget) {
        case Stop::Budget:
        case Stop::Kicked: goes_on = false; break;
        case Stop::WaitForInterrupt:
            waiting_[index] = true;
            goes_on = false;
            break;
        case Stop::SupervisorCall: {
            // Whoever interrupts others is likely to wait for them: their turn.
            const std::uint64_t extension = hart.state().x[kA7];
            const bool interrupts_others =
                extension == static_cast<std::uint64_t>(sbi::Extension::Ipi) ||
                extension == static_cast<std::uint64_t>(sbi::Extension::LegacySendIpi);
            ++supervisor_calls_;
            sbi_->handle(index);
            goes_on = !interrupts_others && sbi_->may_run(index);
            break;
        }
        }
    }
    current_hart_.reset();
}

// Gives every hart that can run its turn; false when there is none.
bool VirtualMachine::run_all_harts(std::uint64_t instructions) {
    bool any = false;
    for (unsigned i = 0; i < config_.harts && !power_.outcome(); ++i) {
        if (!may_run(i))
            continue;
        any = true;
        run_hart(i, instructions);
    }
    return any;
}

// Instructions of one hart before devices and the other harts are looked at.
std::uint64_t VirtualMachine::turn() const {
    if (host_interface_busy_)
        return kHostInterfaceSlice;
    if (board_.disks_busy() || board_.functions_busy())
        return kDiskSlice;
    return config_.harts == 1 ? kSliceOfTheOnlyHart : kSlice;
}

Outcome VirtualMachine::run(std::uint64_t instructions) {
    const std::uint64_t begin = config_.clock->monotonic_ns();
    std::uint64_t done = 0;
    std::optional<Outcome> outcome;
    while (!outcome) {
        serve_devices(done == 0);
        const std::uint64_t slice = std::min(turn(), std::max<std::uint64_t>(instructions - done, 1));
        const bool ran = !power_.outcome() && run_all_harts(slice);
        done += slice;
        if (power_.outcome())
            outcome = power_.outcome();
        else if (!ran)
            outcome = idle();
        else if (kicked_.exchange(false, std::memory_order_relaxed) || done >= instructions)
            outcome = Outcome{Outcome::Kind::Running};
    }
    busy_ns_ += config_.clock->monotonic_ns() - begin;
    return *outcome;
}

Outcome VirtualMachine::idle() {
    std::uint64_t deadline = board_.next_deadline_ns();
    for (unsigned i = 0; i < config_.harts; ++i) {
        const riscv64::HartState& state = engine_->hart(i).state();
        const bool enabled = (state.control.menvcfg & riscv64::envcfg::kStce) != 0;
        const bool due = (state.control.mip & riscv64::bit(riscv64::Interrupt::SupervisorTimer)) != 0;
        if (enabled && !due)
            deadline = std::min(deadline, board_.timebase().deadline_ns(state.control.stimecmp));
    }
    ++idles_;
    Outcome outcome{Outcome::Kind::Idle};
    outcome.idle_until_ns = deadline;
    outcome.wants_input = board_.uart().wants_input() || host_interface_.present();
    return outcome;
}

void VirtualMachine::report_statistics(Facts& facts) {
    const EngineStatistics engine = engine_->statistics();
    const std::uint64_t busy_us = std::max<std::uint64_t>(busy_ns_ / 1000, 1);
    const std::uint64_t instructions = engine.instructions + instructions_before_reset_;
    facts.add("machine", "harts", config_.harts);
    facts.add("machine", "memory_bytes", config_.ram.size());
    facts.add("machine", "busy_us", busy_us);
    facts.add("machine", "idles", idles_);
    facts.add("machine", "sbi_calls", supervisor_calls_);
    facts.add("instructions", "all", instructions);
    facts.add("instructions", "per_us", instructions / busy_us);
    facts.add("instructions", "interpreted", instructions - engine.host_code_instructions);
    facts.add("instructions", "host_code", engine.host_code_instructions);
    if (engine.counts_regions) {
        const std::uint64_t optimized = engine.region_instructions;
        facts.add("instructions", "tier1", engine.host_code_instructions - optimized);
        facts.add("instructions", "tier2", optimized);
        facts.add_percent("instructions", "tier0_percent", instructions - engine.host_code_instructions,
                          instructions);
        facts.add_percent("instructions", "tier1_percent", engine.host_code_instructions - optimized,
                          instructions);
        facts.add_percent("instructions", "tier2_percent", optimized, instructions);
    }
    report(engine, facts);
    board_.report_statistics(facts);
}

Status check(const MachineConfig& config) {
    Sink& out = *config.diagnostics;
    if (config.harts == 0 || config.harts > kMaxHarts) {
        format(out, "{} harts: there can be 1 to {}\n", config.harts, kMaxHarts);
        return Error::InvalidArgument;
    }
    if (config.ram.empty() || config.ram.size() % kRamGranule != 0) {
        format(out, "{} bytes of memory: it must be a multiple of 2 MiB\n", config.ram.size());
        return Error::InvalidArgument;
    }
    if (config.disks.size() > kVirtioSlots) {
        format(out, "{} disks: there are {} slots\n", config.disks.size(), kVirtioSlots);
        return Error::InvalidArgument;
    }
    if (config.functions.size() > PcieHost::kMaxFunctions) {
        format(out, "{} PCI functions: there can be {}\n", config.functions.size(), PcieHost::kMaxFunctions);
        return Error::InvalidArgument;
    }
    return {};
}

} // namespace

Result<std::unique_ptr<Machine>> Machine::create(const MachineConfig& config) {
    ASHLAR_ASSERT(config.clock != nullptr && config.console != nullptr && config.diagnostics != nullptr);
    ASHLAR_TRY(check(config));
    std::unique_ptr<std::uint8_t[]> code_pages(new (std::nothrow)
                                                   std::uint8_t[config.ram.size() / kPageSize]());
    if (code_pages == nullptr)
        return Error::OutOfMemory;
    std::unique_ptr<VirtualMachine> machine(new (std::nothrow) VirtualMachine(config, std::move(code_pages)));
    if (machine == nullptr)
        return Error::OutOfMemory;
    if (const Status status = machine->build(); !status.ok()) {
        if (status.error() == Error::OutOfMemory)
            format(*config.diagnostics, "not enough memory for the engine's tables\n");
        return status.error();
    }
    return std::unique_ptr<Machine>(std::move(machine));
}

} // namespace ashlar::jit::board
