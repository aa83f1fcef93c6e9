#include "kernel/bundle.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

class BundleTest : public KernelTest {
protected:
    BundleTest() : KernelTest(256 * kMiB) {
        virtualization().embedded_translator = translator_.view();
        program = ProgramImage(add_program([](arch::fake::VirtualCpu&) { return power_off(); })).text();
        archive.add("program", program).add("short", "x");
    }

    // Starts the VMs of `conf` and runs them to their end; everything must come back.
    BundleResult start(const std::string& conf) {
        const std::uint64_t before = free_frames();
        archive.add("ashlar.conf", conf);
        const BundleResult result = start_bundle(archive.finish(), frames, hypervisor, scheduler);
        text = output();
        well = scheduler.run();
        EXPECT_EQ(free_frames(), before);
        return result;
    }
    // The start of one VM fails, with these lines; the one behind it starts all the same.
    void expect_rejected(const std::string& section, std::initializer_list<std::string_view> lines) {
        SCOPED_TRACE(section);
        const BundleResult result = start(section + kGood);
        EXPECT_EQ(result.started, 1u);
        EXPECT_EQ(result.rejected, 1u);
        for (const std::string_view line : lines)
            EXPECT_NE(text.find(line), std::string::npos) << line << "\nis missing from\n" << text;
        EXPECT_NE(text.find("ashlar: vm good: native"), std::string::npos) << text;
        EXPECT_TRUE(well);
    }

    static constexpr const char* kGood =
        "[vm good]\nkind = native\nmemory = 2M\nprivate = 2M\nkernel = program\n";
    Archive archive;
    Scheduler scheduler;
    std::string program, text;
    bool well = false;

private:
    ProgramImage translator_{add_program([](arch::fake::VirtualCpu&) { return power_off(); })};
};

TEST_F(BundleTest, VmsStartInTheOrderOfTheConfiguration) {
    const BundleResult result = start(std::string(kGood) + R"([vm linux]
kind = riscv64
memory = 4M
private = 4M
vcpus = 2
node = 0
kernel = short
disk = program, readonly
disk = program
)");
    EXPECT_EQ(result.started, 2u);
    EXPECT_EQ(result.rejected, 0u);
    const std::string placed =
        ": policy local, memory node 0 100.0 %, cpu 0 of node 0, mean distance 10.0\r\n";
    EXPECT_EQ(text, "ashlar: vm good: native, 2 MiB, 1 vcpu, 0 disks, node any\r\nashlar: vm good" + placed +
                        "ashlar: vm linux: riscv64, 4 MiB, 2 vcpus, 2 disks, node 0\r\nashlar: vm linux" +
                        placed);
    EXPECT_TRUE(well);
}

TEST_F(BundleTest, MissingImagesAreAllNamedWithTheirLines) {
    expect_rejected("[vm bad]\nmemory = 2M\nprivate = 2M\nkernel = k\ninitrd = i\ndisk = d\nfirmware = f\n",
                    {"ashlar: ashlar.conf:4: the bundle has no image k (not found)",
                     "ashlar: ashlar.conf:5: the bundle has no image i (not found)",
                     "ashlar: ashlar.conf:6: the bundle has no image d (not found)",
                     "ashlar: ashlar.conf:7: the bundle has no image f (not found)",
                     "ashlar: vm bad: not started"});
}

TEST_F(BundleTest, PassthroughNeedsAnIommu) {
    expect_rejected("[vm bad]\nmemory = 2M\nprivate = 2M\nkernel = short\n"
                    "disk = pci:00:04.0, mode = passthrough\n",
                    {"ashlar: ashlar.conf:5: disk pci:00:04.0: mode passthrough needs an IOMMU, and none is "
                     "in use",
                     "ashlar: vm bad: not started"});
}

TEST_F(BundleTest, MistakesAreNamedWithTheirLines) {
    expect_rejected("# VMs\n[vm bad]\nmemory = 2M\nkernel = short\nmemmory = 1G\n",
                    {"ashlar: ashlar.conf:5: unknown key 'memmory'", "ashlar: vm bad: not started"});
}

TEST_F(BundleTest, TooLittleMemoryIsAMessageOfTheMemorysLine) {
    expect_rejected("[vm bad]\nkernel = short\nprivate = 2M\nmemory = 64G\n",
                    {"ashlar: ashlar.conf:4: not enough memory: 65538 MiB are needed, 254 MiB are free",
                     "ashlar: vm bad: not started"});
}

