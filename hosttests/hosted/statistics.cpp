#include <map>

#include "hosttests/hosted/tiny_machine.h"
#include "jit/facts.h"

namespace ashlar::jit::hosted {
namespace {

TEST(Facts, AreLinesInColumns) {
    TextSink text;
    TextFacts facts(text);
    facts.add("engine", "lookups", 7);
    facts.add("a", "b", ~std::uint64_t{0});
    facts.add_ratio("a", "ratio", 2, 3);
    facts.add_percent("a", "share", 997, 1000);
    EXPECT_EQ(text.text, "engine.lookups                                          7\n"
                         "a.b                                      18446744073709551615\n"
                         "a.ratio                                              0.67\n"
                         "a.share                                             99.70\n");
}

TEST(Facts, AreAnObjectInJson) {
    TextSink text;
    {
        JsonFacts facts(text);
        facts.add("engine", "lookups", 7);
        facts.add("a", "b", 8);
        facts.add_ratio("a", "ratio", 5, 4);
        facts.add_ratio("a", "nothing", 5, 0);
    }
    EXPECT_EQ(text.text, "{\n  \"engine.lookups\": 7,\n  \"a.b\": 8,\n  \"a.ratio\": 1.25,\n"
                         "  \"a.nothing\": 0.00\n}\n");
    TextSink empty;
    { const JsonFacts facts(empty); }
    EXPECT_EQ(empty.text, "{}\n");
}

std::map<std::string, std::uint64_t> statistics_of(TinyTuning tuning) {
    std::map<std::string, std::uint64_t> facts; // fractions in hundredths
    std::istringstream lines(run_tiny_guest({}, tuning));
    std::string name;
    for (std::string value; lines >> name >> value;) {
        EXPECT_FALSE(facts.contains(name)) << name;
        std::erase(value, '.');
        facts[name] = std::stoull(value);
    }
    EXPECT_TRUE(lines.eof());
    return facts;
}

TEST(Statistics, CountInstructionsAndCodeByTier) {
    auto facts = statistics_of({});
    const std::uint64_t all = 1 + 2 * kTinyRounds + 5; // if the last is not executed
    EXPECT_GE(facts["instructions.all"], all - 1);
    EXPECT_EQ(facts["instructions.all"], facts["instructions.interpreted"] + facts["instructions.host_code"]);
    EXPECT_EQ(facts["instructions.interpreted"], 0u);
    EXPECT_EQ(facts["tier1.units"], 3u);
    EXPECT_EQ(facts["tier1.units"], facts["tier0.units"]);
    EXPECT_EQ(facts["tier1.guest_instructions"], facts["tier0.guest_instructions"]);
    EXPECT_GT(facts["tier0.bytes"], 0u);
    EXPECT_GT(facts["tier1.bytes"], 0u);
    EXPECT_GT(facts["tier0.compile_ns"], 0u);
    EXPECT_GT(facts["tier1.compile_ns"], 0u);

    EXPECT_FALSE(facts.contains("instructions.tier2")) << "not counted";
    EXPECT_FALSE(facts.contains("regions.entries"));

    facts = statistics_of({.promote_after = 11});
    EXPECT_EQ(facts["tier1.units"], 1u) << "the loop";
    // The tenth round was interpreted, counted with that of the first block.
    EXPECT_EQ(facts["instructions.host_code"], 2u * (kTinyRounds - 11));
}

TEST(Statistics, CountWhatRegionsExecute) {
    auto facts = statistics_of({.optimize_after = 3, .counted_exits = 10});
    // The first round belongs to the first block; two more by tier 1.
    const std::uint64_t optimized = 2u * (kTinyRounds - 3);
    EXPECT_EQ(facts["instructions.tier2"], optimized);
    EXPECT_EQ(facts["instructions.tier1"], facts["instructions.all"] - optimized);
    EXPECT_NEAR(static_cast<double>(facts["instructions.tier2_percent"]),
                10000.0 * static_cast<double>(optimized) / static_cast<double>(facts["instructions.all"]), 1);
    EXPECT_EQ(facts["instructions.tier0_percent"], 0u);
    EXPECT_EQ(facts["tier2.units"], 1u);
    EXPECT_EQ(facts["regions.guest_instructions_each"], 200u);
    EXPECT_GT(facts["regions.bytes_per_instruction"], 0u);
    EXPECT_EQ(facts["regions.entries"], 1u);
    EXPECT_EQ(facts["regions.instructions_per_entry"], 100 * optimized);
    EXPECT_EQ(facts["region_exits.absent"], 1u) << "what comes after the loop was not translated";
    EXPECT_EQ(facts["instructions_after.absent"], 0u) << "only the next region's entry counts it";

    // Where there is room for nothing, instructions count all the same.
    facts = statistics_of({.optimize_after = 3, .counted_exits = 1});
    EXPECT_EQ(facts["instructions.tier2"], optimized);
}

TEST(Statistics, ListTheWaysOutOfRegions) {
    const TemporaryFile file;
    VisibilityOptions options;
    options.dump_exits = file.path();
    run_tiny_guest(options, {.optimize_after = 3, .counted_exits = 10});
    EXPECT_EQ(file.content(),
              "exits of regions: times, instructions inside before, outside after, reason, region, from, to\n"
              "           1             34              0 absent       0x80000004 <count_down+0x0> from "
              "0x80000008 <count_down+0x4> to 0x8000000c <finish+0x0>\n");
    options.dump_filter = "finish";
    run_tiny_guest(options, {.optimize_after = 3, .counted_exits = 10});
    EXPECT_EQ(file.content().find("count_down"), std::string::npos);
}

TEST(Statistics, ExitsAddUp) {
    auto facts = statistics_of({});
    std::uint64_t sum = 0;
    for (const auto& [name, value] : facts)
        if (name.starts_with("exits.") && name != "exits.all")
            sum += value;
    EXPECT_EQ(sum, facts["exits.all"]);
    EXPECT_EQ(facts["exits.promote"], facts["tier1.units"]);
}

} // namespace
} // namespace ashlar::jit::hosted
