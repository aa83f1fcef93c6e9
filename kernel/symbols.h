// Names of the image's functions, for backtraces.
#pragma once

#include <cstdint>
#include <string_view>

namespace ashlar::kernel {

struct Symbol {
    std::string_view name; // empty: not known
    std::uint64_t offset;  // of the address from the function's start
};
Symbol find_symbol(std::uint64_t address);

} // namespace ashlar::kernel
