#include "jit/hosted/options.h"

#include <gtest/gtest.h>

namespace ashlar::jit::hosted {
namespace {

std::optional<Options> parse(std::vector<const char*> words, std::string& error) {
    words.insert(words.begin(), "ashlar-run");
    return parse_options(static_cast<int>(words.size()), words.data(), error);
}
Options accept(const std::vector<const char*>& words) {
    std::string error;
    const auto options = parse(words, error);
    EXPECT_TRUE(options) << error;
    return options.value_or(Options{});
}
std::string refuse(const std::vector<const char*>& words) {
    std::string error;
    EXPECT_FALSE(parse(words, error));
    return error;
}

TEST(Options, TakesEverything) {
    const Options options =
        accept({"--memory", "512M", "--harts=4", "--firmware", "f", "--initrd=i", "--append", "a b --c",
                "--disk", "x.img", "--disk=y,readonly", "--stats", "kernel"});
    EXPECT_EQ(options.memory, 512u << 20);
    EXPECT_EQ(options.harts, 4u);
    EXPECT_EQ(options.firmware, "f");
    EXPECT_EQ(options.initrd, "i");
    EXPECT_EQ(options.kernel, "kernel");
    EXPECT_EQ(options.command_line, "a b --c");
    ASSERT_EQ(options.disks.size(), 2u);
    EXPECT_EQ(options.disks[0].path, "x.img");
    EXPECT_FALSE(options.disks[0].read_only);
    EXPECT_EQ(options.disks[1].path, "y");
    EXPECT_TRUE(options.disks[1].read_only);
    EXPECT_EQ(options.statistics, StatisticsFormat::Text);
}

TEST(Options, Defaults) {
    const Options options = accept({"--kernel", "k"});
    EXPECT_EQ(options.memory, 128u << 20);
    EXPECT_EQ(options.harts, 1u);
    EXPECT_EQ(options.statistics, StatisticsFormat::None);
    EXPECT_EQ(accept({"--stats=json", "k"}).statistics, StatisticsFormat::Json);
}

TEST(Options, Sizes) {
    EXPECT_EQ(accept({"--memory", "2G", "k"}).memory, std::uint64_t{2} << 30);
    EXPECT_EQ(accept({"--memory", "8192k", "k"}).memory, 8u << 20);
    EXPECT_EQ(accept({"--memory", "134217728", "k"}).memory, 128u << 20);
    for (const char* size :
         {"", "M", "x", "12Q", "-1", "0", "1M", "5M", "2M", "99999999999999999999", "18446744073709551615G"})
        EXPECT_NE(refuse({"--memory", size, "k"}).find("--memory"), std::string::npos) << size;
}

TEST(Options, PoliciesOfTheTlb) {
    EXPECT_EQ(accept({"k"}).tlb.replacement, mmu::Replacement::Lru);
    EXPECT_EQ(accept({"--tlb-policy", "adaptive", "k"}).tlb.replacement, mmu::Replacement::Adaptive);
    EXPECT_NE(refuse({"--tlb-policy", "fifo", "k"}).find("lru, plru, random or adaptive"), std::string::npos);
}

TEST(Options, PrefetchAndTracesOfTheTlb) {
    EXPECT_EQ(accept({"k"}).tlb.prefetch, mmu::Prefetch::None);
    EXPECT_EQ(accept({"--tlb-prefetch=stride", "k"}).tlb.prefetch, mmu::Prefetch::Stride);
    EXPECT_NE(refuse({"--tlb-prefetch", "all", "k"}).find("none, next or stride"), std::string::npos);
    EXPECT_EQ(accept({"--trace-memory", "f", "k"}).trace_memory, "f");
    EXPECT_NE(refuse({"--trace-memory=f", "--harts=2", "k"}).find("one hart"), std::string::npos);
}

TEST(Options, MemoryForCode) {
    EXPECT_EQ(accept({"k"}).code_cache, std::uint64_t{64} << 20);
    EXPECT_EQ(accept({"--code-cache", "2M", "k"}).code_cache, std::uint64_t{2} << 20);
    EXPECT_EQ(accept({"--code-cache", "300000", "k"}).code_cache, std::uint64_t{256} << 10)
        << "in large pieces";
    EXPECT_NE(refuse({"--code-cache", "64K", "k"}).find("256K to 1G"), std::string::npos);
    EXPECT_NE(refuse({"--code-cache", "2G", "k"}).find("256K to 1G"), std::string::npos);
}

TEST(Options, ThreadsThatCompile) {
    EXPECT_EQ(accept({"k"}).compile_threads, 1u);
    EXPECT_EQ(accept({"--compile-threads", "0", "k"}).compile_threads, 0u);
    EXPECT_NE(refuse({"--compile-threads", "2", "k"}).find("from 0 to 1"), std::string::npos);
}

TEST(Options, RefusesNonsense) {
    EXPECT_NE(refuse({}).find("nothing to run"), std::string::npos);
    EXPECT_NE(refuse({"--what", "k"}).find("'--what'"), std::string::npos);
    EXPECT_NE(refuse({"-k"}).find("'-k'"), std::string::npos);
    EXPECT_NE(refuse({"a", "b"}).find("'b'"), std::string::npos);
    EXPECT_NE(refuse({"--kernel"}).find("needs a value"), std::string::npos);
    EXPECT_NE(refuse({"--stats=1", "k"}).find("text or json"), std::string::npos);
    EXPECT_NE(refuse({"--perf-map=1", "k"}).find("takes no value"), std::string::npos);
    EXPECT_NE(refuse({"--firmware", "a", "--firmware", "b"}).find("before"), std::string::npos);
    for (const char* harts : {"0", "33", "x", ""})
        EXPECT_NE(refuse({"--harts", harts, "k"}).find("--harts"), std::string::npos) << harts;
    std::vector<const char*> many(18, "--disk");
    for (std::size_t i = 1; i < many.size(); i += 2)
        many[i] = "d";
    EXPECT_NE(refuse(many).find("8 disks"), std::string::npos);
}

TEST(Options, Disks) {
    const auto disks =
        accept({"--disk", "a,,b.img,ro,direct=on,sector-size=4096,serial=S1,aio=threads", "--disk",
                "nbd:unix:/run/d.sock:exportname=x", "--disk=c,direct=off,aio=io_uring", "k"})
            .disks;
    ASSERT_EQ(disks.size(), 3u);
    EXPECT_EQ(disks[0].path, "a,b.img");
    EXPECT_TRUE(disks[0].read_only);
    EXPECT_TRUE(disks[0].direct);
    EXPECT_EQ(disks[0].sector_size, 4096u);
    EXPECT_EQ(disks[0].serial, "S1");
    EXPECT_EQ(disks[0].engine, DiskEngine::Threads);
    EXPECT_EQ(disks[1].path, "nbd:unix:/run/d.sock:exportname=x");
    EXPECT_EQ(disks[1].sector_size, 0u);
    EXPECT_FALSE(disks[2].read_only);
    EXPECT_FALSE(disks[2].direct);
    EXPECT_EQ(disks[2].engine, DiskEngine::IoUring);
    for (const auto& [text, part] :
         std::vector<std::pair<const char*, const char*>>{{"a,rw", "unknown option 'rw'"},
                                                          {",ro", "file name"},
                                                          {"a,sector-size=1024", "512 or 4096"},
                                                          {"a,direct=maybe", "on or off"},
                                                          {"a,direct", "on or off"},
                                                          {"a,aio=native", "io_uring or threads"},
                                                          {"a,serial=", "1 to 20"},
                                                          {"a,serial=123456789012345678901", "1 to 20"},
                                                          {"a,", "unknown option ''"}})
        EXPECT_NE(refuse({"--disk", text, "k"}).find(part), std::string::npos) << text;
}

TEST(Options, Visibility) {
    const VisibilityOptions seen = accept({"--dump-code", "--dump-ir=x.ir", "--dump-graph=x.graph",
                                           "--dump-exits", "--dump-filter", "main", "k"})
                                       .visibility;
    EXPECT_EQ(seen.dump_code, "");
    EXPECT_EQ(seen.dump_graph, "x.graph");
    EXPECT_EQ(seen.dump_exits, "");
    EXPECT_EQ(seen.dump_ir, "x.ir");
    EXPECT_EQ(seen.dump_filter, "main");
    const VisibilityOptions traced = accept({"--trace-exec=t", "--trace-filter=10-20", "k"}).visibility;
    EXPECT_EQ(traced.trace, "t");
    EXPECT_EQ(traced.trace_filter, "10-20");
    const VisibilityOptions profiled = accept({"--perf-map", "--jitdump=/tmp", "k"}).visibility;
    EXPECT_TRUE(profiled.perf_map);
    EXPECT_EQ(profiled.jitdump, "/tmp");
    EXPECT_FALSE(accept({"k"}).visibility.dump_code);
}

TEST(Options, SymbolFiles) {
    const auto files =
        accept({"--symbols", "vmlinux", "--symbols=a@b.map@0x80200000", "k"}).visibility.symbols;
    ASSERT_EQ(files.size(), 2u);
    EXPECT_EQ(files[0].path, "vmlinux");
    EXPECT_FALSE(files[0].base);
    EXPECT_EQ(files[1].path, "a@b.map");
    EXPECT_EQ(files[1].base, 0x80200000u);
    EXPECT_NE(refuse({"--symbols", "f@80g", "k"}).find("hexadecimal"), std::string::npos);
    EXPECT_NE(refuse({"--symbols", "@80", "k"}).find("file name"), std::string::npos);
}

TEST(Options, HelpAndVersionNeedNothingElse) {
    EXPECT_TRUE(accept({"--help"}).help);
    EXPECT_TRUE(accept({"--version"}).version);
}

} // namespace
} // namespace ashlar::jit::hosted
