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
