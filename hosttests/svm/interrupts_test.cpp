// Interrupts that the kernel posts, address-space identifiers and flushes: what the control block says at
// each entry.
#include "arch/x86_64/svm/virtual_cpu.h"

#include <set>

#include "hosttests/svm/fake_hardware.h"

namespace ashlar::arch::svm {
namespace {

constexpr std::uint64_t kInterruptFlag = 1 << 9, kVirq = 1 << 8;
constexpr std::uint32_t kVintrIntercept = 1 << 4;

class EntryTest : public SvmTest {
protected:
    SvmCpu& create() {
        SvmCpu& cpu = *SvmCpu::create(memory(), paging()).value();
        cpu.reset({}, 0);
        cpu.load();
        return cpu;
    }
    // One run that a host interrupt ends at once, having changed the VM's state as `set` says.
    Vmcb enter(SvmCpu& cpu, const Hardware& set = {}) {
        Vmcb entered;
        hardware().run = [&](Vmcb& vmcb, GuestRegisters& registers) {
            entered = vmcb;
            vmcb.control.exit_code = 0x60;
            vmcb.control.exit_int_info = 0;
            if (set)
                set(vmcb, registers);
        };
        cpu.run();
        return entered;
    }
    static void allow(Vmcb& vmcb, GuestRegisters&) { vmcb.save.rflags |= kInterruptFlag; }
};

TEST_F(EntryTest, DeliversAnInterruptOnceTheVmTakesIt) {
    SvmCpu& cpu = create();
    cpu.post_interrupt(0xe0);
    cpu.post_interrupt(0xe0);
    EXPECT_FALSE(cpu.has_deliverable_interrupt());
    // Given interrupts off: the hardware is asked to tell when they are on.
    Vmcb entered = enter(cpu, allow);
    EXPECT_EQ(entered.control.event_injection, 0u);
    EXPECT_EQ(entered.control.intercept3 & kVintrIntercept, kVintrIntercept);
    EXPECT_EQ(entered.control.vintr, 0xe0'010e'0100u);
    EXPECT_TRUE(cpu.has_deliverable_interrupt());
    // Then it is delivered, once.
    entered = enter(cpu);
    EXPECT_EQ(entered.control.event_injection, 0x8000'00e0u);
    EXPECT_EQ(entered.control.vintr & kVirq, 0u);
    EXPECT_EQ(entered.control.intercept3 & kVintrIntercept, 0u);
    EXPECT_EQ(enter(cpu).control.event_injection, 0u);
    EXPECT_EQ(cpu.injections(), 1u);
    cpu.destroy();
}

TEST_F(EntryTest, DeliversTheHighestFirstAndWaitsForTheOthers) {
    SvmCpu& cpu = create();
    enter(cpu, allow);
    cpu.post_interrupt(0x40);
    cpu.post_interrupt(0xe1);
    EXPECT_EQ(enter(cpu).control.event_injection, 0x8000'00e1u);
    EXPECT_EQ(enter(cpu).control.event_injection, 0x8000'0040u);
    EXPECT_EQ(cpu.injections(), 2u);
    cpu.destroy();
}

TEST_F(EntryTest, HonoursShadowPriorityAndPendingExceptions) {
    SvmCpu& cpu = create();
    enter(cpu, [](Vmcb& v, GuestRegisters& r) {
        allow(v, r);
        v.control.interrupt_shadow = 1; // after STI
    });
    cpu.post_interrupt(0x50);
    Vmcb entered = enter(cpu, [](Vmcb& v, GuestRegisters&) {
        v.control.interrupt_shadow = 0;
        v.control.vintr |= 5; // the VM's CR8
    });
    EXPECT_EQ(entered.control.event_injection, 0u);
    EXPECT_NE(entered.control.vintr & kVirq, 0u);
    entered = enter(cpu, [](Vmcb& v, GuestRegisters&) {
        EXPECT_EQ(v.control.vintr & 0xff, 5u) << "the VM's CR8 stays";
        v.control.vintr &= ~std::uint64_t{0xff};
        v.control.exit_code = 0x80; // VMRUN, to be answered by #UD
    });
    EXPECT_EQ(entered.control.event_injection, 0u);
    EXPECT_EQ(enter(cpu).control.event_injection, 0x8000'0306u);
    EXPECT_EQ(enter(cpu).control.event_injection, 0x8000'0050u);
    cpu.destroy();
}

TEST_F(EntryTest, FlushesWhenTranslationsWentAway) {
    SvmCpu& cpu = create();
    EXPECT_EQ(enter(cpu).control.tlb_control, 1u); // first use of the identifier
    EXPECT_EQ(enter(cpu).control.tlb_control, 0u);
    const GuestPhysicalAddress from(0x8000'0000);
    ASSERT_TRUE(
        space().map(from, PhysicalAddress(0x10'0000), kPageSize, {}, kernel::MemoryType::WriteBack).ok());
    EXPECT_EQ(enter(cpu).control.tlb_control, 0u);
    ASSERT_TRUE(space().unmap(from, kPageSize).ok());
    EXPECT_EQ(enter(cpu).control.tlb_control, 1u);
    ASSERT_TRUE(space().unmap(from, kPageSize).ok()); // there is nothing
    EXPECT_EQ(enter(cpu).control.tlb_control, 0u);
    hardware().features.flush_by_asid = true;
    ASSERT_TRUE(
        space().map(from, PhysicalAddress(0x10'0000), kPageSize, {}, kernel::MemoryType::WriteBack).ok());
    ASSERT_TRUE(space().protect(from, kPageSize, {.read = true, .write = true}).ok());
    EXPECT_EQ(enter(cpu).control.tlb_control, 3u);
    EXPECT_EQ(enter(cpu).control.tlb_control, 0u);
    cpu.destroy();
}

TEST_F(EntryTest, SharesIdentifiersWithoutSharingTranslations) {
    // Given more virtual CPUs than identifiers, of which 0 is the host's.
    hardware().features.asids = 4;
    std::vector<SvmCpu*> cpus;
    std::set<std::uint32_t> identifiers;
    for (unsigned i = 0; i < 6; ++i) {
        cpus.push_back(&create());
        identifiers.insert(enter(*cpus.back()).control.asid);
    }
    EXPECT_EQ(identifiers, (std::set<std::uint32_t>{1, 2, 3}));
    // When one runs after another with its identifier, then it flushes; when after itself, not.
    for (SvmCpu* const cpu : cpus) {
        cpu->load();
        EXPECT_EQ(enter(*cpu).control.tlb_control, 1u);
        cpu->load();
        EXPECT_EQ(enter(*cpu).control.tlb_control, 0u);
    }
    for (SvmCpu* const cpu : cpus)
        cpu->destroy();
}

TEST_F(EntryTest, ForgetsPredictionsBetweenVmsOnly) {
    kernel::AddressSpace* const other_space = create_address_space(memory()).value();
    SvmCpu& first = create();
    SvmCpu& sibling = create();
    SvmCpu& other = *SvmCpu::create(memory(), static_cast<NestedPaging&>(*other_space)).value();
    const unsigned before = hardware().predictor_barriers;
    first.load();
    sibling.load();
    EXPECT_EQ(hardware().predictor_barriers, before);
    other.load();
    EXPECT_EQ(hardware().predictor_barriers, before + 1);
    first.load();
    EXPECT_EQ(hardware().predictor_barriers, before + 2);
    for (SvmCpu* const cpu : {&first, &sibling, &other})
        cpu->destroy();
    destroy(other_space);
}

TEST_F(EntryTest, GivesFramesBackWhenCreationFails) {
    const std::uint64_t before = held();
    for (std::uint64_t room = 0; room < 3; ++room) {
        frames().limit = before + room;
        EXPECT_FALSE(SvmCpu::create(memory(), paging()).ok());
        EXPECT_EQ(held(), before);
    }
}

} // namespace
} // namespace ashlar::arch::svm
