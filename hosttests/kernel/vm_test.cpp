#include "kernel/vm.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

using VmTest = KernelTest;

abi::BootInfo boot_info_of(Vm& vm, std::uint64_t virtual_address) {
    abi::BootInfo info;
    EXPECT_TRUE(
        vm.copy_out(GuestPhysicalAddress(virtual_address - abi::kImageVirtualBase + abi::kPrivateBase),
                    std::as_writable_bytes(std::span(&info, 1))));
    return info;
}

TEST_F(VmTest, EntryStateIsThatOfTheContract) {
    // Given
    program_image = ProgramImage(abi::kImageVirtualBase + 0x123, kPageSize, 2 * kPageSize);
    images.program = program_image.view();
    VmConfig config = small_vm();
    config.command_line = "quiet";
    // When
    Vm& vm = create(config);
    // Then: the program lies where it is linked, tables, stack and boot information behind it
    const EntryState& entry = cpu_of(vm).entry;
    EXPECT_EQ(read_memory(vm, abi::kPrivateBase + kPageSize, ProgramImage::kContents.size()),
              ProgramImage::kContents);
    EXPECT_EQ(entry.entry, abi::kImageVirtualBase + 0x123);
    EXPECT_EQ(entry.entry_tables.value(), abi::kPrivateBase + 3 * kPageSize);
    EXPECT_EQ(entry.stack_top % 16, 0u);
    EXPECT_EQ(entry.stack_top, abi::kImageVirtualBase + 5 * kPageSize + 16 * kKiB);
    for (unsigned i = 0; i < arch::entry_table_pages(); ++i) {
        std::uint64_t first = 0;
        ASSERT_TRUE(
            vm.copy_out(entry.entry_tables + i * kPageSize, std::as_writable_bytes(std::span(&first, 1))));
        EXPECT_EQ(first, entry.entry_tables.value() + i) << "entry table " << i;
    }
    const abi::BootInfo info = boot_info_of(vm, entry.boot_info);
    EXPECT_EQ(info.magic, abi::kBootInfoMagic);
    EXPECT_EQ(info.version, abi::kBootInfoVersion);
    EXPECT_EQ(info.size, sizeof info);
    EXPECT_EQ(info.private_size, config.private_memory);
    EXPECT_GE(info.private_used, entry.boot_info + sizeof info - abi::kImageVirtualBase);
    EXPECT_LE(info.private_used, info.private_size);
    EXPECT_EQ(info.ram_size, config.memory);
    EXPECT_EQ(info.tsc_hz, arch::counter_hz());
    EXPECT_EQ(info.wall_clock_ns, arch::boot_wall_clock_ns() + machine().now_ns);
    EXPECT_EQ(cpu_of(vm).counter_origin_ns, machine().now_ns);
    EXPECT_EQ(info.vcpus, 1u);
    ASSERT_EQ(info.blob_count, 1u);
    EXPECT_EQ(info.blobs[0].kind, abi::Blob::Kind::CommandLine);
    EXPECT_EQ(read_memory(vm, info.blobs[0].address, info.blobs[0].size), "quiet");
    vm.destroy();
}

TEST_F(VmTest, BlobsAreReadOnlyAndEachOnItsOwnPages) {
    VmConfig config = small_vm();
    config.kind = VmKind::Riscv64;
    config.tuning[config.tuning_count++] = "a=1";
    config.tuning[config.tuning_count++] = "b=2";
    const std::string kernel(kPageSize + 1, 'k');
    images.kernel = std::as_bytes(std::span(kernel.data(), kernel.size()));
    images.initrd = images.kernel.first(3);
    Vm& vm = create(config);
    const abi::BootInfo info = boot_info_of(vm, cpu_of(vm).entry.boot_info);
    ASSERT_EQ(info.blob_count, 3u);
    EXPECT_EQ(info.blobs[0].kind, abi::Blob::Kind::Kernel);
    EXPECT_EQ(info.blobs[1].kind, abi::Blob::Kind::Initrd);
    EXPECT_EQ(info.blobs[2].kind, abi::Blob::Kind::Tuning);
    EXPECT_EQ(info.blobs[1].address, abi::kBlobBase + 2 * kPageSize);
    EXPECT_EQ(read_memory(vm, info.blobs[0].address, info.blobs[0].size), kernel);
    EXPECT_EQ(read_memory(vm, info.blobs[2].address, info.blobs[2].size), "a=1\nb=2\n");
    for (unsigned i = 0; i < info.blob_count; ++i) {
        const Rights rights =
            vm.space().translate(GuestPhysicalAddress(info.blobs[i].address)).value().rights;
        EXPECT_EQ(rights, (Rights{.read = true, .write = false, .execute = false}));
    }
    const std::byte byte{};
    EXPECT_FALSE(vm.copy_in(GuestPhysicalAddress(info.blobs[0].address), {&byte, 1}));
    vm.destroy();
}

