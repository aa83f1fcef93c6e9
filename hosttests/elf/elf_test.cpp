#include "lib/elf.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ashlar::elf {
namespace {

// Builds an ELF64 with two program headers and a symbol table.
class Image {
public:
    Image() : bytes_(0x400) {
        put32(0, 0x464c457f);
        put8(4, 2), put8(5, 1), put8(6, 1);
        put16(16, 2), put16(18, 243), put64(24, 0x80000010);
        put64(32, kProgramHeaders), put64(40, kSectionHeaders);
        put16(54, 56), put16(56, 2), put16(58, 64), put16(60, 3);
        segment(0, 0x6474e551, 6, 0, 0, 0, 0);
        segment(1, 1, 5, 0x300, 0x80000000, 0x20, 0x1000);
        section(1, 2, 0x200, 48, 2);
        section(2, 3, 0x280, 16, 0);
        std::memcpy(&bytes_[0x280], "\0main\0tohost\0", 13);
        symbol(0, 1, 0x80000010);
        symbol(1, 6, 0x80000800);
    }
    static constexpr std::size_t kProgramHeaders = 64, kSectionHeaders = 0x100;

    void segment(unsigned i, std::uint32_t type, std::uint32_t flags, std::uint64_t offset,
                 std::uint64_t address, std::uint64_t file_size, std::uint64_t memory_size) {
        const std::size_t at = kProgramHeaders + i * 56;
        put32(at, type), put32(at + 4, flags), put64(at + 8, offset), put64(at + 16, address);
        put64(at + 24, address), put64(at + 32, file_size), put64(at + 40, memory_size);
    }
    void section(unsigned i, std::uint32_t type, std::uint64_t offset, std::uint64_t size,
                 std::uint32_t link) {
        const std::size_t at = kSectionHeaders + i * 64;
        put32(at + 4, type), put64(at + 24, offset), put64(at + 32, size), put32(at + 40, link);
    }
    void symbol(unsigned i, std::uint32_t name, std::uint64_t value) {
        put32(0x200 + i * 24, name), put64(0x200 + i * 24 + 8, value);
    }
    void put8(std::size_t at, std::uint8_t v) { bytes_[at] = std::byte{v}; }
    void put16(std::size_t at, std::uint16_t v) { store_le(&bytes_[at], v); }
    void put32(std::size_t at, std::uint32_t v) { store_le(&bytes_[at], v); }
    void put64(std::size_t at, std::uint64_t v) { store_le(&bytes_[at], v); }
    Bytes view() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

Status collect(const File& file, std::vector<Segment>& segments) {
    return file.for_each_segment([&](const Segment& segment) -> Status {
        segments.push_back(segment);
        return {};
    });
}

TEST(ElfFile, ReadsHeaderAndSegments) {
    const Image image;
    const auto file = File::parse(image.view());
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file.value().is_for(Machine::RiscV));
    EXPECT_FALSE(file.value().is_for(Machine::X86_64));
    EXPECT_EQ(file.value().type(), Type::Executable);
    EXPECT_EQ(file.value().entry(), 0x80000010u);
    std::vector<Segment> segments;
    ASSERT_TRUE(collect(file.value(), segments).ok());
    ASSERT_EQ(segments.size(), 1u) << "only loadable ones";
    EXPECT_EQ(segments[0].virtual_address, 0x80000000u);
    EXPECT_EQ(segments[0].memory_size, 0x1000u);
    EXPECT_EQ(segments[0].file.size(), 0x20u);
    EXPECT_EQ(segments[0].file.data(), image.view().data() + 0x300);
    EXPECT_TRUE(segments[0].read && segments[0].execute && !segments[0].write);
}

TEST(ElfFile, FindsSymbols) {
    const Image image;
    const auto file = File::parse(image.view());
    EXPECT_EQ(file.value().find_symbol("tohost").value(), 0x80000800u);
    EXPECT_EQ(file.value().find_symbol("main").value(), 0x80000010u);
    EXPECT_EQ(file.value().find_symbol("host").error(), Error::NotFound);
}

TEST(ElfFile, WalksSymbols) {
    Image image;
    image.put8(0x200 + 4, 0x12), image.put16(0x200 + 6, 1), image.put64(0x200 + 16, 40);
    std::vector<Symbol> symbols;
    ASSERT_TRUE(File::parse(image.view())
                    .value()
                    .for_each_symbol([&](const Symbol& symbol) -> Status {
                        symbols.push_back(symbol);
                        return {};
                    })
                    .ok());
    ASSERT_EQ(symbols.size(), 2u);
    EXPECT_EQ(symbols[0].name, "main");
    EXPECT_EQ(symbols[0].value, 0x80000010u);
    EXPECT_EQ(symbols[0].size, 40u);
    EXPECT_EQ(symbols[0].kind, Symbol::Kind::Function);
    EXPECT_TRUE(symbols[0].defined);
    EXPECT_EQ(symbols[1].kind, Symbol::Kind::None);
    EXPECT_FALSE(symbols[1].defined);
}

TEST(ElfFile, VisitorErrorsStopTheWalk) {
    Image image;
    image.segment(0, 1, 4, 0x300, 0x1000, 1, 1);
    const auto file = File::parse(image.view());
    int visits = 0;
    const Status status = file.value().for_each_segment([&](const Segment&) -> Status {
        ++visits;
        return Error::OutOfRange;
    });
    EXPECT_EQ(status.error(), Error::OutOfRange);
    EXPECT_EQ(visits, 1);
}

TEST(ElfFile, RefusesOtherFormats) {
    EXPECT_EQ(File::parse({}).error(), Error::Malformed);
    Image image;
    image.put8(4, 1);
    EXPECT_EQ(File::parse(image.view()).error(), Error::Unsupported) << "32-bit";
    image = {};
    image.put8(5, 2);
    EXPECT_EQ(File::parse(image.view()).error(), Error::Unsupported) << "big-endian";
    image = {};
    image.put16(16, 1);
    EXPECT_EQ(File::parse(image.view()).error(), Error::Unsupported) << "relocatable";
    image = {};
    image.put8(0, 0);
    EXPECT_FALSE(is_elf(image.view()));
    EXPECT_EQ(File::parse(image.view()).error(), Error::Malformed);
}

TEST(ElfFile, RefusesTablesOutsideTheFile) {
    const auto expect_malformed = [](auto&& damage) {
        Image image;
        damage(image);
        EXPECT_EQ(File::parse(image.view()).error(), Error::Malformed);
    };
    expect_malformed([](Image& i) { i.put64(32, 0x3f0); });
    expect_malformed([](Image& i) { i.put64(32, ~std::uint64_t{0} - 8); });
    expect_malformed([](Image& i) { i.put64(40, 0x3f0); });
    expect_malformed([](Image& i) { i.put16(54, 32); });
    expect_malformed([](Image& i) { i.put16(58, 40); });
    expect_malformed([](Image& i) { i.put16(56, 0xffff); });
}

TEST(ElfFile, RefusesBadSegments) {
    const auto expect_malformed = [](std::uint64_t offset, std::uint64_t address, std::uint64_t file_size,
                                     std::uint64_t memory_size) {
        Image image;
        image.segment(1, 1, 5, offset, address, file_size, memory_size);
        std::vector<Segment> segments;
        EXPECT_EQ(collect(File::parse(image.view()).value(), segments).error(), Error::Malformed);
    };
    expect_malformed(0x3f0, 0x1000, 0x11, 0x1000);                     // reaches out of the file
    expect_malformed(~std::uint64_t{0}, 0x1000, 2, 0x1000);            // wraps
    expect_malformed(0, 0x1000, ~std::uint64_t{0}, ~std::uint64_t{0}); // wraps
    expect_malformed(0x300, 0x1000, 0x20, 0x1f);                       // more in the file than in memory
    expect_malformed(0x300, ~std::uint64_t{0} - 0xff, 0, 0x1000);      // wraps the address space
}

TEST(ElfFile, BadSymbolTablesAreErrorsNotReads) {
    Image image;
    image.section(1, 2, 0x3f0, 48, 2);
    EXPECT_EQ(File::parse(image.view()).value().find_symbol("main").error(), Error::Malformed);
    image.section(1, 2, 0x200, 48, 9);
    EXPECT_EQ(File::parse(image.view()).value().find_symbol("main").error(), Error::Malformed);
    image.section(1, 2, 0x200, 47, 2);
    EXPECT_EQ(File::parse(image.view()).value().find_symbol("tohost").error(), Error::NotFound)
        << "a partial last entry is none";
    image = {};
    image.symbol(0, 0xffffffff, 1);
    EXPECT_EQ(File::parse(image.view()).value().find_symbol("main").error(), Error::NotFound);
}

TEST(ElfFile, NoByteChangeMakesItReadOutside) {
    const Image good;
    for (std::size_t at = 0; at < 0x280; ++at) {
        for (const unsigned value : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu}) {
            Image image;
            image.put8(at, static_cast<std::uint8_t>(value));
            auto file = File::parse(image.view());
            if (!file.ok())
                continue;
            std::vector<Segment> segments;
            if (collect(file.value(), segments).ok()) {
                for (const Segment& segment : segments) {
                    EXPECT_GE(segment.file.data(), image.view().data());
                    EXPECT_LE(segment.file.data() + segment.file.size(),
                              image.view().data() + image.view().size());
                }
            }
            static_cast<void>(file.value().find_symbol("tohost").ok());
        }
    }
}

} // namespace
} // namespace ashlar::elf
