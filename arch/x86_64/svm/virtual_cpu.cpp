#include "arch/x86_64/svm/virtual_cpu.h"

#include <algorithm>

#include "arch/cpu.h"
#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/svm/cpu.h"

namespace ashlar::arch::svm {

extern "C" void svm_run(std::uint64_t vmcb, GuestRegisters* registers, std::uint64_t host);

namespace {

constexpr std::uint64_t kEferLongMode = 1 << 8, kEferLongModeActive = 1 << 10, kEferSvm = 1 << 12;
constexpr std::uint64_t kCr0Protected = 1, kCr0ExtensionType = 1 << 4, kCr0Paging = std::uint64_t{1} << 31;
constexpr std::uint64_t kCr4Pae = 1 << 5;
constexpr std::uint64_t kFlagsReserved = 2, kFlagsInterrupt = 1 << 9;
constexpr std::uint64_t kPatReset = 0x0007'0406'0007'0406;
// Present code (long mode), data, 64-bit TSS and LDT, as the control block packs attributes.
constexpr std::uint16_t kCodeAttributes = 0xa9b, kDataAttributes = 0xc93, kTssAttributes = 0x8b,
                        kLdtAttributes = 0x82;
constexpr std::uint32_t kExceptionDb = 1u << 1, kExceptionAc = 1u << 17, kExceptionMc = 1u << 18;

// Virtual CPUs that ran last with each identifier, so that nobody meets another's translations.
constexpr std::size_t kMaxAsids = 256;
constinit std::array<const SvmCpu*, kMaxAsids> asid_owners{};
constinit std::uint32_t next_asid = 0;
constinit const NestedPaging* last_vm = nullptr; // that this CPU ran

std::uint32_t usable_asids() {
    return std::clamp<std::uint32_t>(features().asids, 2, kMaxAsids) - 1;
}

std::uint64_t read_xcr0() {
    std::uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return std::uint64_t{high} << 32 | low;
}

} // namespace

SvmCpu::SvmCpu(kernel::MemorySource& memory, NestedPaging& space, PhysicalAddress vmcb, PhysicalAddress state)
    : memory_(memory), space_(space), vmcb_(vmcb), state_(state), translations_(space.shootdown()) {
    asid_ = 1 + next_asid++ % usable_asids();
}

Result<SvmCpu*> SvmCpu::create(kernel::MemorySource& memory, NestedPaging& space) {
    const unsigned state_order = kernel::order_for(features().state_size);
    const PhysicalAddress block = ASHLAR_TRY(memory.allocate_zeroed(0));
    const Result<PhysicalAddress> state = memory.allocate_zeroed(state_order);
    if (!state.ok()) {
        memory.free(block, 0);
        return state.error();
    }
    const Result<SvmCpu*> cpu = kernel::create_in_frames<SvmCpu>(memory, memory, space, block, state.value());
    if (!cpu.ok()) {
        memory.free(state.value(), state_order);
        memory.free(block, 0);
        return cpu.error();
    }
    return cpu.value();
}

void SvmCpu::destroy() {
    std::replace(asid_owners.begin(), asid_owners.end(), static_cast<const SvmCpu*>(this),
                 static_cast<const SvmCpu*>(nullptr));
    last_vm = nullptr;
    memory_.free(state_, kernel::order_for(features().state_size));
    memory_.free(vmcb_, 0);
    kernel::destroy_in_frames(memory_, this);
}

void SvmCpu::set_controls() {
    ControlArea& control = vmcb().control;
    control.intercept_dr_read = 0x0f; // DR0 to DR3 are not switched
    control.intercept_dr_write = 0x0f;
    // A VM could keep the CPU in exception delivery for ever with the first two; the third is the machine's.
    control.intercept_exceptions = kExceptionDb | kExceptionAc | kExceptionMc;
    using namespace intercept3;
    control.intercept3 = kIntr | kNmi | kSmi | kInit | kRdpmc | kCpuid | kRsm | kInvd | kHlt | kInvlpga |
                         kIoio | kMsr | kTaskSwitch | kFerrFreeze | kShutdown;
    using namespace intercept4;
    control.intercept4 = kVmrun | kVmmcall | kVmload | kVmsave | kStgi | kClgi | kSkinit | kRdtscp | kWbinvd |
                         kMonitor | kMwait | kMwaitArmed | kXsetbv | kRdpru;
    control.iopm_base = port_permissions().value();
    control.msrpm_base = msr_permissions().value();
    control.asid = asid_;
    control.vintr = vintr::kMasking;
    control.nested_control = 1;
    control.nested_cr3 = space_.root().value();
}

void SvmCpu::set_entry_registers(const kernel::EntryState& state) {
    SaveArea& save = vmcb().save;
    save.cs = {8, kCodeAttributes, 0xffff'ffff, 0};
    save.ds = save.es = save.ss = save.fs = save.gs = {16, kDataAttributes, 0xffff'ffff, 0};
    save.tr = {0, kTssAttributes, 0x67, 0};
    save.ldtr = {0, kLdtAttributes, 0, 0};
    save.efer = kEferLongMode | kEferLongModeActive | kEferSvm;
    save.cr0 = kCr0Protected | kCr0ExtensionType | kCr0NumericError | kCr0Paging;
    save.cr3 = state.entry_tables.value();
    save.cr4 = kCr4Pae;
    save.dr6 = 0xffff'0ff0;
    save.dr7 = 0x400;
    save.rflags = kFlagsReserved;
    save.rip = state.entry;
    save.rsp = state.stack_top;
    save.pat = kPatReset;
    registers_ = {};
    registers_.rdi = state.boot_info;
}

void SvmCpu::reset(const kernel::EntryState& state, std::uint64_t counter_origin_ns) {
    vmcb() = {};
    set_controls();
    set_entry_registers(state);
    pending_ = {};
    injections_ = 0;
    xcr0_ = 1;
    // The area is zero: the initial state of every component but x87's control word and MXCSR, which XRSTOR
    // takes from the area's legacy part when the header says that it is initial.
    std::byte* const area = extended_state();
    std::memset(area, 0, features().state_size);
    store_le<std::uint16_t>(area, 0x37f);
    store_le<std::uint32_t>(area + 24, 0x1f80);
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const std::uint64_t age = now_ns() - counter_origin_ns;
    const std::uint64_t origin_counts = age / kSecond * counter_hz() + age % kSecond * counter_hz() / kSecond;
    vmcb().control.tsc_offset = 0 - (__builtin_ia32_rdtsc() - origin_counts);
}

void SvmCpu::load() {
    if (last_vm != &space_)
        predictor_barrier();
    last_vm = &space_;
    restore_extended_state(extended_state());
    if (features().xsave)
        write_xcr0(xcr0_);
    if (asid_owners[asid_] != this)
        flushed_generation_ = ~std::uint64_t{0};
    asid_owners[asid_] = this;
}

void SvmCpu::save() {
    if (features().xsave) {
        xcr0_ = read_xcr0(); // some CPUs do not intercept XSETBV
        write_xcr0(features().xcr0);
    }
    save_extended_state(extended_state());
}

void SvmCpu::prepare_flush(std::uint64_t generation) {
    ControlArea& control = vmcb().control;
    control.tlb_control = kFlushNothing;
    if (flushed_generation_ != generation)
        control.tlb_control = features().flush_by_asid ? kFlushThisAsid : kFlushAll;
    flushed_generation_ = generation;
}

int SvmCpu::highest_pending() const {
    int highest = -1;
    BitmapView view = const_cast<Bitmap<256>&>(pending_).view();
    for (auto bit = view.find_set(32); bit; bit = *bit + 1 < 256 ? view.find_set(*bit + 1) : std::nullopt)
        highest = static_cast<int>(*bit);
    return highest;
}

// Delivers what is pending now if the VM takes it, else asks for an exit when it would.
void SvmCpu::prepare_events() {
    ControlArea& control = vmcb().control;
    const std::uint64_t tpr = control.vintr & vintr::kTpr;
    control.vintr = tpr | vintr::kMasking;
    control.intercept3 &= ~static_cast<std::uint32_t>(intercept3::kVintr);
    const int vector = highest_pending();
    if (vector < 0)
        return;
    const auto number = static_cast<std::uint64_t>(vector);
    const bool free = (control.event_injection & event::kValid) == 0 && (control.interrupt_shadow & 1) == 0;
    if (free && takes_interrupts() && number >> 4 > (tpr & 0xf)) {
        control.event_injection = event::kValid | event::kTypeInterrupt | number;
        pending_.clear(static_cast<std::size_t>(vector));
        ++injections_;
        return;
    }
    control.vintr |= vintr::kIrq | (number >> 4) << vintr::kPriorityShift | number << vintr::kVectorShift;
    control.intercept3 |= intercept3::kVintr;
}

kernel::VmExit SvmCpu::run() {
    ControlArea& control = vmcb().control;
    prepare_events();
    control.clean_bits = 0;
    prepare_flush(translations_.enter());
    svm_run(vmcb_.value(), &registers_, host_state().value());
    translations_.leave();
    control.event_injection = 0;
    // An exit in the middle of delivering an event: it must be delivered again. What an instruction asked for
    // comes again by itself, since RIP is still at the instruction.
    if ((control.exit_int_info & event::kValid) != 0 && !event::is_by_instruction(control.exit_int_info))
        control.event_injection = control.exit_int_info;
    return handle_exit();
}

bool SvmCpu::takes_interrupts() const {
    return (vmcb().save.rflags & kFlagsInterrupt) != 0;
}

bool SvmCpu::has_deliverable_interrupt() const {
    const int vector = highest_pending();
    return vector >= 0 && takes_interrupts() &&
           static_cast<std::uint64_t>(vector) >> 4 > (vmcb().control.vintr & 0xf);
}

void SvmCpu::complete_hypercall(abi::Status status, std::uint64_t value) {
    vmcb().save.rax = static_cast<std::uint64_t>(status);
    registers_.rdx = value;
}

void SvmCpu::report(Sink& sink) const {
    const SaveArea& save = vmcb().save;
    const ControlArea& control = vmcb().control;
    const GuestRegisters& r = registers_;
    format(sink, "  exit {:#x} info {:#x} {:#x} during event {:#x}\n", control.exit_code, control.exit_info1,
           control.exit_info2, control.exit_int_info);
    format(sink, "  rip {:#018x} rsp {:#018x} rfl {:#018x}\n", save.rip, save.rsp, save.rflags);
    format(sink, "  rax {:#018x} rbx {:#018x} rcx {:#018x}\n", save.rax, r.rbx, r.rcx);
    format(sink, "  rdx {:#018x} rsi {:#018x} rdi {:#018x}\n", r.rdx, r.rsi, r.rdi);
    format(sink, "  rbp {:#018x} r8  {:#018x} r9  {:#018x}\n", r.rbp, r.r8, r.r9);
    format(sink, "  r10 {:#018x} r11 {:#018x} r12 {:#018x}\n", r.r10, r.r11, r.r12);
    format(sink, "  r13 {:#018x} r14 {:#018x} r15 {:#018x}\n", r.r13, r.r14, r.r15);
    format(sink, "  cr0 {:#018x} cr2 {:#018x} cr3 {:#018x}\n", save.cr0, save.cr2, save.cr3);
    format(sink, "  cr4 {:#018x} efer {:#x} cs {:#x} cpl {}\n", save.cr4, save.efer, save.cs.selector,
           save.cpl);
}

} // namespace ashlar::arch::svm

namespace ashlar::arch {

using svm::NestedPaging;
using svm::SvmCpu;

Result<kernel::AddressSpace*> create_address_space(kernel::MemorySource& memory) {
    NestedPaging* const space = ASHLAR_TRY(NestedPaging::create(memory));
    return static_cast<kernel::AddressSpace*>(space);
}
void destroy(kernel::AddressSpace* space) {
    static_cast<NestedPaging*>(space)->destroy();
}
Result<kernel::VirtualCpu*> create_virtual_cpu(kernel::MemorySource& memory, kernel::AddressSpace& space) {
    SvmCpu* const cpu = ASHLAR_TRY(SvmCpu::create(memory, static_cast<NestedPaging&>(space)));
    return static_cast<kernel::VirtualCpu*>(cpu);
}
void destroy(kernel::VirtualCpu* cpu) {
    static_cast<SvmCpu*>(cpu)->destroy();
}

// One table of each level: 512 large pages are the whole gibibyte.
unsigned entry_table_pages() {
    return 3;
}
void fill_entry_table(unsigned index, MutableBytes page, GuestPhysicalAddress tables) {
    using Format = LongModeFormat<VirtualAddress, GuestPhysicalAddress>;
    constexpr std::uint64_t kLargePage = 2 << 20;
    ASHLAR_ASSERT(index < entry_table_pages() && page.size() == kPageSize);
    const auto store = [&](std::uint64_t entry_index, std::uint64_t entry) {
        store_le(page.data() + 8 * entry_index, entry);
    };
    std::memset(page.data(), 0, page.size());
    if (index == 0)
        return store(abi::kImageVirtualBase >> 39 & 511, Format::table(tables + kPageSize));
    if (index == 1)
        return store(abi::kImageVirtualBase >> 30 & 511, Format::table(tables + 2 * kPageSize));
    for (std::uint64_t i = 0; i < 512; ++i)
        store(i, Format::leaf(GuestPhysicalAddress(abi::kPrivateBase + i * kLargePage), 2,
                              {.write = true, .execute = true}));
}

elf::Machine native_machine() {
    return elf::Machine::X86_64;
}

} // namespace ashlar::arch