TEST_F(BundleTest, NodesThatTheMachineLacksAreNamed) {
    for (const std::string policy : {"", "policy = bind\n", "policy = preferred\n"}) {
        archive = Archive().add("program", program).add("short", "x");
        expect_rejected(
            "[vm bad]\nmemory = 2M\nprivate = 2M\nkernel = short\nnode = 7\n" + policy,
            {"ashlar: ashlar.conf:5: the machine has no NUMA node 7", "ashlar: vm bad: not started"});
    }
}

TEST_F(BundleTest, NodesOfAPolicyThatTheMachineLacksAreNamed) {
    expect_rejected(
        "[vm bad]\nmemory = 2M\nprivate = 2M\nkernel = short\nnode = 9\npolicy = interleave 0-3\n",
        {"ashlar: ashlar.conf:5: the machine has no NUMA node 9",
         "ashlar: ashlar.conf:6: the machine has no NUMA node 1", "ashlar: vm bad: not started"});
}

TEST_F(BundleTest, KernelsThatAreNoProgramsAreNamedWithTheirLine) {
    expect_rejected(
        "[vm bad]\nkind = native\nmemory = 2M\nprivate = 2M\nkernel = short\n",
        {"ashlar: ashlar.conf:5: the kernel is no ELF64 executable", "ashlar: vm bad: not started"});
}

TEST_F(BundleTest, WithoutAConfigurationNothingStarts) {
    const BundleResult result = start_bundle(archive.finish(), frames, hypervisor, scheduler);
    EXPECT_EQ(result.started, 0u);
    EXPECT_EQ(result.rejected, 1u);
    EXPECT_EQ(output(), "ashlar: bundle: no ashlar.conf in it: not found\r\n");
}

TEST_F(BundleTest, AConfigurationWithoutVmsIsAMistake) {
    for (const std::string conf : {"", "# nothing\n"}) {
        archive = Archive();
        EXPECT_EQ(start(conf).rejected, 1u);
        EXPECT_EQ(text, "ashlar: ashlar.conf:1: no VM is configured; add a section [vm NAME]\r\n");
    }
}

// The archive comes from outside: whatever it holds, there is a message and no VM.
TEST_F(BundleTest, DamagedArchivesAreSurvived) {
    const std::uint64_t before = free_frames();
    archive.add("ashlar.conf", kGood);
    const Bytes whole = archive.finish();
    std::vector<std::byte> bytes(whole.begin(), whole.end());
    for (std::size_t length = 0; length < bytes.size(); length += 7) {
        Scheduler one;
        const BundleResult result = start_bundle({bytes.data(), length}, frames, hypervisor, one);
        EXPECT_LE(result.started + result.rejected, 1u);
        EXPECT_NE(output(), "");
        one.run();
        output();
        ASSERT_EQ(free_frames(), before) << length;
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        Scheduler one;
        bytes[at] ^= std::byte{0x10};
        static_cast<void>(start_bundle(bytes, frames, hypervisor, one));
        one.run();
        bytes[at] ^= std::byte{0x10};
        output();
        ASSERT_EQ(free_frames(), before) << at;
    }
}

TEST_F(BundleTest, EmbeddedGuestStartsWithoutABundle) {
    virtualization().embedded_guest = std::as_bytes(std::span(program.data(), program.size()));
    const std::uint64_t before = free_frames();
    const BundleResult result = start_embedded_guest(frames, hypervisor, scheduler);
    EXPECT_EQ(result.started, 1u);
    EXPECT_EQ(output(), "ashlar: vm default: riscv64, 64 MiB, 1 vcpu, 0 disks, node any\r\n"
                        "ashlar: vm default: policy local, memory node 0 100.0 %, cpu 0 of node 0, mean "
                        "distance 10.0\r\n");
    EXPECT_TRUE(scheduler.run());
    EXPECT_EQ(free_frames(), before);
}

TEST_F(BundleTest, AMachineTooSmallForTheEmbeddedGuestIsTold) {
    virtualization().embedded_guest = std::as_bytes(std::span(program.data(), program.size()));
    frames.fail_from = frames.allocations + 20;
    EXPECT_EQ(start_embedded_guest(frames, hypervisor, scheduler).rejected, 1u);
    EXPECT_EQ(output(), "ashlar: not enough memory for the VM's own kernel: out of memory\r\n"
                        "ashlar: vm default: not started\r\n");
}

} // namespace
} // namespace ashlar::kernel
