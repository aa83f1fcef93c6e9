#include "jit/hosted/visibility.h"

#include <charconv>

#include "jit/hosted/dump.h"
#include "jit/hosted/exits.h"
#include "jit/hosted/file.h"
#include "jit/hosted/profile.h"
#include "lib/elf.h"

namespace ashlar::jit::hosted {
namespace {

bool parse_address(std::string_view text, std::uint64_t& value) {
    if (text.starts_with("0x"))
        text.remove_prefix(2);
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return failure == std::errc{} && end == text.data() + text.size();
}

// Where the first segment is loaded, if that is not where its symbols say.
std::optional<std::uint64_t> physical_base(Bytes image) {
    const Result<elf::File> file = elf::File::parse(image);
    if (!file.ok())
        return std::nullopt;
    elf::Segment lowest;
    lowest.virtual_address = ~std::uint64_t{0};
    const Status walked = file.value().for_each_segment([&](const elf::Segment& segment) -> Status {
        if (segment.virtual_address < lowest.virtual_address)
            lowest = segment;
        return {};
    });
    if (!walked.ok() || lowest.virtual_address == lowest.physical_address)
        return std::nullopt;
    return lowest.physical_address;
}

} // namespace

std::unique_ptr<Visibility> Visibility::create(const VisibilityOptions& options,
                                               const std::vector<Bytes>& images, std::string& error) {
    std::unique_ptr<Visibility> result(new Visibility);
    if (!result->load_symbols(options, images, error) || !result->open_dumps(options, error) ||
        !result->open_profiles(options, error) || !result->open_trace(options, error))
        return nullptr;
    return result;
}

bool Visibility::load_symbols(const VisibilityOptions& options, const std::vector<Bytes>& images,
                              std::string& error) {
    // An image that is no good is the machine's to refuse.
    std::string ignored;
    for (const Bytes image : images) {
        if (!elf::is_elf(image))
            continue;
        symbols_.add(image, std::nullopt, ignored);
        if (const auto base = physical_base(image))
            symbols_.add(image, base, ignored);
    }
    for (const SymbolFile& file : options.symbols) {
        const auto content = read_file(file.path, error);
        if (!content)
            return false;
        if (!symbols_.add(*content, file.base, error)) {
            error = file.path + ": " + error;
            return false;
        }
    }
    return true;
}

bool Visibility::open_dumps(const VisibilityOptions& options, std::string& error) {
    AddressFilter& filter = dump_filter_;
    if (!parse_filter(options.dump_filter, filter, error))
        return false;
    if (options.dump_exits) {
        exits_sink_ = open(*options.dump_exits, error);
        if (exits_sink_ == nullptr)
            return false;
    }
    if (options.dump_ir) {
        Sink* const sink = open(*options.dump_ir, error);
        if (sink == nullptr)
            return false;
        observers_.push_back(std::make_unique<IrDump>(*sink, symbols_, filter));
    }
    if (options.dump_graph) {
        Sink* const sink = open(*options.dump_graph, error);
        if (sink == nullptr)
            return false;
        observers_.push_back(std::make_unique<GraphDump>(*sink, symbols_, filter));
    }
    if (options.dump_code) {
        Sink* const sink = open(*options.dump_code, error);
        if (sink == nullptr)
            return false;
        observers_.push_back(std::make_unique<CodeDump>(*sink, symbols_, filter));
    }
    return true;
}

bool Visibility::open_profiles(const VisibilityOptions& options, std::string& error) {
    if (options.perf_map) {
        std::unique_ptr<TextFile> file = TextFile::create(PerfMap::default_path(), error);
        if (file == nullptr)
            return false;
        observers_.push_back(std::make_unique<PerfMap>(std::move(file), symbols_));
    }
    if (options.jitdump) {
        std::unique_ptr<JitDump> dump = JitDump::create(*options.jitdump, symbols_, error);
        if (dump == nullptr)
            return false;
        observers_.push_back(std::move(dump));
    }
    return true;
}

bool Visibility::open_trace(const VisibilityOptions& options, std::string& error) {
    AddressFilter filter;
    if (!parse_filter(options.trace_filter, filter, error))
        return false;
    if (!options.trace)
        return true;
    Sink* const sink = open(*options.trace, error);
    if (sink != nullptr)
        trace_.emplace(*sink, symbols_, filter);
    return sink != nullptr;
}

Sink* Visibility::open(const std::string& path, std::string& error) {
    std::unique_ptr<TextFile>& file = files_[path];
    if (file == nullptr)
        file = TextFile::create(path, error);
    return file.get();
}

bool Visibility::parse_filter(const std::string& text, AddressFilter& filter, std::string& error) const {
    if (text.empty())
        return true;
    if (const auto range = symbols_.range_of(text)) {
        filter = {range->first, range->last};
        return true;
    }
    const std::size_t dash = text.find('-');
    const bool good =
        parse_address(std::string_view(text).substr(0, dash), filter.first) &&
        parse_address(std::string_view(text).substr(dash == std::string::npos ? 0 : dash + 1), filter.last) &&
        filter.first <= filter.last;
    if (!good)
        error = "'" + text + "' is neither PC, nor PC-PC (hexadecimal), nor a function's name";
    return good;
}

void Visibility::block_lifted(const GuestCode& guest, const ir::Block& block) {
    for (const auto& observer : observers_)
        observer->block_lifted(guest, block);
}

void Visibility::print_exits(std::span<const RegionExit> exits) {
    if (exits_sink_ != nullptr)
        print_region_exits(exits, dump_filter_, symbols_, *exits_sink_);
}

void Visibility::region_optimized(const OptimizedRegion& region) {
    for (const auto& observer : observers_)
        observer->region_optimized(region);
}

void Visibility::code_emitted(const EmittedCode& emitted) {
    for (const auto& observer : observers_)
        observer->code_emitted(emitted);
}

void Visibility::code_flushed() {
    for (const auto& observer : observers_)
        observer->code_flushed();
}

} // namespace ashlar::jit::hosted
