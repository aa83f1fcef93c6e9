#include "jit/hosted/dump.h"

#include "hosttests/hosted/tiny_machine.h"
#include "jit/optimizer/optimizer.h"

namespace ashlar::jit::hosted {
namespace {

constexpr unsigned kTurnByTurn = ~unsigned{optimizer::kUnrollLoops};
constexpr auto kNone = std::string::npos;

TEST(HostDisassembly, IsIntelSyntaxAndSurvivesNonsense) {
    const unsigned char code[] = {0x48, 0x89, 0xd8, 0x06, 0xc3}; // 0x06 is none in 64-bit mode
    TextSink text;
    HostDisassembler().print(std::as_bytes(std::span(code)), 0x1000, {}, text);
    EXPECT_EQ(text.text, "    1000  48 89 d8                 mov rax, rbx\n"
                         "    1003  06                       .byte\n"
                         "    1004  c3                       ret\n");
}

TEST(HostDisassembly, NamesTheHartsState) {
    const unsigned char code[] = {0x49, 0x8b, 0x47, 0xa8,                      // mov rax, [r15 - 0x58]
                                  0x49, 0x8b, 0x47, 0x08,                      // mov rax, [r15 + 8]
                                  0x49, 0x8b, 0x87, 0x88, 0x00, 0x00, 0x00,    // mov rax, [r15 + 0x88]
                                  0x49, 0x8b, 0x84, 0x07, 0xf0, 0x07, 0,    0, // mov rax, [r15 + rax + 0x7f0]
                                  0x49, 0x8b, 0x87, 0x00, 0x00, 0x00, 0x80};   // far below the state
    TextSink text;
    HostDisassembler().print(std::as_bytes(std::span(code)), 0, {}, text);
    EXPECT_NE(text.text.find("[r15 - 0x58]  ; x5\n"), kNone) << text.text;
    EXPECT_NE(text.text.find("[r15 + 8]  ; x17\n"), kNone);
    EXPECT_NE(text.text.find("[r15 + 0x88]  ; f1\n"), kNone);
    EXPECT_NE(text.text.find("[r15 + rax + 0x7f0]\n"), kNone);
    EXPECT_NE(text.text.find("[r15 - 0x80000000]\n"), kNone);
}

TEST(Dump, ShowsHostCodeBetweenTheGuestsInstructions) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.dump_code = file.path();
    run_tiny_guest(options);
    const std::string text = file.content();
    EXPECT_NE(text.find("code tier 1 ways in and out, host 0x"), kNone);
    const std::size_t block = text.find(
        "code tier 1 block 0x80000004 <count_down+0x0> physical 0x80000004, 2 instructions, 8 bytes");
    ASSERT_NE(block, kNone) << text;
    const std::size_t first = text.find("80000004  fff28293  addi x5,x5,-1\n", block);
    const std::size_t second = text.find("80000008  fe029ee3  bne x5,x0,80000004\n", block);
    ASSERT_NE(first, kNone) << text;
    ASSERT_NE(second, kNone) << text;
    EXPECT_LT(first, second);
    const std::size_t host = text.find("qword ptr [r15 - 0x58]", first); // x5
    EXPECT_LT(host, second);
    EXPECT_NE(text.find(" jne 0x", second), kNone);
}

TEST(Dump, ShowsRegionsByBlocksAndInstructions) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.dump_code = file.path();
    run_tiny_guest(options, {.optimize_after = 3, .optimizer_passes = kTurnByTurn});
    const std::string text = file.content();
    EXPECT_NE(text.find("\nprobe:\n"), kNone) << "shared code";
    const std::size_t region =
        text.find("code tier 2 region 0x80000004 <count_down+0x0> physical 0x80000004, "
                  "2 instructions, 8 bytes, host 0x");
    ASSERT_NE(region, kNone) << text;
    const std::size_t entry = text.find("entry:\n  of no guest instruction:\n", region);
    const std::size_t block = text.find("\nblock 1 0x80000004 <count_down+0x0>, weight ", region);
    ASSERT_NE(block, kNone) << text;
    EXPECT_LT(entry, block);
    EXPECT_NE(
        text.find(", in 1 loop, the innermost with block 1:\n  80000004  fff28293  addi x5,x5,-1\n", block),
        kNone)
        << text;
    const std::size_t branch = text.find("  80000008  fe029ee3  bne x5,x0,80000004\n", block);
    ASSERT_NE(branch, kNone) << text;
    EXPECT_NE(text.find("; budget\n", branch), kNone);
    EXPECT_NE(text.find("  ; block 1\n", branch), kNone);
    const std::size_t exit = text.find("\nexit 0:\n  80000008  fe029ee3  bne x5,x0,80000004\n", branch);
    ASSERT_NE(exit, kNone) << text;
    EXPECT_NE(text.find("  ; exit: budget\n", exit), kNone);
    EXPECT_NE(text.find("  ; exit: edge not linked\n", exit), kNone);
}

