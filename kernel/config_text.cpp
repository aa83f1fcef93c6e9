#include "kernel/config_text.h"

#include <algorithm>

namespace ashlar::kernel {
namespace {

using Kind = MemoryPolicy::Kind;

constexpr std::uint64_t kMaxWeight = 255;

// What comes before the first `separator`, and without it what comes behind.
std::string_view split(std::string_view& rest, char separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return trim(part);
}

std::optional<Kind> kind_of(std::string_view word) {
    for (const Kind kind : {Kind::Local, Kind::Preferred, Kind::Interleave, Kind::Bind})
        if (word == to_string(kind))
            return kind;
    return std::nullopt;
}

std::optional<NodeId> parse_node(std::string_view text, Sink& problem) {
    const auto number = parse_number(text);
    if (!number)
        format(problem, "'{}' is no NUMA node number", text);
    else if (*number >= kMaxNodes)
        format(problem, "node {} is above the last possible, {}", *number, kMaxNodes - 1);
    else
        return static_cast<NodeId>(*number);
    return std::nullopt;
}

// "N", "N-M", and of Interleave either with ":WEIGHT".
bool parse_nodes(std::string_view item, MemoryPolicy& policy, Sink& problem) {
    std::string_view weight_text = item;
    std::string_view last_text = split(weight_text, ':'); // which leaves what comes behind the ':'
    const bool has_weight = item.find(':') != std::string_view::npos;
    const auto weight = has_weight ? parse_number(trim(weight_text)) : std::uint64_t{1};
    if (has_weight && (policy.kind != Kind::Interleave || !weight || *weight < 1 || *weight > kMaxWeight)) {
        format(problem, "'{}': only interleave has weights, from 1 to {}", item, kMaxWeight);
        return false;
    }
    const bool is_range = last_text.find('-') != std::string_view::npos;
    const std::string_view first_text = is_range ? split(last_text, '-') : last_text;
    const auto first = parse_node(first_text, problem);
    if (!first)
        return false;
    const auto last = is_range ? parse_node(trim(last_text), problem) : first;
    if (!last)
        return false;
    if (*last < *first) {
        format(problem, "the nodes '{}' are no range", item);
        return false;
    }
    for (NodeId node = *first; node <= *last; ++node) {
        if (policy.nodes.contains(node)) {
            format(problem, "node {} is named twice", node);
            return false;
        }
        policy.nodes.add(node);
        policy.weights[node] = static_cast<std::uint8_t>(*weight);
    }
    return true;
}

} // namespace

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    if (text.empty())
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9' || value > (~std::uint64_t{0} - 9) / 10)
            return std::nullopt;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
    std::uint64_t unit = 1;
    if (!text.empty()) {
        switch (text.back()) {
        case 'K':
        case 'k': unit = kKiB; break;
        case 'M':
        case 'm': unit = kMiB; break;
        case 'G':
        case 'g': unit = kGiB; break;
        default: break;
        }
    }
    if (unit != 1)
        text.remove_suffix(1);
    const auto number = parse_number(text);
    if (!number || *number > ~std::uint64_t{0} / unit)
        return std::nullopt;
    return *number * unit;
}

bool parse_policy(std::string_view text, MemoryPolicy& policy, Sink& problem) {
    policy = {};
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view word = text.substr(0, end);
    std::string_view nodes = trim(text.substr(end));
    const auto kind = kind_of(word);
    if (!kind) {
        format(problem, "policy '{}' is not supported (local, preferred NODE, interleave NODES, bind NODES)",
               word);
        return false;
    }
    policy.kind = *kind;
    if (policy.kind == Kind::Local && !nodes.empty()) {
        format(problem, "policy local names no nodes; 'node' says which is its own");
        return false;
    }
    while (!nodes.empty()) {
        const bool more = nodes.find(',') != std::string_view::npos;
        const std::string_view item = split(nodes, ',');
        if (!parse_nodes(item, policy, problem))
            return false;
        if (more && nodes.empty()) {
            format(problem, "a node is missing behind the last ','");
            return false;
        }
    }
    if (policy.kind == Kind::Preferred && policy.nodes.count() > 1) {
        format(problem, "policy preferred names one node");
        return false;
    }
    return true;
}

} // namespace ashlar::kernel
