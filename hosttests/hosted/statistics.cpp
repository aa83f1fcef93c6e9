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
    EXPECT_EQ(text.text, "engine.lookups                                          7\n"
                         "a.b                                      18446744073709551615\n");
}

TEST(Facts, AreAnObjectInJson) {
    TextSink text;
    {
        JsonFacts facts(text);
        facts.add("engine", "lookups", 7);
        facts.add("a", "b", 8);
    }
    EXPECT_EQ(text.text, "{\n  \"engine.lookups\": 7,\n  \"a.b\": 8\n}\n");
    TextSink empty;
    { const JsonFacts facts(empty); }
    EXPECT_EQ(empty.text, "{}\n");
}

std::map<std::string, std::uint64_t> statistics_of(unsigned promote_after) {
    std::map<std::string, std::uint64_t> facts;
    std::istringstream lines(run_tiny_guest({}, {.promote_after = promote_after}));
    std::string name;
    for (std::uint64_t value = 0; lines >> name >> value;) {
        EXPECT_FALSE(facts.contains(name)) << name;
        facts[name] = value;
    }
    EXPECT_TRUE(lines.eof());
    return facts;
}

TEST(Statistics, CountInstructionsAndCodeByTier) {
    auto facts = statistics_of(1);
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

    facts = statistics_of(11);
    EXPECT_EQ(facts["tier1.units"], 1u) << "the loop";
    // The tenth round was interpreted, counted with that of the first block.
    EXPECT_EQ(facts["instructions.host_code"], 2u * (kTinyRounds - 11));
}

TEST(Statistics, ExitsAddUp) {
    auto facts = statistics_of(1);
    std::uint64_t sum = 0;
    for (const auto& [name, value] : facts)
        if (name.starts_with("exits.") && name != "exits.all")
            sum += value;
    EXPECT_EQ(sum, facts["exits.all"]);
    EXPECT_EQ(facts["exits.promote"], facts["tier1.units"]);
}

} // namespace
} // namespace ashlar::jit::hosted
