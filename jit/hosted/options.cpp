#include "jit/hosted/options.h"

#include <charconv>
#include <string_view>

#include "jit/board/memory_map.h"
#include "jit/hosted/disk_option.h"

namespace ashlar::jit::hosted {

const char kHelp[] =
    R"(usage: ashlar-run [options] [KERNEL]

Runs a riscv64 machine that is compatible with QEMU's `virt` board.

  --kernel FILE          Linux Image, ELF or flat binary; without --firmware it starts in S-mode under the
                         built-in SBI (an ELF with a `tohost` symbol starts in M-mode)
  --firmware FILE        M-mode firmware: OpenSBI's fw_jump or fw_dynamic, U-Boot; ELF, or flat at 0x80000000
  --initrd FILE          initial RAM disk
  --append TEXT          kernel command line
  --disk DISK[,OPTION]   the next virtio disk, up to 8: a raw image or block device, or a server of other
                         formats (nbd:unix:PATH, nbd:HOST:PORT, nbd://HOST/EXPORT). Options: ro;
                         direct=on|off (past the host's page cache); sector-size=512|4096; serial=TEXT;
                         aio=io_uring|threads. A comma in a name is written twice
  --memory SIZE          RAM, with suffix K, M or G (default 128M)
  --harts N              number of harts, 1 to 32 (default 1)
  --tier N               0 interprets everything, 1 compiles what runs often, 2 also optimizes what
                         runs very often (default 2)
  --promote-after N      executions of a block before it is compiled (default 10)
  --optimize-after N     executions of its compiled code before a block is optimized (default 3000)
  --compile-threads N    1 optimizes in a thread beside the execution, 0 where a block asks for it: then runs
                         repeat exactly (default 1)
  --tlb-policy NAME      what goes from the second level of the TLB: lru (default), plru, random or adaptive
  --code-cache SIZE      memory for host code, and as much for threaded code (default 64M)
  --tlb-prefetch NAME    pages entered into the second level before they are asked for: none (default), next or stride
  --stats[=text|json]    print statistics at the end
  --dump-ir[=FILE]       write the intermediate representation of each translated block to FILE or standard error
  --dump-graph[=FILE]    write the optimized graph of each region that tier 2 compiles
  --dump-code[=FILE]     write the host code of each compiled block or region, disassembled
  --dump-exits[=FILE]    write at the end how often each region was left for what reason
  --dump-filter PC[-PC]  only what was translated for these guest-virtual addresses (hexadecimal), or NAME: for
                         the function with that name
  --symbols FILE[@BASE]  names for guest code: an ELF, or text such as System.map; with BASE, as if its lowest
                         address were BASE. ELF images that are run name their code by themselves
  --perf-map             write /tmp/perf-PID.map, by which `perf report` names guest code
  --jitdump[=DIR]        write DIR/jit-PID.dump for `perf inject --jit` (default: the current directory)
  --trace-exec[=FILE]    write a line for every block that runs (slow: blocks are not linked)
  --trace-filter PC[-PC] only blocks at these guest-virtual addresses, or of the function NAME
  --trace-memory FILE    record the pages that loads and stores refer to (slow: everything is interpreted)
  --help, --version      print this, or the version

On a terminal Ctrl-A is the escape: Ctrl-A x quits, Ctrl-A s prints statistics, Ctrl-A h helps, and
Ctrl-A Ctrl-A sends Ctrl-A to the guest. The exit status is the guest's: 0 after a plain power-off, the code
of the test finisher or of tohost otherwise (255 stands for all above it); 1 when the machine could not be
built or run; 2 for a wrong command line; 128 + N when signal N ended the run.
)";

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kMemoryGranule = 2 * kMiB;
constexpr std::uint64_t kLeastCodeCache = kMiB / 4, kMostCodeCache = 1024 * kMiB,
                        kCodeCacheGranule = kMiB / 16;
constexpr std::uint64_t kMaxMemory = std::uint64_t{1} << 40;

bool parse_number(std::string_view text, std::uint64_t& value) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc{} && end == text.data() + text.size();
}

bool parse_size(std::string_view text, std::uint64_t& bytes) {
    unsigned shift = 0;
    if (!text.empty()) {
        switch (text.back()) {
        case 'K':
        case 'k': shift = 10; break;
        case 'M':
        case 'm': shift = 20; break;
        case 'G':
        case 'g': shift = 30; break;
        default: break;
        }
    }
    if (shift != 0)
        text.remove_suffix(1);
    if (!parse_number(text, bytes) || bytes > kMaxMemory >> shift)
        return false;
    bytes <<= shift;
    return true;
}

class Parser {
public:
    Parser(int count, const char* const* arguments, std::string& error)
        : count_(count), arguments_(arguments), error_(error) {}