TEST_F(VmTest, RamOfATranslatedGuestIsNotExecutable) {
    VmConfig config = small_vm();
    config.kind = VmKind::Riscv64;
    Vm& translated = create(config);
    Vm& native = create(small_vm());
    const GuestPhysicalAddress ram(abi::kRamBase);
    EXPECT_EQ(translated.space().translate(ram).value().rights, (Rights{true, true, false}));
    EXPECT_EQ(native.space().translate(ram).value().rights, (Rights{true, true, true}));
    translated.destroy();
    native.destroy();
}

TEST_F(VmTest, MapsItsOwnFramesAlone) {
    Vm& first = create("first");
    Vm& second = create("second");
    for (std::uint64_t page = 0; page < 16; ++page)
        for (std::uint64_t other = 0; other < 16; ++other)
            EXPECT_NE(first.space()
                          .translate(GuestPhysicalAddress(abi::kRamBase + page * kPageSize))
                          .value()
                          .address,
                      second.space()
                          .translate(GuestPhysicalAddress(abi::kRamBase + other * kPageSize))
                          .value()
                          .address);
    EXPECT_FALSE(first.space().translate(GuestPhysicalAddress(abi::kRamBase - 1)).ok());
    EXPECT_FALSE(first.space().translate(GuestPhysicalAddress(abi::kRamBase + 16 * kPageSize)).ok());
    EXPECT_FALSE(first.space().translate(GuestPhysicalAddress(abi::kPrivateBase + 32 * kPageSize)).ok());
    EXPECT_FALSE(first.space().translate(GuestPhysicalAddress(0)).ok());
    first.destroy();
    second.destroy();
}

TEST_F(VmTest, CopiesStopAtTheEndOfItsMemory) {
    Vm& vm = create();
    const std::uint64_t end = abi::kRamBase + 16 * kPageSize;
    std::byte bytes[16];
    EXPECT_TRUE(vm.copy_out(GuestPhysicalAddress(end - 16), bytes));
    EXPECT_FALSE(vm.copy_out(GuestPhysicalAddress(end - 15), bytes));
    EXPECT_FALSE(vm.copy_in(GuestPhysicalAddress(end - 15), bytes));
    EXPECT_FALSE(vm.copy_out(GuestPhysicalAddress(~std::uint64_t{0} - 3), bytes));
    EXPECT_FALSE(vm.copy_out(GuestPhysicalAddress((std::uint64_t{1} << 52) + abi::kRamBase), bytes));
    EXPECT_TRUE(vm.copy_out(GuestPhysicalAddress(~std::uint64_t{0}), MutableBytes()));
    vm.destroy();
}

TEST_F(VmTest, TimerFiresOnceWhenDue) {
    Vm& vm = create();
    const std::uint64_t start = machine().now_ns;
    vm.set_timer(500);
    EXPECT_EQ(vm.deadline(), start + 500);
    vm.check_timer(start + 499);
    EXPECT_TRUE(cpu_of(vm).pending.none());
    vm.check_timer(start + 500);
    EXPECT_TRUE(cpu_of(vm).pending.test(abi::kTimerVector));
    EXPECT_EQ(vm.deadline(), ~std::uint64_t{0});
    cpu_of(vm).pending.reset();
    vm.check_timer(start + 1000);
    EXPECT_TRUE(cpu_of(vm).pending.none());
    // Deadlines that do not fit are never due
    for (const std::uint64_t never : {abi::kTimerOff, abi::kTimerOff - 1, ~std::uint64_t{0} - start + 1}) {
        vm.set_timer(never);
        EXPECT_EQ(vm.deadline(), ~std::uint64_t{0});
    }
    vm.destroy();
}

