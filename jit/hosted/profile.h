// Names of host code for Linux's perf: its map files and its dumps of just-in-time compiled code.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "jit/code_observer.h"
#include "jit/hosted/symbols.h"
#include "jit/hosted/text_file.h"

namespace ashlar::jit::hosted {

struct NamedCode {
    std::string name;
    Bytes code;
};
// "main+0x10 [tier 1]", by the guest code that host code begins with; "probe [shared]": the pieces of what
// translations share.
std::vector<NamedCode> named_code(const Symbols& symbols, const EmittedCode& emitted);

// /tmp/perf-PID.map, which `perf report` reads by itself. It does not tell when code was at an address: after
// a flush, code that came later names samples of before.
class PerfMap final : public CodeObserver {
public:
    PerfMap(std::unique_ptr<TextFile> file, const Symbols& symbols)
        : file_(std::move(file)), symbols_(symbols) {}
    static std::string default_path();
    void code_emitted(const EmittedCode& emitted) override;

private:
    std::unique_ptr<TextFile> file_;
    const Symbols& symbols_;
};

// DIR/jit-PID.dump, with the code itself, for `perf inject --jit`.
class JitDump final : public CodeObserver {
public:
    // Nullptr after `error` has been set. An empty directory is the current one.
    static std::unique_ptr<JitDump> create(const std::string& directory, const Symbols& symbols,
                                           std::string& error);
    JitDump(const JitDump&) = delete;
    JitDump& operator=(const JitDump&) = delete;
    ~JitDump() override;
    void code_emitted(const EmittedCode& emitted) override;

private:
    void write(const NamedCode& named);
    JitDump(std::FILE* file, void* marker, const Symbols& symbols)
        : file_(file), marker_(marker), symbols_(symbols) {}

    std::FILE* file_;
    void* marker_; // a mapping that perf takes notice of
    const Symbols& symbols_;
    std::uint64_t index_ = 0; // of the next code
};

} // namespace ashlar::jit::hosted