    std::optional<Options> parse() {
        while (next_ < count_) {
            const std::string_view word = arguments_[next_++];
            if (!(word.starts_with("--") ? option(word) : positional(word)))
                return std::nullopt;
            if (options_.help || options_.version)
                return options_;
        }
        if (options_.kernel.empty() && options_.firmware.empty() &&
            !fail("nothing to run: give a kernel or --firmware"))
            return std::nullopt;
        if (!options_.trace_memory.empty() && options_.harts != 1 &&
            !fail("--trace-memory records one hart; --harts must be 1"))
            return std::nullopt;
        return options_;
    }

private:
    bool fail(std::string message) {
        error_ = std::move(message);
        return false;
    }

    bool positional(std::string_view word) {
        if (word.starts_with("-"))
            return fail("unknown option '" + std::string(word) + "'");
        if (!options_.kernel.empty())
            return fail("'" + std::string(word) + "': there is a kernel already ('" + options_.kernel + "')");
        options_.kernel = word;
        return true;
    }

    // The value of `name`, given as `--name=value` or as the next word.
    bool value(std::string_view name, std::optional<std::string_view> attached, std::string& to) {
        if (attached) {
            to = *attached;
            return true;
        }
        if (next_ == count_)
            return fail(std::string(name) + " needs a value");
        to = arguments_[next_++];
        return true;
    }

    bool option(std::string_view word) {
        const std::size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        std::optional<std::string_view> attached;
        if (equals != std::string_view::npos)
            attached = word.substr(equals + 1);

        if (name == "--stats")
            return statistics(attached);
        bool* const flag = name == "--perf-map"  ? &options_.visibility.perf_map
                           : name == "--help"    ? &options_.help
                           : name == "--version" ? &options_.version
                                                 : nullptr;
        if (flag != nullptr) {
            *flag = true;
            return !attached || fail(std::string(name) + " takes no value");
        }
        VisibilityOptions& visibility = options_.visibility;
        std::optional<std::string>* const output = name == "--dump-code"    ? &visibility.dump_code
                                                   : name == "--dump-exits" ? &visibility.dump_exits
                                                   : name == "--dump-graph" ? &visibility.dump_graph
                                                   : name == "--dump-ir"    ? &visibility.dump_ir
                                                   : name == "--jitdump"    ? &visibility.jitdump
                                                   : name == "--trace-exec" ? &visibility.trace
                                                                            : nullptr;
        if (output != nullptr) {
            *output = attached.value_or("");
            return true;
        }
        std::string* const text = name == "--kernel"         ? &options_.kernel
                                  : name == "--firmware"     ? &options_.firmware
                                  : name == "--initrd"       ? &options_.initrd
                                  : name == "--append"       ? &options_.command_line
                                  : name == "--dump-filter"  ? &visibility.dump_filter
                                  : name == "--trace-memory" ? &options_.trace_memory
                                  : name == "--trace-filter" ? &visibility.trace_filter
                                                             : nullptr;
        if (text != nullptr) {
            if (!text->empty())
                return fail(std::string(name) + " was given before");
            return value(name, attached, *text);
        }
        std::string argument;
        if (name == "--memory")
            return value(name, attached, argument) && memory(argument);
        if (name == "--harts")
            return value(name, attached, argument) && harts(argument);
        if (name == "--tier")
            return value(name, attached, argument) && number(name, argument, 0, 2, options_.tier);
        if (name == "--optimize-after")
            return value(name, attached, argument) &&
                   number(name, argument, 1, 1'000'000, options_.optimize_after);
        if (name == "--promote-after")
            return value(name, attached, argument) &&
                   number(name, argument, 1, 1'000'000, options_.promote_after);
        if (name == "--compile-threads")
            return value(name, attached, argument) && number(name, argument, 0, 1, options_.compile_threads);
        if (name == "--tlb-policy")
            return value(name, attached, argument) && tlb_policy(argument);
        if (name == "--code-cache")
            return value(name, attached, argument) && code_cache(argument);
        if (name == "--tlb-prefetch")
            return value(name, attached, argument) && tlb_prefetch(argument);
        if (name == "--symbols")
            return value(name, attached, argument) && symbols(argument);
        if (name == "--disk")
            return value(name, attached, argument) && disk(argument);
        return fail("unknown option '" + std::string(name) + "'");
    }

