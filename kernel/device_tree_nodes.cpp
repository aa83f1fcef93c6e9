#include "kernel/device_tree_nodes.h"

#include <algorithm>

#include "kernel/device_tree_cells.h"

namespace ashlar::kernel {
namespace {

using fdt::Node;
using fdt::Property;

// A bus on the way from the root to a device.
struct Bus {
    Node node;
    const Bus* above; // null: the root, whose addresses are the CPU's
};

// An address on `bus` as one on the bus above; nullopt when no range of it has all of [address, +size).
std::optional<std::uint64_t> translate_up(const Bus& bus, std::uint64_t address, std::uint64_t size) {
    const auto ranges = bus.node.property("ranges");
    if (!ranges)
        return std::nullopt; // its devices are not in memory
    if (ranges->value.empty())
        return address;
    const CellCounts own = cell_counts(bus.node);
    const std::size_t above = cell_counts(bus.above->node).address;
    const std::size_t entry = (own.address + above + own.size) * kCell;
    for (std::size_t at = 0; at + entry <= ranges->value.size(); at += entry) {
        const auto from = number_at(*ranges, at, own.address);
        const auto to = number_at(*ranges, at + own.address * kCell, above);
        const auto length = number_at(*ranges, at + (own.address + above) * kCell, own.size);
        if (from && to && length && address >= *from && address - *from <= *length &&
            size <= *length - (address - *from))
            return *to + (address - *from);
    }
    return std::nullopt;
}

std::optional<DeviceNode::Range> translate(const Bus& bus, std::uint64_t address, std::uint64_t size) {
    for (const Bus* at = &bus; at->above != nullptr; at = at->above) {
        const auto higher = translate_up(*at, address, size);
        if (!higher)
            return std::nullopt;
        address = *higher;
    }
    PhysicalAddress end;
    if (size == 0 || !PhysicalAddress(address).checked_add(size, end))
        return std::nullopt;
    return DeviceNode::Range{PhysicalAddress(address), size};
}

std::optional<DeviceNode> as_device(const Bus& bus, const Node& node) {
    const auto reg = node.property("reg");
    if (!reg)
        return std::nullopt;
    DeviceNode device{.node = node};
    const CellCounts cells = cell_counts(bus.node);
    const std::size_t entry = (cells.address + cells.size) * kCell;
    for (std::size_t at = 0;
         entry != 0 && at + entry <= reg->value.size() && device.range_count != DeviceNode::kMaxRanges;
         at += entry) {
        const auto base = number_at(*reg, at, cells.address);
        const auto size = number_at(*reg, at + cells.address * kCell, cells.size);
        const auto range = base && size ? translate(bus, *base, *size) : std::nullopt;
        if (!range)
            return std::nullopt;
        device.ranges[device.range_count++] = *range;
    }
    return device.range_count != 0 ? std::optional(device) : std::nullopt;
}

// Trees are at most as deep as fdt::Tree allows.
std::optional<DeviceNode> find_below(const Bus& bus, std::string_view with) {
    for (auto node = bus.node.first_child(); node; node = node->next_sibling()) {
        if (!is_enabled(*node))
            continue;
        if (node->compatible(with))
            if (const auto device = as_device(bus, *node))
                return device;
        if (const auto device = find_below({*node, &bus}, with))
            return device;
    }
    return std::nullopt;
}

} // namespace

std::optional<DeviceNode> find_device(const fdt::Tree& tree, std::string_view with) {
    return find_below({tree.root(), nullptr}, with);
}

std::optional<unsigned> gic_interrupt(const Node& node, std::size_t index) {
    constexpr std::size_t kEntry = 3 * kCell;
    constexpr std::uint32_t kShared = 0, kPrivate = 1;
    const auto interrupts = node.property("interrupts");
    if (!interrupts || interrupts->value.size() % kEntry != 0 || index >= interrupts->value.size() / kEntry)
        return std::nullopt;
    const std::uint32_t kind = interrupts->cell(index * kEntry).value();
    const std::uint32_t number = interrupts->cell(index * kEntry + kCell).value();
    if (kind == kPrivate && number < 16)
        return 16 + number;
    if (kind == kShared && number < 988)
        return 32 + number;
    return std::nullopt;
}

void read_chosen(const fdt::Tree& tree, std::span<char> storage, BootInformation& boot) {
    const auto chosen = tree.find("/chosen");
    if (!chosen)
        return;
    if (const auto arguments = chosen->property("bootargs")) {
        const std::string_view text = arguments->string();
        const std::size_t length = std::min(text.size(), storage.size());
        std::copy_n(text.begin(), length, storage.begin());
        boot.command_line = {storage.data(), length};
    }
    // Of one cell or two, whatever the root says.
    const auto number = [&](std::string_view name) -> std::optional<std::uint64_t> {
        const auto property = chosen->property(name);
        return property ? number_at(*property, 0, property->value.size() / kCell) : std::nullopt;
    };
    const auto begin = number("linux,initrd-start"), end = number("linux,initrd-end");
    if (begin && end && *begin < *end) {
        boot.bundle = PhysicalAddress(*begin);
        boot.bundle_size = *end - *begin;
    }
}

} // namespace ashlar::kernel
