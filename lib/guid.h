// Globally unique identifiers as text and as GPT and EFI store them: the first three groups little-endian.
// Specification: UEFI 2.10, appendix A.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "lib/format.h"

namespace ashlar {

struct Guid {
    std::array<std::byte, 16> bytes{}; // as stored
    constexpr bool operator==(const Guid&) const = default;
    constexpr bool is_zero() const { return *this == Guid{}; }

    // "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", in letters of either case.
    static std::optional<Guid> parse(std::string_view text);
};

// In small letters.
void describe(Sink& sink, const Guid& guid);

} // namespace ashlar
