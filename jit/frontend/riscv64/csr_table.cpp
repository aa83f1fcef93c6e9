#include "jit/frontend/riscv64/csr_table.h"

#include <array>

#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/pmp.h"

namespace ashlar::jit::riscv64 {

namespace {

using Control = HartState::Control;
using enum Csr;

constexpr std::uint64_t kAllBits = ~std::uint64_t{0};

// ---------------------------------------------------------------- plain registers

std::uint64_t read_zero(const CsrRead&) {
    return 0;
}

template <std::uint64_t Value>
std::uint64_t read_constant(const CsrRead&) {
    return Value;
}

template <std::uint64_t Control::*Field>
std::uint64_t read_field(const CsrRead& access) {
    return access.hart.control.*Field;
}

// A register of which the bits in Writable can be set, and reading it has no other effect.
template <std::uint64_t Control::*Field, std::uint64_t Writable = kAllBits, Effect Result = Effect::None>
Effect write_field(const CsrWrite& access) {
    access.hart.control.*Field = access.value & Writable;
    return Result;
}

// Modes 2 and 3 are reserved: such a write is ignored (3.1.7).
template <std::uint64_t Control::*Field>
Effect write_tvec(const CsrWrite& access) {
    if ((access.value & 3) <= 1)
        access.hart.control.*Field = access.value;
    return Effect::None;
}

// ---------------------------------------------------------------- floating point (unprivileged, chapter "F")

bool fp_allowed(const HartState& hart, std::uint16_t) {
    return fp_enabled(hart);
}
std::uint64_t read_fflags(const CsrRead& access) {
    return access.hart.fflags;
}
std::uint64_t read_frm(const CsrRead& access) {
    return access.hart.frm;
}
std::uint64_t read_fcsr(const CsrRead& access) {
    return access.hart.frm << 5 | access.hart.fflags;
}
Effect write_fflags(const CsrWrite& access) {
    access.hart.fflags = access.value & 0x1F;
    mark_fp_dirty(access.hart);
    return Effect::None;
}
Effect set_frm(HartState& hart, std::uint64_t mode) {
    const bool changed = hart.frm != mode;
    hart.frm = mode;
    mark_fp_dirty(hart);
    return changed ? Effect::Translation : Effect::None;
}
Effect write_frm(const CsrWrite& access) {
    return set_frm(access.hart, access.value & 7);
}
Effect write_fcsr(const CsrWrite& access) {
    access.hart.fflags = access.value & 0x1F;
    return set_frm(access.hart, access.value >> 5 & 7);
}

// ---------------------------------------------------------------- counters (3.1.10 to 3.1.12)

// A counter is the number of retired instructions plus an offset, or, while inhibited, the offset alone. The
// instruction that writes it retires too, but the next one shall read what was written.
template <std::int64_t Control::*Offset, std::uint64_t Inhibit>
std::uint64_t read_counter(const CsrRead& access) {
    const Control& control = access.hart.control;
    const auto offset = static_cast<std::uint64_t>(control.*Offset);
    return (control.mcountinhibit & Inhibit) != 0 ? offset : access.hart.instret + offset;
}
template <std::int64_t Control::*Offset, std::uint64_t Inhibit>
Effect write_counter(const CsrWrite& access) {
    Control& control = access.hart.control;
    const std::uint64_t base = (control.mcountinhibit & Inhibit) != 0 ? 0 : access.hart.instret + 1;
    control.*Offset = static_cast<std::int64_t>(access.value - base);
    return Effect::None;
}

template <std::int64_t Control::*Offset, std::uint64_t Inhibit>
void change_inhibition(HartState& hart, std::uint64_t value) {
    Control& control = hart.control;
    if (((control.mcountinhibit ^ value) & Inhibit) == 0)
        return;
    const auto retired = static_cast<std::int64_t>(hart.instret + 1);
    control.*Offset += (value & Inhibit) != 0 ? retired : -retired;
}
Effect write_mcountinhibit(const CsrWrite& access) {
    const std::uint64_t value = access.value & (kCounterCycle | kCounterInstret);
    change_inhibition<&Control::cycle_offset, kCounterCycle>(access.hart, value);
    change_inhibition<&Control::instret_offset, kCounterInstret>(access.hart, value);
    access.hart.control.mcountinhibit = value;
    return Effect::None;
}

std::uint64_t read_time(const CsrRead& access) {
    return access.time.time();
}

// cycle, time, instret and hpmcounter3 to 31 below M-mode: mcounteren, for U-mode scounteren too.
bool counter_allowed(const HartState& hart, std::uint16_t number) {
    const Control& control = hart.control;
    const std::uint64_t mask = std::uint64_t{1} << (number & 31);
    switch (control.privilege) {
    case Privilege::Machine: return true;
    case Privilege::Supervisor: return (control.mcounteren & mask) != 0;
    case Privilege::User: return (control.mcounteren & control.scounteren & mask) != 0;
    }
    return false;
}

// ---------------------------------------------------------------- status (3.1.6, 4.1.1)

constexpr std::uint64_t kContextFields = mstatus::kMprv | mstatus::kMpp | mstatus::kSum | mstatus::kMxr |
                                         mstatus::kFs | mstatus::kTvm | mstatus::kTw | mstatus::kTsr;

Effect set_status(HartState& hart, std::uint64_t status) {
    const std::uint64_t changed = status ^ hart.control.mstatus;
    hart.control.mstatus = status;
    derive_sd(hart);
    Effect effect = (changed & kContextFields) != 0 ? Effect::Translation : Effect::None;
    if ((changed & (mstatus::kSie | mstatus::kMie)) != 0)
        effect = effect | Effect::Interrupts;
    return effect;
}

std::uint64_t read_sstatus(const CsrRead& access) {
    return access.hart.control.mstatus & mstatus::kSupervisorVisible;
}
Effect write_mstatus(const CsrWrite& access) {
    const std::uint64_t old = access.hart.control.mstatus;
    std::uint64_t value = (old & ~mstatus::kWritable) | (access.value & mstatus::kWritable);
    constexpr std::uint64_t kReservedMpp = 2;
    if ((value & mstatus::kMpp) >> mstatus::kMppShift == kReservedMpp)
        value = (value & ~mstatus::kMpp) | (old & mstatus::kMpp);
    return set_status(access.hart, value);
}
Effect write_sstatus(const CsrWrite& access) {
    const std::uint64_t old = access.hart.control.mstatus;
    return set_status(access.hart,
                      (old & ~mstatus::kSupervisorWritable) | (access.value & mstatus::kSupervisorWritable));
}

// ---------------------------------------------------------------- interrupts (3.1.8, 3.1.9, 4.1.3)

std::uint64_t read_mip(const CsrRead& access) {
    return pending_interrupts(access.hart);
}
std::uint64_t read_sip(const CsrRead& access) {
    return pending_interrupts(access.hart) & access.hart.control.mideleg;
}
std::uint64_t read_sie(const CsrRead& access) {
    return access.hart.control.mie & access.hart.control.mideleg;
}
Effect set_pending(HartState& hart, std::uint64_t writable, std::uint64_t value) {
    hart.control.mip = (hart.control.mip & ~writable) | (value & writable);
    return Effect::Interrupts;
}
Effect write_mip(const CsrWrite& access) {
    // With Sstc in use STIP is the comparison's outcome and cannot be written.
    const bool comparator = (access.hart.control.menvcfg & envcfg::kStce) != 0;
    const std::uint64_t writable =
        comparator ? kSupervisorInterrupts & ~bit(Interrupt::SupervisorTimer) : kSupervisorInterrupts;
    return set_pending(access.hart, writable, access.value);
}
Effect write_sip(const CsrWrite& access) {
    return set_pending(access.hart, bit(Interrupt::SupervisorSoftware) & access.hart.control.mideleg,
                       access.value);
}
Effect write_sie(const CsrWrite& access) {
    Control& control = access.hart.control;
    control.mie = (control.mie & ~control.mideleg) | (access.value & control.mideleg);
    return Effect::Interrupts;
}

// ---------------------------------------------------------------- supervisor timer (Sstc)

bool stimecmp_allowed(const HartState& hart, std::uint16_t) {
    const Control& control = hart.control;
    return control.privilege == Privilege::Machine ||
           ((control.menvcfg & envcfg::kStce) != 0 && (control.mcounteren & kCounterTime) != 0);
}
Effect write_stimecmp(const CsrWrite& access) {
    access.hart.control.stimecmp = access.value;
    update_supervisor_timer(access.hart, access.time.time());
    return Effect::Interrupts;
}
Effect write_menvcfg(const CsrWrite& access) {
    Control& control = access.hart.control;
    const std::uint64_t old = control.menvcfg;
    control.menvcfg = access.value & (envcfg::kFiom | envcfg::kStce);
    if (((old ^ control.menvcfg) & envcfg::kStce) != 0)
        set_interrupt_line(access.hart, Interrupt::SupervisorTimer, false);
    update_supervisor_timer(access.hart, access.time.time());
    return Effect::Interrupts;
}

// ---------------------------------------------------------------- translation and protection

bool satp_allowed(const HartState& hart, std::uint16_t) {
    return hart.control.privilege != Privilege::Supervisor || (hart.control.mstatus & mstatus::kTvm) == 0;
}
// A write with a mode other than Bare and Sv39 has no effect at all (4.1.11).
Effect write_satp(const CsrWrite& access) {
    const std::uint64_t mode = satp::mode(access.value);
    if (mode != satp::kModeBare && mode != satp::kModeSv39)
        return Effect::None;
    std::uint64_t& value = access.hart.control.satp;
    const std::uint64_t old = value;
    value = access.value;
    if (satp::mode(old) != mode)
        return Effect::Translation | Effect::FlushTlb;
    return old != value ? Effect::Translation : Effect::None;
}

std::uint64_t read_pmpcfg_csr(const CsrRead& access) {
    return read_pmpcfg(access.hart.control.pmp, access.number & 3u);
}
Effect write_pmpcfg_csr(const CsrWrite& access) {
    write_pmpcfg(access.hart.control.pmp, access.number & 3u, access.value);
    return Effect::Translation | Effect::FlushTlb;
}
std::uint64_t read_pmpaddr_csr(const CsrRead& access) {
    return access.hart.control.pmp.address[access.number & 15u];
}
Effect write_pmpaddr_csr(const CsrWrite& access) {
    write_pmpaddr(access.hart.control.pmp, access.number & 15u, access.value);
    return Effect::Translation | Effect::FlushTlb;
}

// ---------------------------------------------------------------- the table

constexpr std::uint64_t kCounters = 0xFFFF'FFFF;
constexpr std::uint64_t kEvenAddress = ~std::uint64_t{1}; // xepc with compressed instructions

struct Row : CsrDescriptor {
    constexpr Row(Csr csr, const char* csr_text, decltype(read) reader, decltype(write) writer,
                  decltype(allowed) condition = nullptr)
        : Row(csr, csr, csr_text, reader, writer, condition) {}
    constexpr Row(Csr from, Csr to, const char* csr_text, decltype(read) reader, decltype(write) writer,
                  decltype(allowed) condition = nullptr)
        : CsrDescriptor{static_cast<std::uint16_t>(from),
                        static_cast<std::uint16_t>(to),
                        csr_text,
                        condition,
                        reader,
                        writer} {}
};

constexpr Row kTable[] = {
    {Fflags, "fflags", read_fflags, write_fflags, fp_allowed},
    {Frm, "frm", read_frm, write_frm, fp_allowed},
    {Fcsr, "fcsr", read_fcsr, write_fcsr, fp_allowed},
    {Cycle, "cycle", read_counter<&Control::cycle_offset, kCounterCycle>, nullptr, counter_allowed},
    {Time, "time", read_time, nullptr, counter_allowed},
    {Instret, "instret", read_counter<&Control::instret_offset, kCounterInstret>, nullptr, counter_allowed},
    {Hpmcounter3, Hpmcounter31, "hpmcounter", read_zero, nullptr, counter_allowed},

    {Sstatus, "sstatus", read_sstatus, write_sstatus},
    {Sie, "sie", read_sie, write_sie},
    {Stvec, "stvec", read_field<&Control::stvec>, write_tvec<&Control::stvec>},
    {Scounteren, "scounteren", read_field<&Control::scounteren>,
     write_field<&Control::scounteren, kCounters>},
    {Senvcfg, "senvcfg", read_field<&Control::senvcfg>, write_field<&Control::senvcfg, envcfg::kFiom>},
    {Sscratch, "sscratch", read_field<&Control::sscratch>, write_field<&Control::sscratch>},
    {Sepc, "sepc", read_field<&Control::sepc>, write_field<&Control::sepc, kEvenAddress>},
    {Scause, "scause", read_field<&Control::scause>, write_field<&Control::scause>},
    {Stval, "stval", read_field<&Control::stval>, write_field<&Control::stval>},
    {Sip, "sip", read_sip, write_sip},
    {Stimecmp, "stimecmp", read_field<&Control::stimecmp>, write_stimecmp, stimecmp_allowed},
    {Satp, "satp", read_field<&Control::satp>, write_satp, satp_allowed},

    {Mvendorid, "mvendorid", read_zero, nullptr},
    {Marchid, "marchid", read_zero, nullptr},
    {Mimpid, "mimpid", read_zero, nullptr},
    {Mhartid, "mhartid", read_field<&Control::hart_id>, nullptr},
    {Mconfigptr, "mconfigptr", read_zero, nullptr},
    {Mstatus, "mstatus", read_field<&Control::mstatus>, write_mstatus},
    {Misa, "misa", read_constant<kMisa>, nullptr},
    {Medeleg, "medeleg", read_field<&Control::medeleg>, write_field<&Control::medeleg, kDelegableExceptions>},
    {Mideleg, "mideleg", read_field<&Control::mideleg>,
     write_field<&Control::mideleg, kSupervisorInterrupts, Effect::Interrupts>},
    {Mie, "mie", read_field<&Control::mie>, write_field<&Control::mie, kAllInterrupts, Effect::Interrupts>},
    {Mtvec, "mtvec", read_field<&Control::mtvec>, write_tvec<&Control::mtvec>},
    {Mcounteren, "mcounteren", read_field<&Control::mcounteren>,
     write_field<&Control::mcounteren, kCounters>},
    {Menvcfg, "menvcfg", read_field<&Control::menvcfg>, write_menvcfg},
    {Mcountinhibit, "mcountinhibit", read_field<&Control::mcountinhibit>, write_mcountinhibit},
    {Mhpmevent3, Mhpmevent31, "mhpmevent", read_zero, nullptr},
    {Mscratch, "mscratch", read_field<&Control::mscratch>, write_field<&Control::mscratch>},
    {Mepc, "mepc", read_field<&Control::mepc>, write_field<&Control::mepc, kEvenAddress>},
    {Mcause, "mcause", read_field<&Control::mcause>, write_field<&Control::mcause>},
    {Mtval, "mtval", read_field<&Control::mtval>, write_field<&Control::mtval>},
    {Mip, "mip", read_mip, write_mip},
    {Pmpcfg0, "pmpcfg0", read_pmpcfg_csr, write_pmpcfg_csr},
    {Pmpcfg2, "pmpcfg2", read_pmpcfg_csr, write_pmpcfg_csr},
    {Pmpaddr0, Pmpaddr15, "pmpaddr", read_pmpaddr_csr, write_pmpaddr_csr},
    {Mcycle, "mcycle", read_counter<&Control::cycle_offset, kCounterCycle>,
     write_counter<&Control::cycle_offset, kCounterCycle>},
    {Minstret, "minstret", read_counter<&Control::instret_offset, kCounterInstret>,
     write_counter<&Control::instret_offset, kCounterInstret>},
    {Mhpmcounter3, Mhpmcounter31, "mhpmcounter", read_zero, nullptr},
};

constexpr std::size_t kNumbers = 4096;
static_assert(std::size(kTable) < 255);

// CSR number to row of the table plus one; 0 where nothing is implemented.
constexpr auto kRowOf = [] {
    std::array<std::uint8_t, kNumbers> rows{};
    for (std::size_t row = 0; row < std::size(kTable); ++row)
        for (std::size_t number = kTable[row].first; number <= kTable[row].last; ++number)
            rows[number] = static_cast<std::uint8_t>(row + 1);
    return rows;
}();

} // namespace

const CsrDescriptor* find_csr(std::uint16_t number) {
    if (number >= kNumbers || kRowOf[number] == 0)
        return nullptr;
    return &kTable[kRowOf[number] - 1];
}

} // namespace ashlar::jit::riscv64
