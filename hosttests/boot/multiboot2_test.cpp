#include "arch/x86_64/boot/boot_protocol.h"

#include <gtest/gtest.h>

#include "hosttests/boot/memory.h"

namespace ashlar::arch {
namespace {

using kernel::BootInformation;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

constexpr U64 kInfo = 0x1000;
enum Tag : U32 { kEnd = 0, kCommandLine = 1, kModule = 3, kMap = 6, kRsdp1 = 14, kRsdp2 = 15 };

class Multiboot2Test : public testing::Test {
protected:
    // Writes a tag's head; its contents go to the address returned.
    U64 begin_tag(U32 type, U32 size) {
        const U64 at = kInfo + offset;
        memory.put(at, type);
        memory.put(at + 4, size);
        offset += (size + 7) & ~U32{7};
        memory.put(kInfo, offset);
        return at + 8;
    }
    void add_end() { begin_tag(kEnd, 8); }
    void add_module(U32 begin, U32 end) {
        const U64 at = begin_tag(kModule, 17);
        memory.put(at, begin);
        memory.put(at + 4, end);
    }
    void add_map(U32 entries, U32 entry_size = 24) {
        const U64 at = begin_tag(kMap, 16 + entries * entry_size);
        memory.put(at, entry_size);
        for (U32 i = 0; i < entries; ++i) {
            memory.put(at + 8 + i * entry_size, U64{i} * 0x1000);
            memory.put(at + 8 + i * entry_size + 8, U64{0x1000});
            memory.put(at + 8 + i * entry_size + 16, U32{1});
        }
    }
    Status read(U64 at = kInfo) { return read_multiboot2(memory, PhysicalAddress(at), boot); }
    bool malformed() {
        const Status status = read();
        return !status.ok() && status.error() == Error::Malformed;
    }

    BootMemory memory;
    BootInformation boot{};
    U32 offset = 8;
};

TEST_F(Multiboot2Test, ReadsEverything) {
    memory.put_text(begin_tag(kCommandLine, 8 + 6), "quiet");
    begin_tag(0x1234, 11); // of a kind that nobody knows
    add_module(0x100'0000, 0x100'1234);
    add_map(3);
    const U64 rsdp = begin_tag(kRsdp2, 8 + 36);
    add_end();

    ASSERT_TRUE(read().ok());

    EXPECT_EQ(boot.protocol, "multiboot2");
    EXPECT_EQ(boot.command_line, "quiet");
    EXPECT_EQ(boot.bundle, PhysicalAddress(0x100'0000));
    EXPECT_EQ(boot.bundle_size, 0x1234u);
    EXPECT_EQ(boot.acpi_rsdp, PhysicalAddress(rsdp));
    ASSERT_EQ(boot.range_count, 3u);
    EXPECT_EQ(boot.ranges[2].base, PhysicalAddress(0x2000));
}

TEST_F(Multiboot2Test, PrefersTheNewRsdpWhicheverComesFirst) {
    begin_tag(kRsdp1, 28);
    const U64 rsdp = begin_tag(kRsdp2, 44);
    begin_tag(kRsdp1, 28);
    add_end();
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.acpi_rsdp, PhysicalAddress(rsdp));
}

TEST_F(Multiboot2Test, TakesTheFirstModuleAsBundle) {
    add_module(0x2000, 0x2000); // empty
    add_module(0x3000, 0x1000); // ends before it begins
    add_module(0x4000, 0x5000);
    add_module(0x6000, 0x9000);
    add_end();
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.bundle, PhysicalAddress(0x4000));
    EXPECT_EQ(boot.bundle_size, 0x1000u);
}

TEST_F(Multiboot2Test, EntriesMayBeLargerThanWeKnow) {
    add_map(3, 40);
    add_end();
    ASSERT_TRUE(read().ok());
    ASSERT_EQ(boot.range_count, 3u);
    EXPECT_EQ(boot.ranges[2].base, PhysicalAddress(0x2000));
}

TEST_F(Multiboot2Test, RefusesEntriesTooSmallToAdvance) {
    for (const U32 size : {0u, 8u, 23u}) {
        offset = 8;
        const U64 at = begin_tag(kMap, 16 + 48);
        memory.put(at, size);
        add_end();
        EXPECT_TRUE(malformed()) << size;
    }
}

TEST_F(Multiboot2Test, SurvivesAnEntrySizeThatIsAbsurd) {
    memory.put(begin_tag(kMap, 16 + 48), ~U32{0});
    add_end();
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.range_count, 0u);
}

TEST_F(Multiboot2Test, CountsRangesBeyondCapacity) {
    add_map(BootInformation::kMaxRanges + 9);
    add_end();
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.range_count, BootInformation::kMaxRanges);
    EXPECT_EQ(boot.ranges_dropped, 9u);
}

TEST_F(Multiboot2Test, RefusesATotalSizeThatIsAbsurd) {
    add_end();
    for (const U32 size : {0u, 8u, 15u, 0x10'0001u, ~0u}) {
        memory.put(kInfo, size);
        EXPECT_TRUE(malformed()) << size;
    }
    memory.put(kInfo, U32{0xf001}); // to one byte beyond memory
    EXPECT_FALSE(read().ok());
    EXPECT_FALSE(read(0xfffc).ok());
}

TEST_F(Multiboot2Test, RefusesTagsWithSizesThatAreAbsurd) {
    for (const U32 size : {0u, 1u, 7u, 1000u, ~0u}) {
        offset = 8;
        memory.put(begin_tag(kCommandLine, 16) - 4, size);
        add_end();
        EXPECT_TRUE(malformed()) << size;
    }
}

TEST_F(Multiboot2Test, RefusesInformationWithoutAnEnd) {
    add_module(0x1000, 0x2000);
    add_map(1);
    EXPECT_TRUE(malformed());
    memory.put(kInfo, offset + 4); // half of a tag's head follows
    EXPECT_TRUE(malformed());
}

TEST_F(Multiboot2Test, TagsTooShortForTheirContentsAreSkipped) {
    begin_tag(kModule, 8);
    begin_tag(kModule, 12);
    begin_tag(kMap, 8);
    begin_tag(kCommandLine, 8);
    add_end();
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.bundle_size, 0u);
    EXPECT_EQ(boot.range_count, 0u);
    EXPECT_TRUE(boot.command_line.empty());
}

TEST_F(Multiboot2Test, CommandLineNeedsNoZeroAtItsEnd) {
    memory.put_text(begin_tag(kCommandLine, 8 + 5), "quietXXX");
    add_end();
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(boot.command_line, "quiet");
}

TEST_F(Multiboot2Test, SurvivesBeingCutAnywhere) {
    memory.put_text(begin_tag(kCommandLine, 8 + 6), "quiet");
    add_module(0x100'0000, 0x100'1234);
    add_map(3);
    begin_tag(kRsdp2, 8 + 36);
    add_end();
    for (U32 size = 0; size < offset; ++size) {
        memory.put(kInfo, size);
        EXPECT_FALSE(read().ok()) << size;
    }
}

} // namespace
} // namespace ashlar::arch
