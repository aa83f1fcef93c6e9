// Reading ELF64 little-endian executables that are not trusted.
#pragma once

#include <optional>
#include <string_view>

#include "lib/bytes.h"
#include "lib/result.h"

namespace ashlar::elf {

// e_machine.
enum class Machine : std::uint16_t { X86_64 = 62, Aarch64 = 183, RiscV = 243 };
// e_type.
enum class Type : std::uint16_t { Executable = 2, Dynamic = 3 };

// One loadable segment (PT_LOAD). `file` lies wholly in the file and is no longer than `memory_size`; what
// is missing from it is zero.
struct Segment {
    std::uint64_t virtual_address = 0;
    std::uint64_t physical_address = 0;
    std::uint64_t memory_size = 0;
    Bytes file;
    bool read = false, write = false, execute = false;
};

// One entry of a symbol table.
struct Symbol {
    enum class Kind : std::uint8_t { None = 0, Object = 1, Function = 2 }; // others: sections, files, ...
    std::string_view name;                                                 // at most kMaxNameLength of it
    std::uint64_t value = 0, size = 0;
    Kind kind = Kind::None;
    bool defined = false; // in this file
};
constexpr std::size_t kMaxNameLength = 4096;

class File {
public:
    // Malformed for what is no ELF file or has tables that reach out of it; Unsupported for other classes,
    // byte orders and types than executables. Views `bytes`, which outlive the File.
    static Result<File> parse(Bytes bytes);

    std::uint16_t machine() const { return machine_; }
    bool is_for(Machine machine) const { return machine_ == static_cast<std::uint16_t>(machine); }
    Type type() const { return type_; }
    std::uint64_t entry() const { return entry_; }

    // Calls visit(segment) -> Status for each loadable segment of non-zero size, in file order, and stops at
    // the first error. Malformed when a segment reaches out of the file, wraps the address space or has more
    // bytes in the file than in memory.
    template <class Visitor>
    Status for_each_segment(Visitor&& visit) const {
        for (unsigned i = 0; i < segment_count_; ++i) {
            const std::optional<Segment> segment = ASHLAR_TRY(loadable_segment(i));
            if (segment)
                ASHLAR_TRY(visit(*segment));
        }
        return {};
    }

    // Calls visit(symbol) -> Status for each entry of each symbol table, and stops at the first error.
    // Malformed when a table or its strings reach out of the file.
    template <class Visitor>
    Status for_each_symbol(Visitor&& visit) const {
        for (unsigned i = 0; i < section_count_; ++i) {
            const SymbolTable table = ASHLAR_TRY(symbol_table(i));
            for (std::size_t n = 0; n < table.count(); ++n)
                ASHLAR_TRY(visit(table.symbol(n)));
        }
        return {};
    }

    // The value of the first symbol of that name in any symbol table; NotFound when there is none.
    Result<std::uint64_t> find_symbol(std::string_view name) const;

private:
    struct SymbolTable {
        Bytes symbols, strings;
        std::size_t count() const;
        Symbol symbol(std::size_t index) const;
    };

    explicit File(Bytes bytes) : bytes_(bytes) {}
    Result<std::optional<Segment>> loadable_segment(unsigned index) const;
    // That of a section; without entries when the section is none.
    Result<SymbolTable> symbol_table(unsigned section) const;

    Bytes bytes_;
    std::uint16_t machine_ = 0;
    Type type_ = Type::Executable;
    std::uint64_t entry_ = 0;
    std::uint64_t segments_offset_ = 0;
    std::uint64_t sections_offset_ = 0;
    unsigned segment_count_ = 0, section_count_ = 0;
};

// Whether the bytes start with the ELF magic.
bool is_elf(Bytes bytes);

} // namespace ashlar::elf
