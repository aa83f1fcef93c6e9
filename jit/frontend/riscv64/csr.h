// Numbers and fields of the control and status registers.
// Specification: Privileged Architecture 1.12, chapter 2 (numbers), 3.1 (machine) and 4.1 (supervisor).
#pragma once

#include <cstdint>

#include "jit/frontend/riscv64/state.h"

namespace ashlar::jit::riscv64 {

enum class Csr : std::uint16_t {
    Fflags = 0x001,
    Frm = 0x002,
    Fcsr = 0x003,
    Cycle = 0xC00,
    Time = 0xC01,
    Instret = 0xC02,
    Hpmcounter3 = 0xC03,
    Hpmcounter31 = 0xC1F,
    Sstatus = 0x100,
    Sie = 0x104,
    Stvec = 0x105,
    Scounteren = 0x106,
    Senvcfg = 0x10A,
    Sscratch = 0x140,
    Sepc = 0x141,
    Scause = 0x142,
    Stval = 0x143,
    Sip = 0x144,
    Stimecmp = 0x14D,
    Satp = 0x180,
    Mstatus = 0x300,
    Misa = 0x301,
    Medeleg = 0x302,
    Mideleg = 0x303,
    Mie = 0x304,
    Mtvec = 0x305,
    Mcounteren = 0x306,
    Menvcfg = 0x30A,
    Mcountinhibit = 0x320,
    Mhpmevent3 = 0x323,
    Mhpmevent31 = 0x33F,
    Mscratch = 0x340,
    Mepc = 0x341,
    Mcause = 0x342,
    Mtval = 0x343,
    Mip = 0x344,
    Pmpcfg0 = 0x3A0,
    Pmpcfg2 = 0x3A2,
    Pmpaddr0 = 0x3B0,
    Pmpaddr15 = 0x3BF,
    Mcycle = 0xB00,
    Minstret = 0xB02,
    Mhpmcounter3 = 0xB03,
    Mhpmcounter31 = 0xB1F,
    Mvendorid = 0xF11,
    Marchid = 0xF12,
    Mimpid = 0xF13,
    Mhartid = 0xF14,
    Mconfigptr = 0xF15,
};

// The architectural name ("mstatus"), or nullptr when this hart does not implement the number.
const char* csr_name(std::uint16_t number);

// mstatus and, where S-mode sees the field, sstatus.
namespace mstatus {
constexpr std::uint64_t kSie = 1u << 1, kMie = 1u << 3, kSpie = 1u << 5, kMpie = 1u << 7, kSpp = 1u << 8;
constexpr unsigned kMppShift = 11, kFsShift = 13;
constexpr std::uint64_t kMpp = 3u << kMppShift, kFs = 3u << kFsShift, kMprv = 1u << 17, kSum = 1u << 18,
                        kMxr = 1u << 19, kTvm = 1u << 20, kTw = 1u << 21, kTsr = 1u << 22;
constexpr std::uint64_t kUxl64 = std::uint64_t{2} << 32, kSxl64 = std::uint64_t{2} << 34,
                        kSd = std::uint64_t{1} << 63;
constexpr std::uint64_t kWritable =
    kSie | kMie | kSpie | kMpie | kSpp | kMpp | kFs | kMprv | kSum | kMxr | kTvm | kTw | kTsr;
constexpr std::uint64_t kSupervisorWritable = kSie | kSpie | kSpp | kFs | kSum | kMxr;
constexpr std::uint64_t kSupervisorVisible = kSupervisorWritable | (kUxl64 | kUxl64 >> 1) | kSd;

enum class FloatingPoint : std::uint8_t { Off = 0, Initial = 1, Clean = 2, Dirty = 3 };
constexpr FloatingPoint fs(std::uint64_t status) {
    return static_cast<FloatingPoint>((status & kFs) >> kFsShift);
}
constexpr Privilege mpp(std::uint64_t status) {
    return static_cast<Privilege>((status & kMpp) >> kMppShift);
}
} // namespace mstatus

constexpr std::uint64_t bit(Interrupt line) {
    return static_cast<std::uint64_t>(line);
}
constexpr std::uint64_t kSupervisorInterrupts =
    bit(Interrupt::SupervisorSoftware) | bit(Interrupt::SupervisorTimer) | bit(Interrupt::SupervisorExternal);
constexpr std::uint64_t kMachineInterrupts =
    bit(Interrupt::MachineSoftware) | bit(Interrupt::MachineTimer) | bit(Interrupt::MachineExternal);
constexpr std::uint64_t kAllInterrupts = kSupervisorInterrupts | kMachineInterrupts;

// medeleg: every exception that can happen below M-mode (3.1.8).
constexpr std::uint64_t kDelegableExceptions = 0xB3FF;

// misa: RV64 with A, C, D, F, I, M, S and U.
constexpr std::uint64_t kMisa =
    std::uint64_t{2} << 62 | 1u << 0 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 8 | 1u << 12 | 1u << 18 | 1u << 20;

// mcounteren and scounteren; the other 29 bits gate hpmcounter3 to 31.
constexpr std::uint64_t kCounterCycle = 1u << 0, kCounterTime = 1u << 1, kCounterInstret = 1u << 2;

namespace envcfg {
constexpr std::uint64_t kFiom = 1u << 0, kStce = std::uint64_t{1} << 63;
}

// satp (4.1.11).
namespace satp {
constexpr std::uint64_t kModeBare = 0, kModeSv39 = 8;
constexpr std::uint64_t kPpn = (std::uint64_t{1} << 44) - 1;
constexpr std::uint64_t mode(std::uint64_t value) {
    return value >> 60;
}
constexpr std::uint16_t asid(std::uint64_t value) {
    return static_cast<std::uint16_t>(value >> 44);
}
} // namespace satp

// pmpcfg fields and pmpaddr (3.7.1).
namespace pmpcfg {
constexpr std::uint8_t kRead = 1, kWrite = 2, kExecute = 4, kLock = 0x80, kAddressMode = 0x18;
constexpr std::uint8_t kOff = 0, kTor = 0x08, kNa4 = 0x10, kNapot = 0x18;
constexpr std::uint64_t kAddress = (std::uint64_t{1} << 54) - 1;
} // namespace pmpcfg

// mip as software and the interrupt logic see it: SEIP is the written bit or the external line.
inline std::uint64_t pending_interrupts(const HartState& hart) {
    return hart.control.mip |
           (hart.control.external_seip != 0 ? bit(Interrupt::SupervisorExternal) : std::uint64_t{0});
}

// Whether floating-point instructions are legal (mstatus.FS is not Off), and noting that one of them changed
// f registers, fflags or frm.
inline bool fp_enabled(const HartState& hart) {
    return (hart.control.mstatus & mstatus::kFs) != 0;
}
inline void mark_fp_dirty(HartState& hart) {
    hart.control.mstatus |= mstatus::kFs | mstatus::kSd;
}
// SD says that an extension's state is dirty: it follows FS whenever that changes.
inline void derive_sd(HartState& hart) {
    const bool dirty = mstatus::fs(hart.control.mstatus) == mstatus::FloatingPoint::Dirty;
    hart.control.mstatus = (hart.control.mstatus & ~mstatus::kSd) | (dirty ? mstatus::kSd : 0);
}

} // namespace ashlar::jit::riscv64
