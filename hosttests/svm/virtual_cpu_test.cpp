#include "arch/x86_64/svm/virtual_cpu.h"

#include "hosttests/svm/fake_hardware.h"

namespace ashlar::arch::svm {
namespace {

using kernel::MemoryFault;
using kernel::VmExit;
using Reason = VmExit::Reason;

constexpr std::uint64_t kRip = 0xffff'a000'0000'1000, kInterruptFlag = 1 << 9;
constexpr std::uint64_t kInvalidOpcode = 0x8000'0306, kGeneralProtection = 0x8000'0b0d;

class VirtualCpuTest : public SvmTest {
protected:
    VirtualCpuTest() : cpu(*SvmCpu::create(memory(), paging()).value()) {
        cpu.reset({.entry = kRip,
                   .stack_top = 0xffff'a000'0001'0000,
                   .boot_info = 0xffff'a000'0002'0000,
                   .entry_tables = GuestPhysicalAddress(0x40'0000'3000)},
                  0);
        cpu.load();
    }
    ~VirtualCpuTest() override {
        cpu.save();
        cpu.destroy();
    }

    // Runs until an exit with `code`; `set` says what else the hardware leaves. A copy of what it left and
    // was given is in `block`.
    VmExit exit_with(std::uint64_t code, const Hardware& set = {}) {
        hardware().run = [&](Vmcb& vmcb, GuestRegisters& registers) {
            entered = vmcb;
            vmcb.control.exit_code = code;
            vmcb.control.exit_info1 = vmcb.control.exit_info2 = vmcb.control.exit_int_info = 0;
            vmcb.control.next_rip = 0;
            if (set)
                set(vmcb, registers);
        };
        return cpu.run();
    }
    // What the next run starts with.
    const Vmcb& enter() {
        exit_with(0x60);
        return entered;
    }

