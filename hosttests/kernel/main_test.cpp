#include "kernel/boot_information.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

// The whole of the kernel, from the boot information to the machine's power switch. It ends the process: the
// fake machine then prints what was on the console.
class Main : public KernelTest {
protected:
    Main() : KernelTest(256 * kMiB) {
        testing::GTEST_FLAG(death_test_style) = "threadsafe";
        virtualization().embedded_translator = translator_.view();
        virtualization().embedded_guest = translator_.view();
        boot.command_line = "words";
    }
    // Puts a bundle into memory that the boot information takes out of what is usable.
    void load_bundle(const std::string& conf) {
        Archive archive;
        const Bytes bytes = archive.add("ashlar.conf", conf).add("program", program_image.text()).finish();
        boot.bundle = PhysicalAddress(8 * kMiB);
        boot.bundle_size = bytes.size();
        std::memcpy(arch::physical_to_virtual(boot.bundle), bytes.data(), bytes.size());
    }
    void translator_ends_with(VmExit exit) {
        virtualization().programs[kEntry] = [exit](arch::fake::VirtualCpu&) { return exit; };
    }

    static constexpr std::uint64_t kEntry = abi::kImageVirtualBase + 0x777;

private:
    ProgramImage translator_{kEntry};
};

TEST_F(Main, SaysWhatTheMachineIsAndPowersOff) {
    translator_ends_with(power_off());
    boot.ranges[boot.range_count++] = {PhysicalAddress(0xfee00000), 0x1000, MemoryRange::Kind::Reserved};
    EXPECT_EXIT(
        kernel_main(boot), testing::ExitedWithCode(33),
        "ashlar: Ashlar [0-9.]+ fake, 1 cpu found, 1 in use, 1000 MHz counter\r\n"
        "ashlar: cpu         fake\r\n"
        "ashlar: boot        test, command line \"words\"\r\n"
        "ashlar: image       0x0 to 0x0, 0 KiB\r\n"
        "ashlar: memory      0x000000100000 to 0x000010000000 usable\r\n"
        "ashlar: memory      0x0000fee00000 to 0x0000fee01000 reserved\r\n"
        "ashlar: numa        node 0: 25[0-9] MiB, 25[0-9] MiB free, .*\r\n"
        "ashlar: pci         none\r\n"
        "ashlar: iommu       none\r\n"
        "ashlar: virt        fake\r\n"
        "ashlar: bundle      none, running the embedded guest\r\n"
        "ashlar: vm default: riscv64, 64 MiB, 1 vcpu, 0 disks, node any\r\n"
        "ashlar: vm default: policy local, memory node 0 100.0 %, cpu 0 of node 0, mean distance 10.0\r\n"
        "ashlar: 1 VM started\r\n"
        "ashlar: vm default: powered off\r\n"
        "ashlar: all VMs have ended, powering off\r\n$");
}

TEST_F(Main, AFailedVmIsAFailure) {
    translator_ends_with(exit_for(VmExit::Reason::Shutdown));
    EXPECT_EXIT(kernel_main(boot), testing::ExitedWithCode(35),
                "ashlar: vm default: ended with a failure\r\nashlar: all VMs have ended");
}

TEST_F(Main, AVmThatDidNotStartIsAFailure) {
    program_image = ProgramImage(add_program([](arch::fake::VirtualCpu&) { return power_off(); }));
    load_bundle("[vm good]\nkind = native\nmemory = 2M\nkernel = program\n[vm bad]\nkernel = program\n");
    EXPECT_EXIT(kernel_main(boot), testing::ExitedWithCode(35),
                "ashlar: vm bad: not started\r\n"
                "ashlar: 1 VM started, see above for what was not\r\n"
                "ashlar: vm good: powered off");
}

TEST_F(Main, BundlesVmsRun) {
    program_image = ProgramImage(add_program([](arch::fake::VirtualCpu&) { return power_off(); }));
    load_bundle("[vm a]\nkind = native\nmemory = 2M\nkernel = program\n"
                "[vm b]\nkind = native\nmemory = 2M\nkernel = program\n");
    EXPECT_EXIT(kernel_main(boot), testing::ExitedWithCode(33),
                "ashlar: bundle      0 KiB at 0x800000\r\n(.*\r\n)+ashlar: 2 VMs started\r\n");
}

TEST_F(Main, WithoutVirtualizationThereIsAMessage) {
    virtualization().available = false;
    EXPECT_EXIT(kernel_main(boot), testing::ExitedWithCode(35),
                "ashlar: virt        unavailable: the test says so");
}

} // namespace
} // namespace ashlar::kernel
