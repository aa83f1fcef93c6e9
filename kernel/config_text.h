// Words and numbers of ashlar.conf.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernel/memory_policy.h"
#include "lib/format.h"

namespace ashlar::kernel {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

// Without the blanks around it.
std::string_view trim(std::string_view text);

// Decimal digits alone, of a value that fits.
std::optional<std::uint64_t> parse_number(std::string_view text);

// A number of bytes with an optional suffix K, M or G.
std::optional<std::uint64_t> parse_size(std::string_view text);

// The value of `policy`: "local", "preferred 1", "interleave 0:3,1-2", "bind 0,2". `policy` has no nodes
// where the text names none. When it makes no sense, `problem` has a sentence.
bool parse_policy(std::string_view text, MemoryPolicy& policy, Sink& problem);

} // namespace ashlar::kernel
