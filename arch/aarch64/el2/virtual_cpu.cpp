#include "arch/aarch64/el2/virtual_cpu.h"

#include <cstring>

#include "arch/aarch64/clock.h"
#include "arch/aarch64/exception_frame.h"
#include "arch/aarch64/registers.h"
#include "arch/cpu.h"

namespace ashlar::arch::el2 {
namespace {

// HCR_EL2: ours, and what a VM adds.
constexpr std::uint64_t kHost = std::uint64_t{1} << 31 | 0x38; // RW; AMO, IMO, FMO
constexpr std::uint64_t kStage2 = 1 << 0, kSetWayInvalidates = 1 << 1, kWaitForInterrupt = 1 << 13,
                        kIdRegisters = 1 << 18, kSecureCalls = 1 << 19, kImplementationDefined = 1 << 20,
                        kAuxiliaryControl = 1 << 21, kSetWay = 1 << 22;
constexpr std::uint64_t kGuest = kHost | kStage2 | kSetWayInvalidates | kWaitForInterrupt | kIdRegisters |
                                 kSecureCalls | kImplementationDefined | kAuxiliaryControl | kSetWay;

constexpr std::uint64_t kEl1Handler = 0x3c5; // PSTATE: EL1h, D, A, I, F masked
constexpr std::uint64_t kTimerEnable = 1 << 0, kTimerMask = 1 << 1;
constexpr unsigned kTimerVector = 27; // of the virtual timer, as on real machines

constinit El2Cpu* loaded_cpu = nullptr;

// The entry state's translation: TTBR1, 48 bits, 4 KiB; 44 bits of physical address; nothing by TTBR0.
constexpr std::uint64_t kSystemControl = 0x30d0'181d; // RES1, I, SA0, SA, C, M
constexpr std::uint64_t kTranslationControl =
    std::uint64_t{4} << 32 | std::uint64_t{0xb510} << 16 | 1 << 7 | 16;
constexpr std::uint64_t kAttributes = 0x04ff; // 0: write-back, 1: Device-nGnRE

void load_registers(const GuestRegisters& registers) {
#define ASHLAR_LOAD(name, reg) WRITE_REGISTER(reg, registers.name);
    GUEST_REGISTERS(ASHLAR_LOAD)
#undef ASHLAR_LOAD
}
void save_registers(GuestRegisters& registers) {
#define ASHLAR_SAVE(name, reg) registers.name = READ_REGISTER(reg);
    GUEST_REGISTERS(ASHLAR_SAVE)
#undef ASHLAR_SAVE
}

} // namespace

void El2Cpu::destroy() {
    kernel::destroy_in_frames(memory_, this);
}

void El2Cpu::reset(const kernel::EntryState& state, std::uint64_t counter_origin_ns) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    registers_ = {};
    registers_.sctlr = kSystemControl;
    registers_.tcr = kTranslationControl;
    registers_.mair = kAttributes;
    registers_.ttbr1 = state.entry_tables.value();
    registers_.cpacr = 3 << 20; // floating point is on
    registers_.sp_el1 = state.stack_top;
    context_ = {};
    context_.x[0] = state.boot_info;
    context_.pc = state.entry;
    context_.pstate = kEl1Handler;
    gic_.reset();
    std::memset(vectors_, 0, sizeof vectors_);
    counter_offset_ = counter_at_start() + counter_origin_ns / kSecond * counter_hz() +
                      counter_origin_ns % kSecond * counter_hz() / kSecond;
    clean_memory(space_);
}

void El2Cpu::load() {
    constexpr std::uint64_t kSystemRegisters = 7; // there is no other interface
    WRITE_REGISTER(hcr_el2, kGuest);
    WRITE_REGISTER(vttbr_el2, space_.frames().base());
    WRITE_REGISTER(cntvoff_el2, counter_offset_);
    WRITE_REGISTER(icc_sre_el1, kSystemRegisters);
    load_registers(registers_);
    el2_restore_vectors(vectors_);
    gic_.load();
    synchronize_context();
    loaded_ = true;
    loaded_cpu = this;
}

