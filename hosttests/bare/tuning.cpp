#include "jit/bare/tuning.h"

#include <string>

#include <gtest/gtest.h>

namespace ashlar::jit::bare {
namespace {

TEST(Tuning, DefaultsWithoutText) {
    BufferSink<200> sink;
    const Tuning tuning = parse_tuning("", sink);
    EXPECT_EQ(tuning.slice, Tuning{}.slice);
    EXPECT_EQ(tuning.code_cache_bytes, 0u);
    EXPECT_FALSE(tuning.statistics);
    EXPECT_EQ(sink.view(), "");
}

TEST(Tuning, ReadsAllNamesInAnySeparation) {
    BufferSink<200> sink;
    const Tuning tuning =
        parse_tuning("slice=1000\ncode-cache=16M  statistics=yes\ntlb-policy=random tlb-prefetch=next", sink);
    EXPECT_EQ(tuning.slice, 1000u);
    EXPECT_EQ(tuning.code_cache_bytes, 16u << 20);
    EXPECT_TRUE(tuning.statistics);
    EXPECT_EQ(tuning.tlb.replacement, mmu::Replacement::Random);
    EXPECT_EQ(tuning.tlb.prefetch, mmu::Prefetch::NextPage);
    EXPECT_EQ(sink.view(), "");
}

TEST(Tuning, SkipsWhatItDoesNotUnderstand) {
    for (const char* item :
         {"slice=0", "slice=", "slice", "slice=12x", "slice=99999999999", "statistics=maybe",
          "tlb-policy=fifo", "tlb-prefetch=all", "code-cache=M", "slice=-1"}) {
        BufferSink<200> sink;
        const Tuning tuning = parse_tuning(item, sink);
        EXPECT_EQ(tuning.slice, Tuning{}.slice) << item;
        EXPECT_EQ(std::string(sink.view()), std::string("tuning '") + item + "' ignored: wrong value\n");
    }
    BufferSink<200> sink;
    EXPECT_EQ(parse_tuning("colour=red slice=5", sink).slice, 5u);
    EXPECT_EQ(sink.view(), "tuning 'colour=red' ignored: unknown name\n");
}

} // namespace
} // namespace ashlar::jit::bare