TEST_F(VmTest, TearDownReturnsEveryFrameAThousandTimes) {
    const std::string disk(5 * 512, 'd');
    images.disks[0] = std::as_bytes(std::span(disk.data(), disk.size()));
    images.initrd = images.disks[0];
    VmConfig config = small_vm();
    config.disk_count = 1;
    config.command_line = "x";
    const std::uint64_t before = free_frames();
    for (int round = 0; round < 1000; ++round) {
        Vm& vm = create(config);
        ASSERT_LT(free_frames(), before);
        EXPECT_EQ(vm.statistics().memory_bytes, vm.account().frames * kPageSize);
        vm.destroy();
        ASSERT_EQ(free_frames(), before) << "round " << round;
    }
}

TEST_F(VmTest, LackOfMemoryAtAnyPointReturnsEveryFrame) {
    const std::string disk(3 * kPageSize, 'd');
    images.disks[0] = images.disks[1] = std::as_bytes(std::span(disk.data(), disk.size()));
    VmConfig config = small_vm();
    config.disk_count = 2;
    config.command_line = "x";
    const std::uint64_t before = free_frames(), first = frames.allocations;
    create(config).destroy();
    const std::uint64_t needed = frames.allocations - first;
    for (std::uint64_t n = 0; n < needed; ++n) {
        frames.fail_from = frames.allocations + n;
        BufferSink<256> problem;
        const Result<Vm*> vm = Vm::create(frames, hypervisor, config, images, problem);
        ASSERT_FALSE(vm.ok()) << "allocation " << n;
        EXPECT_EQ(vm.error(), Error::OutOfMemory) << "allocation " << n;
        EXPECT_EQ(free_frames(), before) << "allocation " << n;
        EXPECT_NE(problem.view().find("memory"), std::string_view::npos) << "allocation " << n;
    }
    frames.fail_from = CountingFrames::kNever;
    create(config).destroy();
}

// What is wrong with a program, and a word of the message that says so.
TEST_F(VmTest, ProgramsThatCannotRunAreRefusedWithAMessage) {
    const auto refusal = [&](const ProgramImage& image) {
        images.program = image.view();
        BufferSink<256> problem;
        const std::uint64_t before = free_frames();
        EXPECT_FALSE(Vm::create(frames, hypervisor, small_vm(), images, problem).ok());
        EXPECT_EQ(free_frames(), before);
        return std::string(problem.view());
    };
    ProgramImage not_elf;
    not_elf.poke(0, std::uint32_t{0});
    EXPECT_NE(refusal(not_elf).find("no ELF64"), std::string::npos);
    ProgramImage foreign;
    foreign.poke(ProgramImage::kMachine, std::uint16_t{243});
    EXPECT_NE(refusal(foreign).find("another machine (e_machine 243)"), std::string::npos);
    for (const std::uint64_t address :
         {std::uint64_t{0x100000}, abi::kImageVirtualBase - 1, abi::kImageVirtualBase + 32 * kPageSize,
          ~std::uint64_t{0} - 4 * kPageSize}) {
        ProgramImage elsewhere;
        elsewhere.poke(ProgramImage::kSegmentAddress, address);
        EXPECT_NE(refusal(elsewhere).find("segments do not lie"), std::string::npos) << std::hex << address;
    }
    for (const std::uint64_t size : {32 * kPageSize + 1, ~std::uint64_t{0}}) {
        ProgramImage big;
        big.poke(ProgramImage::kSegmentMemorySize, std::uint64_t{size});
        EXPECT_NE(refusal(big).find("segments do not lie"), std::string::npos) << size;
    }
    ProgramImage full; // leaves no room for tables and stack
    full.poke(ProgramImage::kSegmentMemorySize, std::uint64_t{32 * kPageSize});
    EXPECT_NE(refusal(full).find("no room"), std::string::npos);
    VmConfig config = small_vm();
    config.private_memory = 2048 * kMiB;
    BufferSink<256> problem;
    EXPECT_FALSE(Vm::create(frames, hypervisor, config, images, problem).ok());
    EXPECT_NE(problem.view().find("over 1 GiB"), std::string_view::npos);
}

} // namespace
} // namespace ashlar::kernel
