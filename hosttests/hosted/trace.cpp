#include "jit/hosted/trace.h"

#include "hosttests/hosted/tiny_machine.h"

namespace ashlar::jit::hosted {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

TEST(Trace, HasALineForEveryBlockThatRuns) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.trace = file.path();
    run_tiny_guest(options, {.promote_after = 5});
    const auto lines = lines_of(file.content());
    // The first block falls into the loop and does its first round.
    ASSERT_GE(lines.size(), 1u + (kTinyRounds - 1) + 1) << file.content();
    EXPECT_EQ(lines[0], "hart 0 M tier 0  3 instructions 0x80000000 <_start+0x0>");
    for (unsigned round = 1; round < kTinyRounds; ++round)
        EXPECT_EQ(lines[round], std::string("hart 0 M tier ") + (round < 5 ? "0" : "1") +
                                    "  2 instructions 0x80000004 <count_down+0x0>")
            << round;
    EXPECT_EQ(lines[kTinyRounds].find("hart 0 M tier 0  "), 0u);
    EXPECT_NE(lines[kTinyRounds].find("0x8000000c <finish+0x0>"), std::string::npos);
}

TEST(Trace, KnowsRegions) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.trace = file.path();
    run_tiny_guest(options, {.optimize_after = 3});
    const auto lines = lines_of(file.content());
    ASSERT_GT(lines.size(), 4u) << file.content();
    EXPECT_EQ(lines[1], "hart 0 M tier 1  2 instructions 0x80000004 <count_down+0x0>");
    EXPECT_EQ(lines[2], lines[1]);
    // Regions may be left before the branch that leads back.
    EXPECT_EQ(lines[3].find("hart 0 M tier 2  "), 0u) << lines[3];
    EXPECT_NE(lines[3].find(" instructions 0x80000004 <count_down+0x0>"), std::string::npos) << lines[3];
    EXPECT_EQ(lines.back().find("hart 0 M tier 1  5 instructions 0x8000000c"), 0u) << lines.back();
    unsigned instructions = 0;
    for (const std::string& line : lines)
        instructions += static_cast<unsigned>(std::stoul(line.substr(line.find("tier") + 6)));
    EXPECT_EQ(instructions, 1 + 2 * kTinyRounds + 5) << "nothing twice, nothing missing";

    // What is in a region that begins elsewhere.
    options.trace_filter = "80000008-80000008";
    run_tiny_guest(options, {.optimize_after = 3});
    EXPECT_NE(file.content().find("tier 2  "), std::string::npos);
    EXPECT_NE(file.content().find("0x80000004"), std::string::npos);
}

TEST(Trace, Filter) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.trace = file.path();
    options.trace_filter = "finish";
    run_tiny_guest(options);
    for (const std::string& line : lines_of(file.content()))
        EXPECT_NE(line.find("<finish+"), std::string::npos) << line;
    EXPECT_GE(lines_of(file.content()).size(), 1u);
    options.trace_filter = "nowhere";
    std::string error;
    EXPECT_EQ(Visibility::create(options, {}, error), nullptr);
}

} // namespace
} // namespace ashlar::jit::hosted
