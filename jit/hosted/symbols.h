// Names of guest code, from the symbol tables of ELF files and from text like Linux's System.map.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/bytes.h"

namespace ashlar::jit::hosted {

// The files are not trusted. Names hold printable characters only and are not overly long.
class Symbols {
public:
    // An ELF, or lines of address (hexadecimal), letter and name as `nm` prints them. With `base` everything
    // is moved so that the lowest segment, or in a text the lowest symbol of code, is there. False after
    // `error` has been set.
    bool add(Bytes file, std::optional<std::uint64_t> base, std::string& error);

    struct Place {
        std::string_view name; // lives as long as the symbols, until the next add()
        std::uint64_t offset;
    };
    // The function around the address.
    std::optional<Place> find(std::uint64_t address) const;
    struct Range {
        std::uint64_t first, last;
    };
    std::optional<Range> range_of(std::string_view name) const;
    bool empty() const { return symbols_.empty(); }

private:
    struct Symbol {
        std::uint64_t address, size; // size 0: up to the next
        std::string name;
    };
    bool add_elf(Bytes file, std::optional<std::uint64_t> base, std::string& error);
    bool add_text(std::string_view text, std::optional<std::uint64_t> base, std::string& error);
    void take(std::vector<Symbol>&& symbols, std::uint64_t displacement);
    // The last byte that the symbol names.
    std::uint64_t last_of(std::size_t index) const;

    std::vector<Symbol> symbols_; // by address; no two have the same
};

} // namespace ashlar::jit::hosted
