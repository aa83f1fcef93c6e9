// Numbers in properties of a device tree, whose widths other properties give.
#pragma once

#include <optional>

#include "lib/fdt_reader.h"

namespace ashlar::kernel {

constexpr std::size_t kCell = 4;

// How many cells an address and a size take in the `reg` of a node's children.
struct CellCounts {
    std::size_t address = 2, size = 1; // where the properties are missing
};

inline std::optional<std::uint32_t> cell_of(const fdt::Node& node, std::string_view name) {
    const auto property = node.property(name);
    if (!property || property->value.size() != kCell)
        return std::nullopt;
    return property->cell().value();
}

inline CellCounts cell_counts(const fdt::Node& parent) {
    CellCounts counts;
    counts.address = cell_of(parent, "#address-cells").value_or(2);
    counts.size = cell_of(parent, "#size-cells").value_or(1);
    return counts;
}

// A number of 0, 1 or 2 cells; others are read from no tree that describes 64-bit memory.
inline std::optional<std::uint64_t> number_at(const fdt::Property& property, std::size_t offset,
                                              std::size_t cells) {
    if (cells == 0)
        return 0;
    if (cells > 2)
        return std::nullopt;
    if (cells == 1) {
        const auto value = property.cell(offset);
        return value.ok() ? std::optional<std::uint64_t>(value.value()) : std::nullopt;
    }
    const auto value = property.cell64(offset);
    return value.ok() ? std::optional<std::uint64_t>(value.value()) : std::nullopt;
}

// A node without a status is in use.
inline bool is_enabled(const fdt::Node& node) {
    const auto status = node.property("status");
    return !status || status->string() == "okay" || status->string() == "ok";
}

} // namespace ashlar::kernel
