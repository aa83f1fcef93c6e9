#include "kernel/disk_config.h"

#include <gtest/gtest.h>

#include <string>

namespace ashlar::kernel {
namespace {

using Mode = DiskConfig::Mode;
using Source = DiskConfig::Source;

DiskConfig parsed(std::string_view text) {
    DiskConfig disk;
    BufferSink<200> problem;
    EXPECT_TRUE(parse_disk(text, 7, disk, problem)) << text << ": " << problem.view();
    return disk;
}

std::string problem_of(std::string_view text) {
    DiskConfig disk;
    BufferSink<200> problem;
    EXPECT_FALSE(parse_disk(text, 7, disk, problem)) << text;
    EXPECT_FALSE(problem.truncated()) << text;
    return std::string(problem.view());
}

constexpr const char* kGuid = "partition:C12A7328-f81f-11d2-ba4b-00a0c93ec93b";

TEST(DiskConfig, AnImageIsTheDefault) {
    const DiskConfig disk = parsed("root.img");
    EXPECT_EQ(disk.source, Source::Image);
    EXPECT_EQ(disk.image.name, "root.img");
    EXPECT_EQ(disk.image.line, 7u);
    EXPECT_FALSE(disk.read_only());
    EXPECT_TRUE(parsed("root.img, readonly").read_only());
    EXPECT_TRUE(parsed("root.img,mode=ro").read_only());
    EXPECT_FALSE(parsed("root.img, mode = shadow").read_only());
}

TEST(DiskConfig, ADiskByItsPciAddress) {
    const DiskConfig disk = parsed("pci:00:1f.2");
    EXPECT_EQ(disk.source, Source::Pci);
    EXPECT_EQ(disk.mode, Mode::Shadow);
    EXPECT_EQ(disk.name, "pci:00:1f.2");
    EXPECT_EQ(disk.line, 7u);
    EXPECT_EQ(disk.address, (pci::FunctionAddress{0, 0, 0x1f, 2}));
    EXPECT_EQ(parsed("pci:12aB:fE:00.7").address, (pci::FunctionAddress{0x12ab, 0xfe, 0, 7}));
    EXPECT_FALSE(disk.image.given());
    EXPECT_FALSE(disk.range.has_value());
    EXPECT_EQ(disk.sector_size, 0u);
}

TEST(DiskConfig, ADiskByItsSerialNumber) {
    const DiskConfig disk = parsed("serial:my disk , mode = ro , sector_size = 4096");
    EXPECT_EQ(disk.source, Source::Serial);
    EXPECT_EQ(disk.serial, "my disk");
    EXPECT_EQ(disk.mode, Mode::ReadOnly);
    EXPECT_EQ(disk.sector_size, 4096u);
    EXPECT_EQ(parsed("serial:a,sector_size=512").sector_size, 512u);
    EXPECT_TRUE(parsed("serial:a,sector_size=device").device_sectors);
    EXPECT_EQ(parsed("serial:12345678901234567890").serial.size(), 20u);
}

TEST(DiskConfig, APartitionByItsGuid) {
    const DiskConfig disk = parsed(kGuid);
    EXPECT_EQ(disk.source, Source::Partition);
    EXPECT_EQ(disk.partition, *Guid::parse("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"));
}

TEST(DiskConfig, ARangeInBytesOrSectors) {
    const DiskConfig bytes = parsed("serial:a, range = 1M + 512K");
    ASSERT_TRUE(bytes.range.has_value());
    EXPECT_EQ(bytes.range->offset, 1u << 20);
    EXPECT_EQ(bytes.range->length, 512u << 10);
    const DiskConfig sectors = parsed("pci:00:04.0,range=2048s+8s");
    ASSERT_TRUE(sectors.range.has_value());
    EXPECT_EQ(sectors.range->offset, 1u << 20);
    EXPECT_EQ(sectors.range->length, 4096u);
    EXPECT_TRUE(parsed(std::string(kGuid) + ",range=0+4K").range.has_value());
}

TEST(DiskConfig, PassthroughOfAWholeDevice) {
    EXPECT_EQ(parsed("pci:00:04.0, mode = passthrough").mode, Mode::Passthrough);
    EXPECT_EQ(parsed("serial:a, mode = passthrough, sector_size = device").mode, Mode::Passthrough);
}

TEST(DiskConfig, NamesTheMistake) {
    EXPECT_EQ(problem_of(""), "'disk' names no image");
    EXPECT_EQ(problem_of(",readonly"), "'disk' names no image");
    for (const char* const address : {"", "4", "00:04", "00:04.8", "00:20.0", "0g:04.0", "00-04.0", "00:04:0",
                                      "00:04.0x", "001:00:04.0", "0001-00:04.0", "zzzz:00:04.0"})
        EXPECT_EQ(problem_of("pci:" + std::string(address)),
                  "'pci:" + std::string(address) + "' is no PCI address (such as pci:00:04.0)");
    EXPECT_EQ(problem_of("serial:"), "'serial:' is no serial number: 1 to 20 characters");
    EXPECT_EQ(problem_of("serial:123456789012345678901"),
              "'serial:123456789012345678901' is no serial number: 1 to 20 characters");
    for (const char* const guid :
         {"", "1234", "c12a7328-f81f-11d2-ba4b-00a0c93ec93", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b0",
          "c12a7328-f81f-11d2-ba4b+00a0c93ec93b", "c12a7328-f81f-11d2-ba4b-00a0c93ec93g",
          "00000000-0000-0000-0000-000000000000"})
        EXPECT_EQ(problem_of("partition:" + std::string(guid)),
                  "'partition:" + std::string(guid) + "' is no GUID of a partition");
    EXPECT_EQ(problem_of("a, writeonly"),
              "unknown disk option 'writeonly' (readonly, mode, sector_size, range)");
    EXPECT_EQ(problem_of("a,,readonly"), "unknown disk option '' (readonly, mode, sector_size, range)");
    EXPECT_EQ(problem_of("a,"), "an option of 'disk' is missing behind the last ','");
    EXPECT_EQ(problem_of("serial:a,mode=fast"), "mode 'fast' is not supported (passthrough, shadow, ro)");
    EXPECT_EQ(problem_of("serial:a,mode"), "mode '' is not supported (passthrough, shadow, ro)");
    EXPECT_EQ(problem_of("serial:a,sector_size=520"),
              "sector_size '520' is not supported (512, 4096, device)");
}

TEST(DiskConfig, NamesWhatIsGivenTwice) {
    EXPECT_EQ(problem_of("a,readonly,readonly"), "'mode' is given twice");
    EXPECT_EQ(problem_of("a,mode=ro,readonly"), "'mode' is given twice");
    EXPECT_EQ(problem_of("a,readonly,mode=shadow"), "'mode' is given twice");
    EXPECT_EQ(problem_of("serial:a,sector_size=512,sector_size=512"), "'sector_size' is given twice");
    EXPECT_EQ(problem_of("serial:a,range=0+512,range=0+512"), "'range' is given twice");
}

TEST(DiskConfig, NamesWrongRanges) {
    for (const char* const range : {"", "1M", "+", "1M+", "+1M", "1M-2M", "x+1M", "1s+2t", "1Ms+1M",
                                    "99999999999999999999+512", "36028797018963968s+1s"})
        EXPECT_EQ(problem_of("serial:a,range=" + std::string(range)),
                  "range '" + std::string(range) + "' is not OFFSET+LENGTH (such as 1M+512M or 2048s+8192s)");
    EXPECT_EQ(problem_of("serial:a,range=100+512"), "range '100+512' is not of multiples of 512 bytes");
    EXPECT_EQ(problem_of("serial:a,range=512+100"), "range '512+100' is not of multiples of 512 bytes");
    EXPECT_EQ(problem_of("serial:a,range=0+0"), "range '0+0' is empty or beyond all disks");
    EXPECT_EQ(problem_of("serial:a,range=36028797018963967s+2s"),
              "range '36028797018963967s+2s' is empty or beyond all disks");
}

TEST(DiskConfig, NamesWhatDoesNotGoTogether) {
    for (const char* const option : {"mode=passthrough", "sector_size=4096", "range=0+512"})
        EXPECT_EQ(problem_of("a.img," + std::string(option)),
                  "an image has no mode but shadow and ro, no sector_size and no range: they are for pci:, "
                  "serial: and partition:");
    const std::string whole = "mode passthrough gives the VM the whole device, no part of a disk";
    EXPECT_EQ(problem_of("serial:a,mode=passthrough,range=0+512"), whole);
    EXPECT_EQ(problem_of(std::string(kGuid) + ",mode=passthrough"), whole);
    EXPECT_EQ(problem_of("serial:a,mode=passthrough,sector_size=512"),
              "mode passthrough shows the device as it is: sector_size can only be device");
}

} // namespace
} // namespace ashlar::kernel
