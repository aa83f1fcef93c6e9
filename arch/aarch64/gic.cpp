#include "arch/aarch64/gic.h"

#include "arch/aarch64/clock.h"
#include "arch/aarch64/console.h"
#include "arch/aarch64/el2/virtual_cpu.h"
#include "arch/aarch64/registers.h"
#include "arch/cpu.h"
#include "arch/pci.h"

namespace ashlar::arch {
namespace {

constexpr unsigned kKick = 0;         // a software-generated interrupt
constexpr unsigned kMaintenance = 25; // of the list registers
constexpr unsigned kFirstShared = 32, kFirstSpecial = 1020;
constexpr std::uint8_t kPriority = 0xa0;

constexpr std::uint64_t kDistributorSize = 0x1'0000, kRedistributorFrame = 0x1'0000;
// Distributor.
constexpr std::uint64_t kControl = 0x0000, kGroup = 0x0080, kSetEnable = 0x0100, kClearEnable = 0x0180,
                        kPriorities = 0x0400, kRoute = 0x6000;
constexpr std::uint32_t kAffinityRouting = 1 << 4, kEnableGroup1 = 1 << 1, kWritePending = 1u << 31;
// Redistributor; its second frame has the registers of private interrupts, at the distributor's offsets.
constexpr std::uint64_t kType = 0x0008, kWaker = 0x0014;
constexpr std::uint32_t kProcessorSleep = 1 << 1, kChildrenAsleep = 1 << 2;
constexpr std::uint64_t kTypeLast = 1 << 4, kTypeVirtualLpis = 1 << 1;

constinit std::uint64_t distributor = 0, redistributor = 0; // virtual
constinit InterruptController in_use{};

template <class T>
volatile T& at(std::uint64_t base, std::uint64_t offset) {
    return *reinterpret_cast<volatile T*>(base + offset);
}

// Spins until a register's bits are clear; hardware that never gets there is given up.
bool wait_clear(std::uint64_t base, std::uint64_t offset, std::uint32_t bits) {
    for (unsigned spins = 0; spins != 1'000'000; ++spins)
        if ((at<std::uint32_t>(base, offset) & bits) == 0)
            return true;
    return false;
}

// Aff3.Aff2.Aff1.Aff0 as GICR_TYPER has them.
std::uint32_t affinity() {
    const std::uint64_t mpidr = READ_REGISTER(mpidr_el1);
    return static_cast<std::uint32_t>((mpidr >> 8 & 0xff00'0000) | (mpidr & 0x00ff'ffff));
}

Status find_redistributor() {
    const std::uint64_t begin = reinterpret_cast<std::uint64_t>(physical_to_virtual(in_use.redistributors));
    for (std::uint64_t offset = 0; offset + 2 * kRedistributorFrame <= in_use.redistributors_size;) {
        const std::uint64_t type = at<std::uint64_t>(begin + offset, kType);
        if (type >> 32 == affinity()) {
            redistributor = begin + offset;
            return {};
        }
        if ((type & kTypeLast) != 0)
            break;
        offset += ((type & kTypeVirtualLpis) != 0 ? 4 : 2) * kRedistributorFrame;
    }
    return Error::NotFound;
}

// Private ones have their registers in the redistributor's second frame.
void enable(unsigned interrupt) {
    const std::uint64_t base = interrupt < kFirstShared ? redistributor + kRedistributorFrame : distributor;
    const std::uint32_t bit = std::uint32_t{1} << interrupt % 32;
    const std::uint64_t word = interrupt / 32 * 4;
    at<std::uint32_t>(base, kGroup + word) = at<std::uint32_t>(base, kGroup + word) | bit;
    at<std::uint8_t>(base, kPriorities + interrupt) = kPriority;
    if (interrupt >= kFirstShared)
        at<std::uint64_t>(distributor, kRoute + 8 * std::uint64_t{interrupt}) =
            READ_REGISTER(mpidr_el1) & 0xff'00ff'ffff;
    at<std::uint32_t>(base, kSetEnable + word) = bit;
}

Status wake_redistributor() {
    at<std::uint32_t>(redistributor, kWaker) = at<std::uint32_t>(redistributor, kWaker) & ~kProcessorSleep;
    if (!wait_clear(redistributor, kWaker, kChildrenAsleep))
        return Error::Unsupported;
    at<std::uint32_t>(redistributor + kRedistributorFrame, kClearEnable) = ~std::uint32_t{0};
    return {};
}

void enable_cpu_interface() {
    constexpr std::uint64_t kSystemRegisters = 1, kLowerMayUse = 8;
    WRITE_REGISTER(icc_sre_el2, READ_REGISTER(icc_sre_el2) | kSystemRegisters | kLowerMayUse);
    synchronize_context();
    WRITE_REGISTER(icc_pmr_el1, 0xff); // every priority
    WRITE_REGISTER(icc_ctlr_el1, 0);   // EOI drops priority and deactivates
    WRITE_REGISTER(icc_igrpen1_el1, 1);
    synchronize_context();
}

void dispatch(unsigned interrupt) {
    if (interrupt == in_use.timer)
        take_timer_interrupt();
    else if (interrupt == in_use.virtual_timer)
        el2::El2Cpu::take_timer_interrupt();
    else if (interrupt == in_use.console)
        take_console_interrupt();
}

} // namespace

Status initialize_interrupts(const InterruptController& controller, Sink& diagnostics) {
    constexpr unsigned kSystemRegisterInterface = 24; // ID_AA64PFR0_EL1.GIC
    if (controller.distributor == PhysicalAddress() ||
        id_field(READ_REGISTER(id_aa64pfr0_el1), kSystemRegisterInterface) == 0) {
        format(diagnostics, "ashlar: gic: this machine has no GICv3; under QEMU, gic-version=3 makes one\n");
        return Error::Unsupported;
    }
    in_use = controller;
    ASHLAR_TRY(map_device(controller.distributor, kDistributorSize));
    ASHLAR_TRY(map_device(controller.redistributors, controller.redistributors_size));
    distributor = reinterpret_cast<std::uint64_t>(physical_to_virtual(controller.distributor));
    ASHLAR_TRY(find_redistributor());
    at<std::uint32_t>(distributor, kControl) = kAffinityRouting | kEnableGroup1;
    if (!wait_clear(distributor, kControl, kWritePending))
        return Error::Unsupported;
    ASHLAR_TRY(wake_redistributor());
    enable_cpu_interface();
    for (const unsigned interrupt : {kKick, kMaintenance, controller.timer, controller.virtual_timer})
        enable(interrupt);
    if (controller.console != 0) {
        enable(controller.console);
        enable_console_interrupt();
    } else {
        format(diagnostics, "ashlar: console: no interrupt, input is polled\n");
    }
    return {};
}

void take_interrupt() {
    for (;;) {
        const std::uint64_t interrupt = READ_REGISTER(icc_iar1_el1) & 0xff'ffff;
        if (interrupt >= kFirstSpecial)
            return;
        asm volatile("dsb sy" : : : "memory");
        dispatch(static_cast<unsigned>(interrupt));
        WRITE_REGISTER(icc_eoir1_el1, interrupt);
        synchronize_context();
    }
}

// There is one CPU: this one.
void kick(unsigned) {
    const std::uint64_t mpidr = READ_REGISTER(mpidr_el1);
    const std::uint64_t aff1 = mpidr >> 8 & 0xff, aff2 = mpidr >> 16 & 0xff, aff3 = mpidr >> 32 & 0xff;
    const std::uint64_t target = std::uint64_t{1} << (mpidr & 0xf), range = mpidr >> 4 & 0xf;
    asm volatile("dsb ishst" : : : "memory");
    WRITE_REGISTER(icc_sgi1r_el1,
                   aff3 << 48 | range << 44 | aff2 << 32 | std::uint64_t{kKick} << 24 | aff1 << 16 | target);
    synchronize_context();
}

} // namespace ashlar::arch
