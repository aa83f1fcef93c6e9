// What the options ask to see of the engine: dumps, profiles, traces, and the symbols that they are read
// with.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "jit/code_observer.h"
#include "jit/hosted/listing.h"
#include "jit/hosted/options.h"
#include "jit/hosted/text_file.h"
#include "jit/hosted/trace.h"
#include "jit/region_exits.h"

namespace ashlar::jit::hosted {

class Visibility final : private CodeObserver {
public:
    // `images` are those that the machine starts with. Nullptr after `error` has been set.
    static std::unique_ptr<Visibility> create(const VisibilityOptions& options,
                                              const std::vector<Bytes>& images, std::string& error);

    // For the engine; nullptr when there is nothing to see.
    CodeObserver* observer() { return observers_.empty() ? nullptr : this; }
    // For the machine's ways out of regions, at the end.
    void print_exits(std::span<const RegionExit> exits);
    ExecutionObserver* execution_observer() { return trace_ ? &*trace_ : nullptr; }

private:
    Visibility() = default;
    bool load_symbols(const VisibilityOptions& options, const std::vector<Bytes>& images, std::string& error);
    bool open_dumps(const VisibilityOptions& options, std::string& error);
    bool open_profiles(const VisibilityOptions& options, std::string& error);
    bool open_trace(const VisibilityOptions& options, std::string& error);
    // Options that name the same file share it.
    Sink* open(const std::string& path, std::string& error);
    bool parse_filter(const std::string& text, AddressFilter& filter, std::string& error) const;

    void block_lifted(const GuestCode& guest, const ir::Block& block) override;
    void region_optimized(const OptimizedRegion& region) override;
    void code_emitted(const EmittedCode& emitted) override;
    void code_flushed() override;

    Symbols symbols_;
    AddressFilter dump_filter_;
    Sink* exits_sink_ = nullptr; // or nobody wants to see them
    std::map<std::string, std::unique_ptr<TextFile>> files_;
    std::vector<std::unique_ptr<CodeObserver>> observers_;
    std::optional<ExecutionTrace> trace_;
};

} // namespace ashlar::jit::hosted
