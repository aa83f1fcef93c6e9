#include "kernel/devices.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

struct TextSink final : Sink {
    void write(std::string_view part) override { text += part; }
    std::string text;
};

// The last 2 MiB of the fake machine's memory are configuration space of two buses.
class DevicesTest : public KernelTest {
protected:
    DevicesTest() {
        boot.ranges[0].size = 62 * kMiB - boot.ranges[0].base.value();
        std::memset(at({}), 0xff, 2 * kMiB);
    }
    static std::byte* at(pci::FunctionAddress place) {
        return machine().memory + kEcam + (std::size_t{place.bus} << 20 | std::size_t{place.device} << 15);
    }
    static void put(pci::FunctionAddress place, std::uint32_t identity, std::uint32_t classes) {
        std::memset(at(place), 0, 4096);
        store_le(at(place), identity);
        store_le(at(place) + 8, classes);
    }
    void add_segment(std::uint64_t base, std::uint16_t segment, std::uint8_t first, std::uint8_t last) {
        boot.pci_segments[boot.pci_segment_count++] = {PhysicalAddress(base), segment, first, last};
    }
    std::string find() {
        TextSink sink;
        devices.find(boot, hypervisor, sink);
        return sink.text;
    }
    static constexpr std::uint64_t kEcam = 62 * kMiB;
    Devices devices;
};

TEST_F(DevicesTest, ListsWhatIsInMemory) {
    put({0, 0, 0, 0}, 0x29c0'8086, 0x0600'0000);
    put({0, 0, 3, 0}, 0x1042'1af4, 0x0100'0000);
    add_segment(kEcam, 0, 0, 1);
    EXPECT_EQ(find(), "ashlar: pci         2 functions, configuration in memory\n"
                      "ashlar: pci         00:00.0 8086:29c0 06.00.00 host bridge\n"
                      "ashlar: pci         00:03.0 1af4:1042 01.00.00 SCSI\n");
    ASSERT_EQ(devices.functions().size(), 2u);
    EXPECT_EQ(devices.config().read16({0, 0, 3, 0}, 2), 0x1042);
}

TEST_F(DevicesTest, SegmentsThatMakeNoSenseAreLeftOut) {
    put({0, 0, 0, 0}, 0x29c0'8086, 0x0600'0000);
    add_segment(kEcam - kMiB, 1, 0, 1);                 // half in usable memory
    add_segment(kEcam, 2, 0, 255);                      // past the memory that can be mapped
    add_segment(~std::uint64_t{0} - kMiB + 1, 3, 0, 1); // wraps
    add_segment(kEcam, 4, 1, 0);                        // empty
    add_segment(kEcam, 5, 0, 0);
    add_segment(kEcam, 5, 0, 0); // twice
    const std::string text = find();
    EXPECT_NE(text.find("pci: segment 1 at 0x3d00000 left out: overlaps\n"), std::string::npos) << text;
    EXPECT_NE(text.find("pci: segment 2 at 0x3e00000 left out: out of range\n"), std::string::npos);
    EXPECT_NE(text.find("pci: segment 3 at 0xfffffffffff00000 left out: overlaps\n"), std::string::npos);
    EXPECT_EQ(text.find("segment 4"), std::string::npos);
    EXPECT_NE(text.find("pci: segment 5 at 0x3e00000 left out: overlaps\n"), std::string::npos);
    EXPECT_NE(text.find("pci         1 function, configuration in memory\n"), std::string::npos);
    EXPECT_NE(text.find("pci         0005:00:00.0 8086:29c0"), std::string::npos);
}

TEST_F(DevicesTest, AMachineWithoutPciHasNone) {
    EXPECT_EQ(find(), "ashlar: pci         none\n");
    EXPECT_TRUE(devices.functions().empty());
}

TEST_F(DevicesTest, NoMemoryForTheListIsSaid) {
    put({0, 0, 0, 0}, 0x29c0'8086, 0x0600'0000);
    add_segment(kEcam, 0, 0, 1);
    frames.fail_from = frames.allocations;
    EXPECT_EQ(find(), "ashlar: pci: no memory for the list of functions: out of memory\n");
    EXPECT_TRUE(devices.functions().empty());
}

} // namespace
} // namespace ashlar::kernel
