#include "lib/fdt_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "lib/fdt_writer.h"

namespace ashlar::fdt {
namespace {

std::vector<std::byte> sample() {
    std::vector<std::byte> buffer(1024);
    Writer writer(buffer);
    writer.reserve(0x1000, 0x20);
    writer.begin_node("");
    writer.cell("#size-cells", 1);
    writer.strings("compatible", {"vendor,board", "generic"});
    writer.begin_node("cpus");
    writer.begin_node("cpu@0");
    writer.cell("phandle", 5);
    writer.empty("flag");
    writer.end_node();
    writer.begin_node("cpu@1");
    writer.string("compatible", "riscv");
    writer.cell64("reg", 0x1'0000'0002);
    writer.end_node();
    writer.end_node();
    writer.begin_node("chosen");
    writer.string("bootargs", "console=ttyS0");
    writer.end_node();
    writer.end_node();
    buffer.resize(writer.finish().value().size());
    return buffer;
}

// Visits everything, so that a sanitizer sees any access out of bounds.
std::size_t visit(const Node& node) {
    std::size_t total = node.name().size();
    for (auto property = node.first_property(); property; property = node.next_property(*property)) {
        total += property->name.size() + property->string().size();
        for (const std::byte byte : property->value)
            total += std::to_integer<std::size_t>(byte);
    }
    for (auto child = node.first_child(); child; child = child->next_sibling())
        total += visit(*child);
    return total;
}

TEST(FdtReader, FindsNodesAndProperties) {
    const auto blob = sample();
    const auto tree = Tree::parse(blob);
    ASSERT_TRUE(tree.ok());
    const Tree& t = tree.value();
    EXPECT_EQ(t.total_size(), blob.size());
    EXPECT_EQ(t.root().name(), "");
    EXPECT_EQ(t.root().property("#size-cells")->cell().value(), 1u);
    EXPECT_TRUE(t.root().compatible("generic"));
    EXPECT_FALSE(t.root().compatible("gener"));
    EXPECT_EQ(t.find("/chosen")->property("bootargs")->string(), "console=ttyS0");
    EXPECT_EQ(t.find("/cpus/cpu@1")->property("reg")->cell64().value(), 0x1'0000'0002u);
    EXPECT_EQ(t.find("/cpus/cpu")->name(), "cpu@0");
    EXPECT_TRUE(t.find("/cpus/cpu@0")->property("flag")->value.empty());
    EXPECT_EQ(t.find("/")->name(), "");
    EXPECT_FALSE(t.find("/cpus/cpu@2"));
    EXPECT_FALSE(t.find("cpus"));
    EXPECT_FALSE(t.find("/chosen")->property("bootarg"));
    EXPECT_EQ(t.find_compatible("riscv")->name(), "cpu@1");
    EXPECT_EQ(t.find_phandle(5)->name(), "cpu@0");
    EXPECT_FALSE(t.find_phandle(6));
    EXPECT_EQ(t.root().property("#size-cells")->cell64().error(), Error::OutOfRange);
    EXPECT_EQ(t.reservation(0)->address, 0x1000u);
    EXPECT_FALSE(t.reservation(1));
}

TEST(FdtReader, WalksSiblingsInOrder) {
    const auto blob = sample();
    const auto tree = Tree::parse(blob);
    std::vector<std::string> names;
    for (auto child = tree.value().root().first_child(); child; child = child->next_sibling())
        names.emplace_back(child->name());
    EXPECT_EQ(names, (std::vector<std::string>{"cpus", "chosen"}));
    EXPECT_FALSE(tree.value().root().next_sibling());
}

TEST(FdtReader, RejectsEveryTruncation) {
    const auto blob = sample();
    for (std::size_t size = 0; size < blob.size(); ++size) {
        const std::vector<std::byte> part(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(Tree::parse(part).ok()) << size;
    }
}

TEST(FdtReader, RejectsOtherVersionsAndMagic) {
    auto blob = sample();
    store_be(blob.data() + header::kLastCompatible, std::uint32_t{18});
    EXPECT_EQ(Tree::parse(blob).error(), Error::Unsupported);
    blob = sample();
    store_be(blob.data() + header::kVersionField, std::uint32_t{16});
    EXPECT_EQ(Tree::parse(blob).error(), Error::Unsupported);
    blob = sample();
    blob[0] = std::byte{0};
    EXPECT_EQ(Tree::parse(blob).error(), Error::Malformed);
}

TEST(FdtReader, RejectsBlocksOutOfBounds) {
    for (const std::size_t field :
         {header::kStructureOffset, header::kStringsOffset, header::kReservationOffset, header::kStringsSize,
          header::kStructureSize, header::kTotalSize}) {
        for (const std::uint32_t value : {0xffff'ffffu, 0x8000'0000u, 0xffff'fff0u}) {
            auto blob = sample();
            store_be(blob.data() + field, value);
            EXPECT_EQ(Tree::parse(blob).error(), Error::Malformed) << field << ' ' << value;
        }
    }
}

TEST(FdtReader, RejectsTreesThatAreTooDeep) {
    std::vector<std::byte> blob = sample();
    const auto structure = load_be<std::uint32_t>(blob.data() + header::kStructureOffset);
    const auto size = load_be<std::uint32_t>(blob.data() + header::kStructureSize);
    for (std::uint32_t at = 0; at + 8 <= size; at += 8) { // nothing but nodes with an empty name
        store_be(blob.data() + structure + at, std::uint32_t{1});
        store_be(blob.data() + structure + at + 4, std::uint32_t{0});
    }
    EXPECT_EQ(Tree::parse(blob).error(), Error::Malformed);
}

TEST(FdtReader, SurvivesRandomDamage) {
    const auto blob = sample();
    std::mt19937 random(20240601);
    unsigned accepted = 0;
    for (int round = 0; round < 20000; ++round) {
        std::vector<std::byte> damaged = blob;
        for (unsigned i = random() % 4 + 1; i != 0; --i)
            damaged[random() % damaged.size()] = static_cast<std::byte>(random());
        const auto tree = Tree::parse(damaged);
        if (!tree.ok())
            continue;
        ++accepted;
        visit(tree.value().root());
        static_cast<void>(tree.value().find("/cpus/cpu@1"));
        static_cast<void>(tree.value().find_compatible("riscv"));
    }
    EXPECT_GT(accepted, 0u);
}

TEST(FdtReader, SkipsNops) {
    auto blob = sample();
    const auto structure = load_be<std::uint32_t>(blob.data() + header::kStructureOffset);
    // The root's first property (3 cells and 1 of value) becomes NOPs.
    for (std::size_t cell = 0; cell < 4; ++cell)
        store_be(blob.data() + structure + 8 + 4 * cell, std::uint32_t{4});
    const auto tree = Tree::parse(blob);
    ASSERT_TRUE(tree.ok());
    EXPECT_EQ(tree.value().root().first_property()->name, "compatible");
}

} // namespace
} // namespace ashlar::fdt
