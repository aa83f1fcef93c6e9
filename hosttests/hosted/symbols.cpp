#include "jit/hosted/symbols.h"

#include <gtest/gtest.h>

#include "hosttests/hosted/elf_image.h"

namespace ashlar::jit::hosted {
namespace {

std::string name_at(const Symbols& symbols, std::uint64_t address) {
    const auto place = symbols.find(address);
    return place ? std::string(place->name) + "+" + std::to_string(place->offset) : "";
}

Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

TEST(Symbols, OfAnElf) {
    Symbols symbols;
    std::string error;
    EXPECT_TRUE(symbols.empty());
    const std::vector<std::byte> image = elf_image(0x80000000, {},
                                                   {{"_start", 0x80000000, 0},
                                                    {"main", 0x80000010, 0x20},
                                                    {"$x", 0x80000014, 0},
                                                    {".Lloop", 0x80000018, 0},
                                                    {"label", 0x8000001c, 0},
                                                    {"after", 0x80000040, 0}});
    ASSERT_TRUE(symbols.add(image, std::nullopt, error)) << error;
    EXPECT_EQ(name_at(symbols, 0x7fffffff), "");
    EXPECT_EQ(name_at(symbols, 0x80000004), "_start+4");
    EXPECT_EQ(name_at(symbols, 0x80000010), "main+0");
    EXPECT_EQ(name_at(symbols, 0x8000001e), "main+14") << "labels within a function do not count";
    EXPECT_EQ(name_at(symbols, 0x80000030), "") << "behind its end";
    EXPECT_EQ(name_at(symbols, 0x80000044), "after+4");
    EXPECT_EQ(name_at(symbols, 0x90000000), "") << "too far";
    const auto range = symbols.range_of("main");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->first, 0x80000010u);
    EXPECT_EQ(range->last, 0x8000002fu);
    EXPECT_FALSE(symbols.range_of("nothing"));
}

TEST(Symbols, MovedToABase) {
    Symbols symbols;
    std::string error;
    ASSERT_TRUE(symbols.add(elf_image(0x10000, {}, {{"main", 0x10010, 4}}), 0x80000000, error));
    EXPECT_EQ(name_at(symbols, 0x80000012), "main+2");
    EXPECT_EQ(name_at(symbols, 0x10012), "");
    const std::string_view map = "0000000000000000 A zero\n"
                                 "ffffffff80000000 T _start\nffffffff80000100 t head\n";
    ASSERT_TRUE(symbols.add(bytes_of(map), 0x80200000, error));
    EXPECT_EQ(name_at(symbols, 0x80200104), "head+4");
    EXPECT_EQ(name_at(symbols, 0x80000012), "main+2") << "both files";
}

TEST(Symbols, OfText) {
    Symbols symbols;
    std::string error;
    const std::string_view map = "                 U printf\n"
                                 "ffffffff80000000 T _start\n\n"
                                 "ffffffff80000800 D data\n"
                                 "ffffffff80000900 t helper\t[module]\r\n"
                                 "ffffffffffffff00 W last";
    ASSERT_TRUE(symbols.add(bytes_of(map), std::nullopt, error)) << error;
    EXPECT_EQ(name_at(symbols, 0xffffffff80000804), "_start+2052") << "data is no code";
    EXPECT_EQ(name_at(symbols, 0xffffffff80000900), "helper+0");
    EXPECT_EQ(name_at(symbols, ~std::uint64_t{0}), "last+255");
}

TEST(Symbols, RefusesOtherFiles) {
    for (const char* text : {"hello", "12 T", "xyz T name", "12 TT name", "10000000000000000 T name"}) {
        Symbols symbols;
        std::string error;
        EXPECT_FALSE(symbols.add(bytes_of(text), std::nullopt, error)) << text;
        EXPECT_NE(error.find("line 1"), std::string::npos) << error;
    }
    Symbols symbols;
    std::string error;
    EXPECT_FALSE(symbols.add(bytes_of("\177ELFxx"), std::nullopt, error));
    EXPECT_NE(error.find("ELF"), std::string::npos);
}

TEST(Symbols, NamesArePrintableAndBounded) {
    Symbols symbols;
    std::string error;
    const std::string text = "10 T a\033[31m\n20 T " + std::string(5000, 'x') + "\n";
    ASSERT_TRUE(symbols.add(bytes_of(text), std::nullopt, error)) << error;
    EXPECT_EQ(name_at(symbols, 0x10), "a?[31m+0");
    EXPECT_EQ(symbols.find(0x20)->name.size(), 255u);
}

TEST(Symbols, NoByteChangeOfAnElfHurts) {
    const std::vector<std::byte> good = elf_image(0x80000000, {}, {{"main", 0x80000010, 0x20}});
    for (std::size_t at = 0; at < good.size(); ++at)
        for (const unsigned value : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu}) {
            std::vector<std::byte> image = good;
            image[at] = static_cast<std::byte>(value);
            Symbols symbols;
            std::string error;
            if (symbols.add(image, std::nullopt, error))
                static_cast<void>(symbols.find(0x80000010));
        }
}

} // namespace
} // namespace ashlar::jit::hosted