void El2Cpu::save() {
    gic_.save();
    el2_save_vectors(vectors_);
    save_registers(registers_);
    WRITE_REGISTER(cntv_ctl_el0, 0); // it would go on to interrupt
    WRITE_REGISTER(hcr_el2, kHost);
    synchronize_context();
    loaded_ = false;
    loaded_cpu = nullptr;
}

kernel::VmExit El2Cpu::run() {
    gic_.enter();
    const std::uint32_t kind = el2_run(&context_);
    gic_.leave();
    return handle_exit(kind);
}

void El2Cpu::take_timer_interrupt() {
    WRITE_REGISTER(cntv_ctl_el0, READ_REGISTER(cntv_ctl_el0) | kTimerMask);
    synchronize_context();
    if (loaded_cpu != nullptr)
        loaded_cpu->post_interrupt(kTimerVector);
}

// While the VM does not run; else the timer interrupts.
bool El2Cpu::timer_is_due() const {
    if (loaded_ || (registers_.timer_control & (kTimerEnable | kTimerMask)) != kTimerEnable)
        return false;
    synchronize_context();
    return READ_REGISTER(cntpct_el0) - counter_offset_ >= registers_.timer_compare;
}

bool El2Cpu::has_deliverable_interrupt() const {
    return gic_.has_waking_interrupt() || (timer_is_due() && gic_.is_enabled());
}

void El2Cpu::complete_hypercall(abi::Status status, std::uint64_t value) {
    context_.x[0] = static_cast<std::uint64_t>(status);
    context_.x[1] = value;
}

void El2Cpu::report(Sink& sink) const {
    format(sink, "  syndrome {:#x} far {:#018x}\n", syndrome_, fault_address_);
    format(sink, "  pc  {:#018x} pstate {:#010x} sp_el0 {:#018x} sp_el1 {:#018x}\n", context_.pc,
           context_.pstate, context_.sp_el0, loaded_ ? READ_REGISTER(sp_el1) : registers_.sp_el1);
    for (unsigned i = 0; i < 30; i += 3)
        format(sink, "  x{}{} {:#018x} x{}{} {:#018x} x{}{} {:#018x}\n", i, i < 10 ? " " : "", context_.x[i],
               i + 1, i + 1 < 10 ? " " : "", context_.x[i + 1], i + 2, i + 2 < 10 ? " " : "",
               context_.x[i + 2]);
    format(sink, "  x30 {:#018x}\n", context_.x[30]);
}

} // namespace ashlar::arch::el2

namespace ashlar::arch {

using el2::El2Cpu;
using el2::Stage2;

Result<kernel::VirtualCpu*> create_virtual_cpu(kernel::MemorySource& memory, kernel::AddressSpace& space) {
    El2Cpu* const cpu =
        ASHLAR_TRY(kernel::create_in_frames<El2Cpu>(memory, memory, static_cast<Stage2&>(space)));
    return static_cast<kernel::VirtualCpu*>(cpu);
}
void destroy(kernel::VirtualCpu* cpu) {
    static_cast<El2Cpu*>(cpu)->destroy();
}

// One table of each level: 512 blocks of 2 MiB are the whole gibibyte.
unsigned entry_table_pages() {
    return 3;
}
void fill_entry_table(unsigned index, MutableBytes page, GuestPhysicalAddress tables) {
    constexpr std::uint64_t kLargePage = 2 << 20;
    ASHLAR_ASSERT(index < entry_table_pages() && page.size() == kPageSize);
    const auto store = [&](std::uint64_t entry_index, std::uint64_t entry) {
        store_le(page.data() + 8 * entry_index, entry);
    };
    const auto table = [&](unsigned number) {
        return (tables + number * kPageSize).value() | descriptor::kValid | descriptor::kTableOrPage;
    };
    std::memset(page.data(), 0, page.size());
    if (index == 0)
        return store(abi::kImageVirtualBase >> 39 & 511, table(1));
    if (index == 1)
        return store(abi::kImageVirtualBase >> 30 & 511, table(2));
    constexpr std::uint64_t kUserNoExecute = std::uint64_t{1} << 54;
    for (std::uint64_t i = 0; i < 512; ++i)
        store(i, descriptor::leaf(abi::kPrivateBase + i * kLargePage, 2) | descriptor::kAccessFlag |
                     kUserNoExecute);
}

} // namespace ashlar::arch
