// The linked translator, as the hypervisor will load it. Runs in the root of the tree, after the image is
// built.
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "lib/address.h"
#include "lib/elf.h"
#include "lib/vm_abi.h"

namespace ashlar {
namespace {

class TranslatorImage : public testing::Test {
protected:
    void SetUp() override {
        std::ifstream stream("build/x86_64/translator.elf", std::ios::binary);
        const std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
        ASSERT_FALSE(file.empty()) << "build/x86_64/translator.elf is not there";
        bytes.assign(reinterpret_cast<const std::byte*>(file.data()),
                     reinterpret_cast<const std::byte*>(file.data()) + file.size());
        Result<elf::File> parsed = elf::File::parse(bytes);
        ASSERT_TRUE(parsed.ok());
        image.emplace(std::move(parsed).value());
        ASSERT_TRUE(image
                        ->for_each_segment([this](const elf::Segment& segment) -> Status {
                            segments.push_back(segment);
                            return {};
                        })
                        .ok());
    }
    static std::uint64_t end_of(const elf::Segment& segment) {
        return segment.virtual_address + segment.memory_size;
    }

    std::vector<std::byte> bytes;
    std::optional<elf::File> image;
    std::vector<elf::Segment> segments;
};

TEST_F(TranslatorImage, IsAnExecutableThatNeedsNoRelocation) {
    EXPECT_TRUE(image->is_for(elf::Machine::X86_64));
    EXPECT_EQ(image->type(), elf::Type::Executable);
}

TEST_F(TranslatorImage, LiesWhereTheContractSays) {
    constexpr std::uint64_t kReach = std::uint64_t{1} << 30;
    for (const elf::Segment& segment : segments) {
        EXPECT_GE(segment.virtual_address, abi::kImageVirtualBase);
        EXPECT_LE(end_of(segment), abi::kImageVirtualBase + kReach);
        EXPECT_EQ(segment.virtual_address % kPageSize, 0u);
    }
}

TEST_F(TranslatorImage, HasNoSegmentThatIsWritableAndExecutable) {
    unsigned executable = 0, writable = 0;
    for (const elf::Segment& segment : segments) {
        EXPECT_FALSE(segment.write && segment.execute);
        executable += segment.execute;
        writable += segment.write;
        if (segment.execute) {
            EXPECT_LE(segment.virtual_address, image->entry());
            EXPECT_LT(image->entry(), end_of(segment));
        }
    }
    EXPECT_EQ(executable, 1u);
    EXPECT_EQ(writable, 1u);
}

TEST_F(TranslatorImage, SegmentsShareNoPage) {
    for (std::size_t i = 1; i < segments.size(); ++i)
        EXPECT_GE(segments[i].virtual_address / kPageSize, (end_of(segments[i - 1]) - 1) / kPageSize + 1);
}

TEST_F(TranslatorImage, IsSmall) {
    std::uint64_t loaded = 0;
    for (const elf::Segment& segment : segments)
        loaded += segment.file.size();
    std::cout << "translator.elf: " << bytes.size() << " bytes, " << loaded << " of them loaded\n";
    EXPECT_LT(bytes.size(), 2u << 20);
}

} // namespace
} // namespace ashlar