TEST(Dump, ShowsGraphsOfRegions) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.dump_graph = file.path();
    options.dump_filter = "count_down";
    run_tiny_guest(options, {.optimize_after = 3, .optimizer_passes = kTurnByTurn});
    const std::string text = file.content();
    // The numbers of values and the registers are the optimizer's business.
    const std::string expected[] = {
        "graph 0x80000004 <count_down+0x0> physical 0x80000004, 2 instructions, 8 bytes, 0 values in memory",
        "\nblock 0, weight ",
        " = entry x5\n",
        "    block 1\n",
        "\nblock 1 0x80000004 <count_down+0x0>, 2 instructions, weight ",
        ", in 1 loop, the innermost with block 1, after 0 1:\n",
        " = phi x5 0: %",
        "  80000004  fff28293  addi x5,x5,-1\n",
        " = add %",
        ", #-1\n",
        "  80000008  fe029ee3  bne x5,x0,80000004\n",
        "    if ne %",
        ", #0: block 1 unless the budget is spent, else out to 0x8000000c <finish+0x0>\n",
        "    outside: x5=%"};
    std::size_t at = 0;
    for (const std::string& part : expected) {
        at = text.find(part, at);
        ASSERT_NE(at, kNone) << part << "in:\n" << text;
    }
    EXPECT_EQ(text.find("graph", at), kNone) << text;
}

TEST(Dump, ShowsIr) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.dump_ir = file.path();
    run_tiny_guest(options);
    const std::string text = file.content();
    EXPECT_NE(text.find("ir 0x80000004 <count_down+0x0> physical 0x80000004, 2 instructions, 8 bytes\n"
                        "  80000004  fff28293  addi x5,x5,-1\n"
                        "    %0 = get x5\n"),
              kNone)
        << text;
}

TEST(Dump, FilterTakesAddressesAndNames) {
    for (const char* filter : {"count_down", "80000004", "0x80000008-0x80000009"}) {
        const TemporaryFile file;
        VisibilityOptions options;
        options.dump_ir = options.dump_code = file.path(); // which they share
        options.dump_filter = filter;
        run_tiny_guest(options);
        const std::string text = file.content();
        EXPECT_NE(text.find("ir 0x80000004"), kNone) << filter;
        EXPECT_NE(text.find("code tier 1 block 0x80000004"), kNone) << filter;
        EXPECT_EQ(text.find("ways in"), kNone) << filter;
        EXPECT_EQ(text.find("<finish+0x0>"), kNone) << filter;
    }
    for (const char* filter : {"nobody", "-", "8-4", "12-"}) {
        VisibilityOptions options;
        options.dump_filter = filter;
        std::string error;
        EXPECT_EQ(Visibility::create(options, {}, error), nullptr) << filter;
        EXPECT_NE(error.find(filter), kNone) << error;
    }
}

TEST(Dump, OfNothingCostsNothing) {
    std::string error;
    const auto visibility = Visibility::create({}, {}, error);
    ASSERT_NE(visibility, nullptr);
    EXPECT_EQ(visibility->observer(), nullptr);
}

TEST(Dump, ExplainsFilesThatItCannotUse) {
    std::string error;
    VisibilityOptions options;
    options.dump_code = "/nonexistent/file";
    EXPECT_EQ(Visibility::create(options, {}, error), nullptr);
    EXPECT_NE(error.find("/nonexistent/file"), kNone);
    options = {};
    options.symbols = {{"/nonexistent/map", std::nullopt}};
    EXPECT_EQ(Visibility::create(options, {}, error), nullptr);
    EXPECT_NE(error.find("/nonexistent/map"), kNone);
}

TEST(Symbols, OfAFileGivenByOption) {
    const TemporaryFile map, file;
    std::ofstream(map.path()) << "0 T elsewhere\n4 T my_loop\n";
    VisibilityOptions options;
    options.symbols = {{map.path(), kTinyStart}};
    options.dump_ir = file.path();
    options.dump_filter = "my_loop";
    std::string error;
    EXPECT_NE(Visibility::create(options, {}, error), nullptr) << error;
}

} // namespace
} // namespace ashlar::jit::hosted