    SvmCpu& cpu;
    Vmcb entered{};
};

TEST_F(VirtualCpuTest, StartsInTheEntryStateOfTheAbi) {
    GuestRegisters registers{};
    exit_with(0x60, [&](Vmcb&, GuestRegisters& r) { registers = r; });
    const SaveArea& save = entered.save;
    EXPECT_EQ(save.rip, kRip);
    EXPECT_EQ(save.rsp, 0xffff'a000'0001'0000);
    EXPECT_EQ(registers.rdi, 0xffff'a000'0002'0000);
    EXPECT_EQ(registers.rbx | registers.rsi | registers.r15 | save.rax, 0u);
    EXPECT_EQ(save.cr3, 0x40'0000'3000u);
    EXPECT_EQ(save.rflags, 2u);
    EXPECT_EQ(save.cpl, 0u);
    EXPECT_EQ(save.efer, 0x1500u); // SVME (which VMRUN demands), LMA, LME
    EXPECT_EQ(entered.control.nested_control, 1u);
    EXPECT_EQ(entered.control.nested_cr3, paging().root().value());
    EXPECT_NE(entered.control.asid, 0u); // the host's
}

TEST_F(VirtualCpuTest, AlwaysInterceptsWhatReachesTheHost) {
    const ControlArea& control = enter().control;
    constexpr std::uint32_t kEvents = 0xf /* INTR, NMI, SMI, INIT */ | 1u << 15 | 1u << 18 | 1u << 19 |
                                      1u << 22 | 1u << 24 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 29 |
                                      1u << 30 | 1u << 31;
    EXPECT_EQ(control.intercept3 & kEvents, kEvents);
    constexpr std::uint32_t kInstructions = 0x7eff; // VMRUN to SKINIT, RDTSCP, WBINVD to RDPRU
    EXPECT_EQ(control.intercept4 & kInstructions, kInstructions);
    EXPECT_EQ(control.intercept_exceptions, 1u << 1 | 1u << 17 | 1u << 18); // #DB, #AC, #MC
    EXPECT_EQ(control.intercept_dr_read & control.intercept_dr_write & 0xf, 0xf);
    EXPECT_NE(control.vintr >> 24 & 1, 0u) << "else the VM's flag masks the host's interrupts";
    EXPECT_EQ(control.iopm_base, port_permissions().value());
    EXPECT_EQ(control.msrpm_base, msr_permissions().value());
}

TEST_F(VirtualCpuTest, GivesHypercallsWithRegistersAndPrivilege) {
    const VmExit exit = exit_with(0x81, [](Vmcb& vmcb, GuestRegisters& r) {
        vmcb.save.rax = 7;
        r.rdi = 1, r.rsi = 2, r.rdx = 3, r.r10 = 4, r.r8 = 5;
    });
    EXPECT_EQ(exit.reason, Reason::Hypercall);
    EXPECT_EQ(exit.hypercall.number, 7u);
    EXPECT_EQ(exit.hypercall.arguments, (std::array<std::uint64_t, 5>{1, 2, 3, 4, 5}));
    EXPECT_TRUE(exit.hypercall.privileged);
    cpu.complete_hypercall(abi::Status::NotFound, 42);
    exit_with(0x81, [](Vmcb& vmcb, GuestRegisters& r) {
        EXPECT_EQ(vmcb.save.rax, 4u);
        EXPECT_EQ(r.rdx, 42u);
        EXPECT_EQ(vmcb.save.rip, kRip + 3);
        vmcb.save.cpl = 3;
    });
    EXPECT_FALSE(
        exit_with(0x81, [](Vmcb& vmcb, GuestRegisters&) { vmcb.save.cpl = 3; }).hypercall.privileged);
}

TEST_F(VirtualCpuTest, SkipsInstructionsAndTheirInterruptShadow) {
    // HLT after STI: the shadow ends with it.
    EXPECT_EQ(exit_with(0x78, [](Vmcb& v, GuestRegisters&) { v.control.interrupt_shadow = 1; }).reason,
              Reason::Halt);
    EXPECT_EQ(enter().save.rip, kRip + 1);
    EXPECT_EQ(entered.control.interrupt_shadow, 0u);
    exit_with(0x89); // WBINVD
    EXPECT_EQ(enter().save.rip, kRip + 3);
    // A CPU that tells the next instruction is believed: prefixes count.
    hardware().features.next_rip = true;
    exit_with(0x72, [](Vmcb& v, GuestRegisters&) { v.control.next_rip = kRip + 9; });
    EXPECT_EQ(enter().save.rip, kRip + 9);
}

TEST_F(VirtualCpuTest, DecodesMemoryFaults) {
    const auto fault = [&](std::uint64_t info) {
        return exit_with(0x400,
                         [&](Vmcb& v, GuestRegisters&) {
                             v.control.exit_info1 = info;
                             v.control.exit_info2 = 0x1234'5678;
                         })
            .memory;
    };
    EXPECT_EQ(fault(0x1'0000'0004).access, MemoryFault::Access::Read);
    EXPECT_EQ(fault(0x1'0000'0006).access, MemoryFault::Access::Write);
    EXPECT_EQ(fault(0x1'0000'0014).access, MemoryFault::Access::Execute);
    EXPECT_FALSE(fault(0x1'0000'0006).during_walk);
    EXPECT_TRUE(fault(0x2'0000'0006).during_walk);
    EXPECT_EQ(fault(0).address, GuestPhysicalAddress(0x1234'5678));
    EXPECT_EQ(enter().save.rip, kRip);
}

TEST_F(VirtualCpuTest, DecodesPortAccesses) {
    const auto access = [&](std::uint64_t info) {
        return exit_with(0x7b, [&](Vmcb& v, GuestRegisters&) { v.control.exit_info1 = info; }).port;
    };
    const auto in = access(0x03f8'0011), out = access(0x0cf8'0240); // with address-size bits of some CPUs
    EXPECT_EQ(in.port, 0x3f8);
    EXPECT_EQ(in.size, 1);
    EXPECT_FALSE(in.write);
    EXPECT_EQ(out.port, 0xcf8);
    EXPECT_EQ(out.size, 4);
    EXPECT_TRUE(out.write);
}

TEST_F(VirtualCpuTest, AnswersForbiddenInstructionsWithInvalidOpcode) {
    for (const std::uint64_t code :
         {0x80, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8b, 0x8c, 0x8e, 0x73, 0x7a, 0x20, 0x33}) {
        EXPECT_EQ(exit_with(code).reason, Reason::Emulated) << std::hex << code;
        EXPECT_EQ(enter().control.event_injection, kInvalidOpcode) << std::hex << code;
        EXPECT_EQ(entered.save.rip, kRip);
        EXPECT_EQ(enter().control.event_injection, 0u) << "delivered once";
    }
    exit_with(0x6f); // RDPMC: there are no counters
    EXPECT_EQ(enter().control.event_injection, kGeneralProtection);
}

TEST_F(VirtualCpuTest, AnswersMsrs) {
    const auto access = [&](bool write, std::uint32_t msr, std::uint64_t value) {
        return exit_with(0x7c, [=](Vmcb& v, GuestRegisters& r) {
            v.control.exit_info1 = write;
            r.rcx = msr;
            r.rdx = value >> 32;
            v.save.rax = value & 0xffff'ffff;
        });
    };
    constexpr std::uint32_t kEfer = 0xc000'0080, kApicBase = 0x1b, kVmCr = 0xc001'0114, kHsave = 0xc001'0117;
    for (const std::uint32_t msr : {kApicBase, kVmCr, kHsave, 0x1d9u /* DEBUGCTL */, 0x48u, 0x1234'5678u})
        for (const bool write : {false, true}) {
            EXPECT_EQ(access(write, msr, 0).reason, Reason::SystemRegister);
            EXPECT_EQ(enter().control.event_injection, kGeneralProtection) << std::hex << msr;
        }
    access(false, kEfer, 0);
    EXPECT_EQ(enter().save.rax, 0x500u); // the VM does not see SVME
    access(true, kEfer, 0xd01);          // SYSCALL and no-execute
    EXPECT_EQ(enter().save.efer, 0x1d01u);
    EXPECT_EQ(entered.control.event_injection, 0u);
    for (const std::uint64_t bad : {0x1d01u /* SVME */, 0x2d01u /* LMSLE */, 0x4501u /* FFXSR */,
                                    0xc01u /* no LME while paging */, 0x502u}) {
        access(true, kEfer, bad);
        EXPECT_EQ(enter().control.event_injection, kGeneralProtection) << std::hex << bad;
        EXPECT_EQ(entered.save.efer, 0x1d01u);
    }
}

TEST_F(VirtualCpuTest, ChecksXsetbv) {
    const auto answer = [&](std::uint64_t cr4, std::uint8_t cpl) {
        exit_with(0x8d, [=](Vmcb& v, GuestRegisters& r) {
            v.save.cr4 = cr4;
            v.save.cpl = cpl;
            v.save.rax = 0; // not even x87
            r.rcx = r.rdx = 0;
        });
        return enter().control.event_injection;
    };
    EXPECT_EQ(answer(0x20, 0), kInvalidOpcode);
    EXPECT_EQ(answer(0x4'0020, 0), kGeneralProtection);
    EXPECT_EQ(answer(0x4'0020, 3), kGeneralProtection);
}

TEST_F(VirtualCpuTest, EndsExceptionLoopsThatWouldHangTheHost) {
    EXPECT_EQ(exit_with(0x41).reason, Reason::Emulated);
    EXPECT_EQ(enter().control.event_injection, 0x8000'0301u);
    exit_with(0x51);
    EXPECT_EQ(enter().control.event_injection, 0x8000'0b11u);
    const auto during_delivery = [](Vmcb& v, GuestRegisters&) { v.control.exit_int_info = 0x8000'0301; };
    EXPECT_EQ(exit_with(0x41, during_delivery).reason, Reason::Shutdown);
    EXPECT_EQ(exit_with(0x51, during_delivery).reason, Reason::Shutdown);
}

TEST_F(VirtualCpuTest, DeliversAnEventAgainThatAnExitCutShort) {
    const auto cut = [&](std::uint64_t event) {
        exit_with(0x60, [=](Vmcb& v, GuestRegisters&) { v.control.exit_int_info = event; });
        return enter().control.event_injection;
    };
    EXPECT_EQ(cut(0x8000'00e0), 0x8000'00e0u);     // an interrupt
    EXPECT_EQ(cut(0x5'8000'0b0e), 0x5'8000'0b0eu); // #PF with its error code
    EXPECT_EQ(cut(0x8000'0480), 0u);               // INT 0x80 is executed again
    EXPECT_EQ(cut(0x8000'0303), 0u);               // INT3 too
}

TEST_F(VirtualCpuTest, RefusesNothingSilently) {
    EXPECT_EQ(exit_with(0xffff'ffff).reason, Reason::InvalidState);
    EXPECT_EQ(exit_with(~std::uint64_t{0}).reason, Reason::InvalidState);
    EXPECT_EQ(exit_with(0x7f).reason, Reason::Shutdown);
    const VmExit unknown = exit_with(0x7d);
    EXPECT_EQ(unknown.reason, Reason::Unexpected);
    EXPECT_EQ(unknown.hardware_code, 0x7du);
}

} // namespace
} // namespace ashlar::arch::svm