    bool number(std::string_view name, const std::string& text, std::uint64_t least, std::uint64_t most,
                unsigned& to) {
        std::uint64_t parsed = 0;
        if (!parse_number(text, parsed) || parsed < least || parsed > most)
            return fail(std::string(name) + " '" + text + "': a number from " + std::to_string(least) +
                        " to " + std::to_string(most) + " is needed");
        to = static_cast<unsigned>(parsed);
        return true;
    }

    bool tlb_policy(const std::string& text) {
        const std::optional<mmu::Replacement> policy = mmu::replacement_named(text);
        if (!policy)
            return fail("--tlb-policy '" + text + "': lru, plru, random or adaptive is needed");
        options_.tlb.replacement = *policy;
        return true;
    }

    bool tlb_prefetch(const std::string& text) {
        const std::optional<mmu::Prefetch> prefetch = mmu::prefetch_named(text);
        if (!prefetch)
            return fail("--tlb-prefetch '" + text + "': none, next or stride is needed");
        options_.tlb.prefetch = *prefetch;
        return true;
    }

    bool memory(const std::string& text) {
        if (!parse_size(text, options_.memory))
            return fail("--memory '" + text + "': a size such as 512M or 2G is needed");
        if (options_.memory < 2 * kMemoryGranule || options_.memory % kMemoryGranule != 0)
            return fail("--memory '" + text + "': at least 4M and a multiple of 2M is needed");
        return true;
    }

    bool code_cache(const std::string& text) {
        if (!parse_size(text, options_.code_cache) || options_.code_cache < kLeastCodeCache ||
            options_.code_cache > kMostCodeCache)
            return fail("--code-cache '" + text + "': a size from 256K to 1G is needed");
        options_.code_cache &= ~(kCodeCacheGranule - 1);
        return true;
    }

    bool harts(const std::string& text) {
        std::uint64_t number = 0;
        if (!parse_number(text, number) || number == 0 || number > board::kMaxHarts)
            return fail("--harts '" + text + "': a number from 1 to " + std::to_string(board::kMaxHarts) +
                        " is needed");
        options_.harts = static_cast<unsigned>(number);
        return true;
    }

    bool statistics(const std::optional<std::string_view>& form) {
        if (form && *form != "json" && *form != "text")
            return fail("--stats '" + std::string(*form) + "': text or json is needed");
        options_.statistics = form == "json" ? StatisticsFormat::Json : StatisticsFormat::Text;
        return true;
    }

    bool symbols(const std::string& text) {
        SymbolFile file{text, std::nullopt};
        if (const std::size_t at = text.rfind('@'); at != std::string::npos) {
            std::string_view base = std::string_view(text).substr(at + 1);
            if (base.starts_with("0x"))
                base.remove_prefix(2);
            const auto [end, failure] =
                std::from_chars(base.data(), base.data() + base.size(), file.base.emplace(), 16);
            if (failure != std::errc{} || end != base.data() + base.size())
                return fail("--symbols '" + text + "': what follows @ must be a hexadecimal address");
            file.path = text.substr(0, at);
        }
        if (file.path.empty())
            return fail("--symbols needs a file name");
        options_.visibility.symbols.push_back(std::move(file));
        return true;
    }

    bool disk(const std::string& text) {
        std::string why;
        auto disk = parse_disk_option(text, why);
        if (!disk)
            return fail("--disk '" + text + "': " + why);
        if (options_.disks.size() == board::kVirtioSlots)
            return fail("--disk '" + text + "': there can be " + std::to_string(board::kVirtioSlots) +
                        " disks");
        options_.disks.push_back(std::move(*disk));
        return true;
    }

    int count_;
    const char* const* arguments_;
    std::string& error_;
    Options options_;
    int next_ = 1;
};

} // namespace

std::optional<Options> parse_options(int count, const char* const* arguments, std::string& error) {
    return Parser(count, arguments, error).parse();
}

} // namespace ashlar::jit::hosted
