#include "arch/x86_64/svm/exit_code.h"

#include <gtest/gtest.h>

#include "arch/x86_64/svm/vmcb.h"

namespace ashlar::arch::svm {
namespace {

using Reason = kernel::VmExit::Reason;

Reason reason(std::uint32_t number) {
    return reason_of(static_cast<ExitCode>(number));
}

// Numbers as in the manual's appendix C.
TEST(ExitCode, IsTranslatedIntoTheKernelsVocabulary) {
    const std::pair<std::uint32_t, Reason> expectations[] = {
        {0x60, Reason::Interrupt},          {0x61, Reason::Interrupt}, {0x64, Reason::InterruptWindow},
        {0x72, Reason::Identification},     {0x78, Reason::Halt},      {0x7b, Reason::PortAccess},
        {0x7c, Reason::SystemRegister},     {0x7f, Reason::Shutdown},  {0x81, Reason::Hypercall},
        {0x400, Reason::MemoryFault},       {0x52, Reason::Shutdown},  {0x41, Reason::Emulated},
        {0xffff'ffff, Reason::InvalidState}};
    for (const auto& [number, expected] : expectations)
        EXPECT_EQ(reason(number), expected) << std::hex << number;
}

// VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, RDTSCP, WBINVD, MONITOR, MWAIT (both), XSETBV, RDPRU, RSM, INVD,
// INVLPGA, RDPMC: nothing of this ends the VM.
TEST(ExitCode, KeepsPrivilegedInstructionsWithinTheBackend) {
    for (const std::uint32_t number : {0x80u, 0x82u, 0x83u, 0x84u, 0x85u, 0x86u, 0x87u, 0x89u, 0x8au, 0x8bu,
                                       0x8cu, 0x8du, 0x8eu, 0x73u, 0x76u, 0x7au, 0x6fu})
        EXPECT_EQ(reason(number), Reason::Emulated) << std::hex << number;
    for (std::uint32_t number = 0x20; number < 0x40; ++number)
        EXPECT_EQ(reason(number), Reason::Emulated) << std::hex << number;
}

TEST(ExitCode, OfWhatWasNotAskedForIsUnexpected) {
    for (const std::uint32_t number : {0x00u, 0x10u, 0x40u, 0x4eu, 0x65u, 0x6eu, 0x77u, 0x8fu, 0x401u, 0xffu})
        EXPECT_EQ(reason(number), Reason::Unexpected) << std::hex << number;
}

TEST(EventInformation, OfInstructionsIsTold) {
    EXPECT_TRUE(event::is_by_instruction(0x8000'0480)); // INT 0x80
    EXPECT_TRUE(event::is_by_instruction(0x8000'0303)); // INT3
    EXPECT_TRUE(event::is_by_instruction(0x8000'0304)); // INTO
    EXPECT_FALSE(event::is_by_instruction(0x8000'0020));
    EXPECT_FALSE(event::is_by_instruction(0x8000'030e));
}

// Offsets as in the manual's appendix B, of fields that no other test pins.
TEST(Vmcb, LiesAsTheManualSays) {
    EXPECT_EQ(offsetof(ControlArea, intercept_exceptions), 0x08u);
    EXPECT_EQ(offsetof(ControlArea, intercept3), 0x0cu);
    EXPECT_EQ(offsetof(ControlArea, intercept5), 0x14u);
    EXPECT_EQ(offsetof(ControlArea, tsc_offset), 0x50u);
    EXPECT_EQ(offsetof(ControlArea, tlb_control), 0x5cu);
    EXPECT_EQ(offsetof(ControlArea, interrupt_shadow), 0x68u);
    EXPECT_EQ(offsetof(ControlArea, exit_int_info), 0x88u);
    EXPECT_EQ(offsetof(ControlArea, clean_bits), 0xc0u);
    EXPECT_EQ(offsetof(SaveArea, tr), 0x90u);
    EXPECT_EQ(offsetof(SaveArea, dr6), 0x168u);
    EXPECT_EQ(offsetof(SaveArea, rflags), 0x170u);
    EXPECT_EQ(offsetof(SaveArea, star), 0x200u);
    EXPECT_EQ(offsetof(SaveArea, sysenter_eip), 0x238u);
}

} // namespace
} // namespace ashlar::arch::svm
