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

    // The value of the first symbol of that name in any symbol table; NotFound when there is none.
    Result<std::uint64_t> find_symbol(std::string_view name) const;

private:
    explicit File(Bytes bytes) : bytes_(bytes) {}
    Result<std::optional<Segment>> loadable_segment(unsigned index) const;
    Result<std::uint64_t> find_symbol_in(std::uint64_t section_header, std::string_view name) const;

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
