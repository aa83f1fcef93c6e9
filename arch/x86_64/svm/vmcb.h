// The virtual machine control block (AMD64 Architecture Programmer's Manual, volume 2, appendix B).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch::svm {

// Intercepts of the instruction and event words, as bit numbers of word 3 (offset 0x00c) and 4 (0x010).
namespace intercept3 {
enum : std::uint32_t {
    kIntr = 1u << 0,
    kNmi = 1u << 1,
    kSmi = 1u << 2,
    kInit = 1u << 3,
    kVintr = 1u << 4,
    kRdpmc = 1u << 15,
    kCpuid = 1u << 18,
    kRsm = 1u << 19,
    kInvd = 1u << 22,
    kHlt = 1u << 24,
    kInvlpga = 1u << 26,
    kIoio = 1u << 27,
    kMsr = 1u << 28,
    kTaskSwitch = 1u << 29,
    kFerrFreeze = 1u << 30,
    kShutdown = 1u << 31,
};
} // namespace intercept3
namespace intercept4 {
enum : std::uint32_t {
    kVmrun = 1u << 0,
    kVmmcall = 1u << 1,
    kVmload = 1u << 2,
    kVmsave = 1u << 3,
    kStgi = 1u << 4,
    kClgi = 1u << 5,
    kSkinit = 1u << 6,
    kRdtscp = 1u << 7,
    kWbinvd = 1u << 9,
    kMonitor = 1u << 10,
    kMwait = 1u << 11,
    kMwaitArmed = 1u << 12,
    kXsetbv = 1u << 13,
    kRdpru = 1u << 14,
};
} // namespace intercept4

// The virtual interrupt word (offset 0x060).
namespace vintr {
constexpr std::uint64_t kTpr = 0xff, kIrq = 1 << 8, kPriority = 0xf << 16, kIgnoreTpr = 1 << 20,
                        kMasking = 1 << 24;
constexpr unsigned kPriorityShift = 16, kVectorShift = 32;
} // namespace vintr

// EVENTINJ and EXITINTINFO.
namespace event {
constexpr std::uint64_t kVector = 0xff, kType = 7 << 8, kTypeInterrupt = 0 << 8, kTypeException = 3 << 8,
                        kTypeSoftware = 4 << 8, kErrorCodeValid = 1 << 11, kValid = std::uint64_t{1} << 31;
constexpr unsigned kErrorCodeShift = 32;
constexpr unsigned kBreakpoint = 3, kOverflow = 4;

// INT n, INT3 or INTO.
constexpr bool is_by_instruction(std::uint64_t information) {
    const std::uint64_t type = information & kType, vector = information & kVector;
    return type == kTypeSoftware ||
           (type == kTypeException && (vector == kBreakpoint || vector == kOverflow));
}
} // namespace event

// TLB_CONTROL.
constexpr std::uint8_t kFlushNothing = 0, kFlushAll = 1, kFlushThisAsid = 3;

struct SegmentRegister {
    std::uint16_t selector;
    std::uint16_t attributes; // descriptor bits 40-47 and 52-55
    std::uint32_t limit;
    std::uint64_t base;
};
static_assert(sizeof(SegmentRegister) == 16);

struct ControlArea {
    std::uint16_t intercept_cr_read, intercept_cr_write, intercept_dr_read, intercept_dr_write;
    std::uint32_t intercept_exceptions;
    std::uint32_t intercept3, intercept4, intercept5;
    std::uint8_t reserved018[0x3c - 0x18];
    std::uint16_t pause_filter_threshold, pause_filter_count;
    std::uint64_t iopm_base, msrpm_base, tsc_offset;
    std::uint32_t asid;
    std::uint8_t tlb_control;
    std::uint8_t reserved05d[3];
    std::uint64_t vintr, interrupt_shadow;
    std::uint64_t exit_code, exit_info1, exit_info2, exit_int_info;
    std::uint64_t nested_control; // bit 0: nested paging
    std::uint8_t reserved098[0xa8 - 0x98];
    std::uint64_t event_injection, nested_cr3, lbr_control, clean_bits, next_rip;
    std::uint8_t reserved0d0[0x400 - 0xd0];
};
static_assert(offsetof(ControlArea, iopm_base) == 0x40 && offsetof(ControlArea, asid) == 0x58);
static_assert(offsetof(ControlArea, vintr) == 0x60 && offsetof(ControlArea, exit_code) == 0x70);
static_assert(offsetof(ControlArea, nested_control) == 0x90 &&
              offsetof(ControlArea, event_injection) == 0xa8);
static_assert(offsetof(ControlArea, nested_cr3) == 0xb0 && offsetof(ControlArea, next_rip) == 0xc8);

struct SaveArea {
    SegmentRegister es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    std::uint8_t reserved0a0[0xcb - 0xa0];
    std::uint8_t cpl;
    std::uint32_t reserved0cc;
    std::uint64_t efer;
    std::uint8_t reserved0d8[0x148 - 0xd8];
    std::uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    std::uint8_t reserved180[0x1d8 - 0x180];
    std::uint64_t rsp;
    std::uint8_t reserved1e0[0x1f8 - 0x1e0];
    std::uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip,
        cr2;
    std::uint8_t reserved248[0x268 - 0x248];
    std::uint64_t pat;
    std::uint8_t reserved270[0xc00 - 0x270];
};
static_assert(offsetof(SaveArea, cpl) == 0xcb && offsetof(SaveArea, efer) == 0xd0);
static_assert(offsetof(SaveArea, cr4) == 0x148 && offsetof(SaveArea, rip) == 0x178);
static_assert(offsetof(SaveArea, rsp) == 0x1d8 && offsetof(SaveArea, rax) == 0x1f8);
static_assert(offsetof(SaveArea, cr2) == 0x240 && offsetof(SaveArea, pat) == 0x268);

struct Vmcb {
    ControlArea control;
    SaveArea save;
};
static_assert(sizeof(Vmcb) == 0x1000 && offsetof(Vmcb, save) == 0x400);

} // namespace ashlar::arch::svm
