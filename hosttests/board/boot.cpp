#include "jit/board/boot.h"

#include <gtest/gtest.h>

#include "fakes.h"
#include "lib/fdt_reader.h"

namespace ashlar::jit::board {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// A riscv ELF64 with one segment at `physical` and, optionally, tohost and fromhost.
std::vector<std::byte> make_elf(std::uint64_t virtual_address, std::uint64_t physical, std::uint64_t entry,
                                std::uint64_t memory_size, bool host_interface) {
    std::vector<std::byte> file(0x400);
    const auto u16 = [&](std::size_t at, std::uint16_t v) { store_le(file.data() + at, v); };
    const auto u32 = [&](std::size_t at, std::uint32_t v) { store_le(file.data() + at, v); };
    const auto u64 = [&](std::size_t at, std::uint64_t v) { store_le(file.data() + at, v); };
    u32(0, 0x464c457f);
    u32(4, 0x00010102);
    u16(16, 2);   // executable
    u16(18, 243); // RISC-V
    u32(20, 1);
    u64(24, entry);
    u64(32, 64);
    u64(40, 0x200);
    u16(52, 64);
    u16(54, 56);
    u16(56, 1);
    u16(58, 64);
    u16(60, host_interface ? 3 : 0);
    u32(64, 1); // PT_LOAD, rwx
    u32(68, 7);
    u64(72, 0x100);
    u64(80, virtual_address);
    u64(88, physical);
    u64(96, 16);
    u64(104, memory_size);
    for (std::size_t i = 0; i < 16; ++i)
        file[0x100 + i] = static_cast<std::byte>(i + 1);
    if (!host_interface)
        return file;
    const char names[] = "\0tohost\0fromhost";
    std::memcpy(file.data() + 0x120, names, sizeof names);
    u32(0x140 + 24, 1);
    u64(0x140 + 32, physical + 0x40);
    u32(0x140 + 48, 8);
    u64(0x140 + 56, physical + 0x80);
    u32(0x240 + 4, 2); // symbol table
    u64(0x240 + 24, 0x140);
    u64(0x240 + 32, 72);
    u32(0x240 + 40, 2);
    u64(0x240 + 56, 24);
    u32(0x280 + 4, 3); // string table
    u64(0x280 + 24, 0x120);
    u64(0x280 + 32, sizeof names);
    return file;
}

std::vector<std::byte> make_linux_image(std::uint64_t memory_size, std::size_t file_size = 4096) {
    std::vector<std::byte> image(file_size, std::byte{0x11});
    store_le(image.data() + 8, std::uint64_t{0x20'0000});
    store_le(image.data() + 16, memory_size);
    store_le(image.data() + 56, std::uint32_t{0x0543'5352});
    return image;
}

class BootTest : public testing::Test {
protected:
    std::optional<BootPlan> load() {
        const auto plan = load_boot_images(ram.memory, images, diagnostics);
        return plan.ok() ? std::optional(plan.value()) : std::nullopt;
    }
    std::byte at(std::uint64_t address) { return *ram.memory.host(GuestPhysicalAddress(address)); }
    fdt::Tree tree(const BootPlan& plan) {
        const std::uint64_t end = ram.memory.base().value() + ram.memory.size();
        return fdt::Tree::parse(Bytes(ram.memory.host(plan.device_tree), end - plan.device_tree.value()))
            .value();
    }

    test::FakeRam ram{64 * kMiB};
    test::TextSink diagnostics;
    BootImages images;
};

TEST_F(BootTest, KernelAloneStartsInSupervisorMode) {
    const auto kernel = make_linux_image(10 * kMiB);
    const std::vector<std::byte> initrd(5000, std::byte{0x77});
    images.kernel = kernel;
    images.initrd = initrd;
    images.command_line = "console=ttyS0";
    const auto plan = load();
    ASSERT_TRUE(plan) << diagnostics.text;
    EXPECT_TRUE(plan->supervisor);
    EXPECT_EQ(plan->entry.value(), 0x8020'0000u);
    EXPECT_EQ(at(0x8020'0000), std::byte{0x11});
    // initrd at half of RAM above the kernel, device tree in the last 2 MiB
    EXPECT_EQ(plan->device_tree.value(), 0x83e0'0000u);
    const fdt::Tree t = tree(*plan);
    const auto chosen = t.find("/chosen");
    EXPECT_EQ(chosen->property("bootargs")->string(), "console=ttyS0");
    EXPECT_EQ(chosen->property("linux,initrd-start")->cell64().value(), 0x8220'0000u);
    EXPECT_EQ(chosen->property("linux,initrd-end")->cell64().value(), 0x8220'0000u + 5000);
    EXPECT_EQ(at(0x8220'0000 + 4999), std::byte{0x77});
    EXPECT_EQ(t.find("/memory")->property("reg")->cell64(8).value(), 64 * kMiB);
}

TEST_F(BootTest, ABigKernelPushesTheInitrdUp) {
    const auto kernel = make_linux_image(40 * kMiB);
    const std::vector<std::byte> initrd(kMiB);
    images.kernel = kernel;
    images.initrd = initrd;
    const auto plan = load();
    ASSERT_TRUE(plan) << diagnostics.text;
    const auto start = tree(*plan).find("/chosen")->property("linux,initrd-start")->cell64().value();
    EXPECT_EQ(start, 0x8020'0000u + 40 * kMiB);
}

TEST_F(BootTest, ABigInitrdGoesRightBehindTheKernel) {
    const auto kernel = make_linux_image(2 * kMiB);
    const std::vector<std::byte> initrd(40 * kMiB);
    images.kernel = kernel;
    images.initrd = initrd;
    const auto plan = load();
    ASSERT_TRUE(plan) << diagnostics.text;
    EXPECT_EQ(tree(*plan).find("/chosen")->property("linux,initrd-start")->cell64().value(), 0x8040'0000u);
}

TEST_F(BootTest, FirmwareStartsInMachineModeAndLearnsOfTheKernel) {
    const std::vector<std::byte> firmware(1000, std::byte{0x22});
    const auto kernel = make_linux_image(kMiB);
    images.firmware = firmware;
    images.kernel = kernel;
    const auto plan = load();
    ASSERT_TRUE(plan);
    EXPECT_FALSE(plan->supervisor);
    EXPECT_EQ(plan->entry.value(), 0x8000'0000u);
    EXPECT_EQ(at(0x8000'03e7), std::byte{0x22});
    EXPECT_EQ(plan->dynamic_info_words, (std::array<std::uint64_t, 6>{0x4942534f, 2, 0x8020'0000, 1, 0, 0}));
    EXPECT_EQ(plan->dynamic_info.value(), 0x1000u);
}

TEST_F(BootTest, ElfGoesToItsPhysicalAddresses) {
    const auto kernel = make_elf(0xffff'ffff'8000'0000, 0x8040'0000, 0xffff'ffff'8000'0004, 0x1000, false);
    images.kernel = kernel;
    const auto plan = load();
    ASSERT_TRUE(plan) << diagnostics.text;
    EXPECT_TRUE(plan->supervisor);
    EXPECT_EQ(plan->entry.value(), 0x8040'0004u);
    EXPECT_EQ(at(0x8040'000f), std::byte{16});
    EXPECT_EQ(at(0x8040'0010), std::byte{0});
    EXPECT_FALSE(plan->tohost);
}

TEST_F(BootTest, ElfWithTohostStartsInMachineMode) {
    const auto program = make_elf(0x8000'0000, 0x8000'0000, 0x8000'0000, 0x1000, true);
    images.kernel = program;
    EXPECT_FALSE(needs_builtin_sbi(images));
    const auto plan = load();
    ASSERT_TRUE(plan) << diagnostics.text;
    EXPECT_FALSE(plan->supervisor);
    EXPECT_EQ(plan->tohost, GuestPhysicalAddress(0x8000'0040));
    EXPECT_EQ(plan->fromhost, GuestPhysicalAddress(0x8000'0080));
}

TEST_F(BootTest, ExplainsWhatCannotBeLoaded) {
    const auto complaint = [this](const std::vector<std::byte>& kernel) {
        diagnostics.text.clear();
        images.kernel = kernel;
        EXPECT_FALSE(load());
        return diagnostics.text;
    };
    const auto bytes = [](std::string_view text) {
        std::vector<std::byte> result(100);
        std::memcpy(result.data(), text.data(), text.size());
        return result;
    };
    EXPECT_NE(complaint(bytes("\x1f\x8b\x08")).find("gunzip"), std::string::npos);
    EXPECT_NE(complaint(bytes({"\xfd"
                               "7zXZ\0",
                               6}))
                  .find("unxz"),
              std::string::npos);
    EXPECT_NE(complaint(bytes("\x28\xb5\x2f\xfd")).find("zstd"), std::string::npos);
    EXPECT_NE(complaint(bytes("MZ  zimg")).find("uncompressed"), std::string::npos);
    auto elf = make_elf(0x8000'0000, 0x8000'0000, 0x8000'0000, 0x1000, false);
    elf[18] = std::byte{62};
    EXPECT_NE(complaint(elf).find("machine type 62"), std::string::npos);
    elf[18] = std::byte{243};
    elf[4] = std::byte{1};
    EXPECT_NE(complaint(elf).find("64-bit"), std::string::npos);
    EXPECT_NE(complaint(make_elf(0, 0x1000, 0, 0x1000, false)).find("at 0x1000"), std::string::npos);
    EXPECT_NE(complaint(make_elf(0x8000'0000, 0x8000'0000, 0x8000'0000, 8, false)).find("damaged"),
              std::string::npos);
    EXPECT_NE(complaint(make_elf(0, ~std::uint64_t{0} - 10, 0, 0x1000, false)).find("damaged"),
              std::string::npos);
    EXPECT_NE(complaint(make_linux_image(100 * kMiB)).find("more memory"), std::string::npos);
    EXPECT_NE(complaint(make_linux_image(~std::uint64_t{0})).find("more memory"), std::string::npos);
}

TEST_F(BootTest, ExplainsOverlaps) {
    const std::vector<std::byte> firmware(3 * kMiB);
    const auto kernel = make_linux_image(kMiB);
    images.firmware = firmware;
    images.kernel = kernel;
    EXPECT_FALSE(load());
    EXPECT_NE(diagnostics.text.find("the kernel (0x80200000 to 0x80300000) overlaps the firmware"),
              std::string::npos)
        << diagnostics.text;

    diagnostics.text.clear();
    const std::vector<std::byte> initrd(64 * kMiB);
    images.firmware = {};
    images.initrd = initrd;
    EXPECT_FALSE(load());
    EXPECT_NE(diagnostics.text.find("initrd: its 67108864 bytes do not fit"), std::string::npos)
        << diagnostics.text;
}

} // namespace
} // namespace ashlar::jit::board
