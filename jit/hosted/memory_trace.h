// Files of the pages that a guest's loads and stores refer to. docs/memory-trace.md describes the format.
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "jit/mmu/mmu.h"

namespace ashlar::jit::hosted {

// References that a direct-mapped table of this many pages does not have are recorded, and no others.
constexpr std::size_t kTraceFilter = 64;

class MemoryTraceWriter final : public mmu::ReferenceObserver {
public:
    // Nullptr after `error` has been set.
    static std::unique_ptr<MemoryTraceWriter> create(const std::string& path, std::string& error);
    MemoryTraceWriter(const MemoryTraceWriter&) = delete;
    MemoryTraceWriter& operator=(const MemoryTraceWriter&) = delete;
    ~MemoryTraceWriter();

    // Ends the file; false and `error` when something was not written. Nothing may follow.
    bool finish(std::string& error);

    bool referenced(std::uint64_t address, mmu::Access access) override;
    void mapped(const mmu::Mapping& mapping) override;
    void selected(const mmu::Selection& data) override;
    void flushed(const mmu::Flush& flush) override;

private:
    struct Seen {
        std::uint64_t page = ~std::uint64_t{0};
        unsigned kinds = 0;
    };
    using Filter = std::array<Seen, kTraceFilter>;

    explicit MemoryTraceWriter(std::FILE* file) : file_(file) {}
    void put(std::uint64_t byte) { std::putc(static_cast<int>(byte & 0xff), file_); }
    void put_number(std::uint64_t value);

    std::FILE* file_;
    // As contexts of the MMU: each may drop what another keeps.
    std::array<std::array<Filter, mmu::Mmu::kDataContexts>, mmu::Mmu::kSpaces> filters_{};
    mmu::Selection selection_{0, 0};
    bool any_selection_ = false;
    std::uint64_t references_ = 0, page_ = 0, last_page_ = 0;
    bool stores_ = false; // the reference that mapped() will be told of
};

struct MemoryTraceEvent {
    enum class Kind : std::uint8_t { Reference, Selection, Flush, End };
    Kind kind = Kind::End;
    // Reference
    std::uint64_t page = 0; // virtual address >> 12
    bool stores = false;
    mmu::PageKind leaf{};
    mmu::Denials denies = 0;
    bool kept = true; // a TLB may keep the translation
    mmu::Selection selection{0, 0};
    mmu::Flush flush{};
    std::uint64_t references = 0; // End: recorded or not, in all
};

class MemoryTraceReader {
public:
    // Nullptr after `error` has been set.
    static std::unique_ptr<MemoryTraceReader> open(const std::string& path, std::string& error);
    MemoryTraceReader(const MemoryTraceReader&) = delete;
    MemoryTraceReader& operator=(const MemoryTraceReader&) = delete;
    ~MemoryTraceReader() { std::fclose(file_); }

    // False: the file is damaged, or has no end since the recorder was stopped.
    bool next(MemoryTraceEvent& event);

private:
    explicit MemoryTraceReader(std::FILE* file) : file_(file) {}
    bool number(std::uint64_t& value);
    bool small(std::uint64_t& value, std::uint64_t limit);
    bool reference(unsigned head, MemoryTraceEvent& event);
    bool selection(MemoryTraceEvent& event);
    bool flush(MemoryTraceEvent& event);

    std::FILE* file_;
    std::uint64_t last_page_ = 0;
};

} // namespace ashlar::jit::hosted
