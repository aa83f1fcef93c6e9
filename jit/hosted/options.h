// The command line of ashlar-run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jit/hosted/disk_option.h"
#include "jit/mmu/tlb_options.h"

namespace ashlar::jit::hosted {

struct SymbolFile {
    std::string path;
    std::optional<std::uint64_t> base;
};

// What is to be seen of the engine. Paths of output may be empty: standard error.
struct VisibilityOptions {
    std::optional<std::string> dump_code, dump_exits, dump_graph, dump_ir, trace;
    std::string dump_filter, trace_filter; // empty: everything
    bool perf_map = false;
    std::optional<std::string> jitdump; // the directory; empty: the current one
    std::vector<SymbolFile> symbols;
};

enum class StatisticsFormat : std::uint8_t { None, Text, Json };

struct Options {
    std::uint64_t memory = std::uint64_t{128} << 20; // bytes, a multiple of 2 MiB
    unsigned harts = 1;
    std::string firmware, kernel, initrd, command_line; // paths; empty when not given
    std::vector<DiskOption> disks;
    unsigned tier = 2;              // the highest tier that may run: 0 interprets everything
    unsigned promote_after = 10;    // executions of a block before it is compiled
    unsigned optimize_after = 3000; // executions of its compiled code before it is optimized
    unsigned compile_threads = 1;   // beside the execution
    std::uint64_t code_cache = std::uint64_t{64} << 20; // bytes, a multiple of 64 KiB
    mmu::TlbOptions tlb{};
    std::string trace_memory;                             // path; empty when not given
    StatisticsFormat statistics = StatisticsFormat::None; // at the end
    VisibilityOptions visibility;
    bool help = false, version = false;
};

// The options, or nothing after `error` has been set to a message without the program's name.
std::optional<Options> parse_options(int count, const char* const* arguments, std::string& error);

extern const char kHelp[];

} // namespace ashlar::jit::hosted
