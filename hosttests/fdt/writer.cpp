#include "lib/fdt_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace ashlar::fdt {
namespace {

// What dtc makes of the blob, or of the source when `to` is dtb.
std::string run_dtc(const std::string& input, const char* from, const char* to) {
    char path[] = "/tmp/ashlar-fdt-XXXXXX";
    const int file = mkstemp(path);
    EXPECT_GE(file, 0);
    close(file);
    std::ofstream(path, std::ios::binary) << input;
    const std::string command = std::string("dtc -q -I ") + from + " -O " + to + " " + path + " 2>/dev/null";
    std::string output;
    FILE* const pipe = popen(command.c_str(), "r");
    std::array<char, 4096> buffer;
    for (std::size_t count; (count = fread(buffer.data(), 1, buffer.size(), pipe)) != 0;)
        output.append(buffer.data(), count);
    EXPECT_EQ(pclose(pipe), 0) << command;
    unlink(path);
    return output;
}

std::string text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(FdtWriter, MatchesDtc) {
    // given
    std::array<std::byte, 4096> buffer;
    Writer writer(buffer);
    // when
    writer.reserve(0x8000'0000, 0x1000);
    writer.begin_node("");
    writer.cell("#address-cells", 2);
    writer.string("model", "ashlar");
    writer.strings("compatible", {"a,b", "c"});
    writer.empty("ranges");
    writer.begin_node("node@80000000");
    writer.cell64("reg", 0x1234'5678'9abc'def0);
    writer.cells("list", {1, 2, 0xffff'ffff});
    writer.string("model", "again");
    writer.end_node();
    writer.begin_node("empty");
    writer.end_node();
    writer.end_node();
    const auto blob = writer.finish();
    // then
    ASSERT_TRUE(blob.ok());
    const std::string source =
        "/dts-v1/; /memreserve/ 0x80000000 0x1000;\n"
        "/ { #address-cells = <2>; model = \"ashlar\"; compatible = \"a,b\", \"c\"; ranges;\n"
        "node@80000000 { reg = <0x12345678 0x9abcdef0>; list = <1 2 0xffffffff>;\n"
        "model = \"again\"; }; empty { }; };\n";
    EXPECT_EQ(run_dtc(text_of(blob.value()), "dtb", "dts"),
              run_dtc(run_dtc(source, "dts", "dtb"), "dtb", "dts"));
}

TEST(FdtWriter, ReportsATooSmallBufferAtEverySize) {
    const auto build = [](MutableBytes buffer) -> std::size_t {
        Writer writer(buffer);
        writer.reserve(1, 2);
        writer.begin_node("");
        writer.string("property", "value");
        writer.begin_node("child");
        writer.cell("other", 7);
        writer.end_node();
        writer.end_node();
        const auto blob = writer.finish();
        if (!blob.ok()) {
            EXPECT_EQ(blob.error(), Error::OutOfMemory);
            return 0;
        }
        return blob.value().size();
    };
    std::array<std::byte, 1024> large;
    const std::size_t needed = build(large);
    ASSERT_NE(needed, 0u);
    for (std::size_t size = 0; size < needed; ++size) {
        std::vector<std::byte> exact(size); // so that a sanitizer sees an overrun
        EXPECT_EQ(build(exact), 0u) << size;
    }
    std::vector<std::byte> exact(needed);
    EXPECT_EQ(build(exact), needed);
}

TEST(FdtWriter, ReportsBadNesting) {
    std::array<std::byte, 1024> buffer;
    const auto outcome = [&](auto build) {
        Writer writer(buffer);
        build(writer);
        const auto blob = writer.finish();
        return blob.ok() ? "ok" : to_string(blob.error());
    };
    const std::string invalid = to_string(Error::InvalidArgument);
    EXPECT_EQ(outcome([](Writer&) {}), invalid);
    EXPECT_EQ(outcome([](Writer& w) { w.begin_node(""); }), invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.begin_node("root");
                  w.end_node();
              }),
              invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.begin_node("");
                  w.end_node();
                  w.end_node();
              }),
              invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.begin_node("");
                  w.end_node();
                  w.begin_node("");
                  w.end_node();
              }),
              invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.cell("p", 1);
                  w.begin_node("");
                  w.end_node();
              }),
              invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.begin_node("");
                  w.begin_node("a");
                  w.end_node();
                  w.cell("late", 1);
                  w.end_node();
              }),
              invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.begin_node("");
                  w.reserve(1, 1);
                  w.end_node();
              }),
              invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.begin_node("");
                  for (unsigned i = 0; i < kMaxDepth; ++i)
                      w.begin_node("deep");
                  for (unsigned i = 0; i <= kMaxDepth; ++i)
                      w.end_node();
              }),
              invalid);
    EXPECT_EQ(outcome([](Writer& w) {
                  w.begin_node("");
                  w.end_node();
              }),
              "ok");
}

} // namespace
} // namespace ashlar::fdt
