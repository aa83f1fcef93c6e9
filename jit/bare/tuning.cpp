#include "jit/bare/tuning.h"

#include <algorithm>
#include <optional>

namespace ashlar::jit::bare {
namespace {

constexpr std::string_view kBlanks(" \t\r\n\0", 5);

// Decimal digits with an optional K, M or G.
std::optional<std::uint64_t> parse_size(std::string_view text) {
    unsigned shift = 0;
    if (!text.empty()) {
        switch (text.back()) {
        case 'K': shift = 10; break;
        case 'M': shift = 20; break;
        case 'G': shift = 30; break;
        default: break;
        }
    }
    if (shift != 0)
        text.remove_suffix(1);
    constexpr std::size_t kMaxDigits = 10; // so that nothing overflows
    if (text.empty() || text.size() > kMaxDigits)
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return value << shift;
}

std::optional<bool> parse_switch(std::string_view text) {
    if (text == "yes")
        return true;
    if (text == "no")
        return false;
    return std::nullopt;
}

template <class T>
bool assign(T& field, const std::optional<T>& value) {
    if (value)
        field = *value;
    return value.has_value();
}

enum class Verdict : std::uint8_t { Good, WrongValue, UnknownName };

Verdict apply(Tuning& tuning, std::string_view name, std::string_view value) {
    bool good = false;
    if (name == "slice")
        good = assign(tuning.slice, parse_size(value)) && tuning.slice != 0;
    else if (name == "code-cache")
        good = assign(tuning.code_cache_bytes, parse_size(value));
    else if (name == "tier")
        good = assign(tuning.tier, parse_size(value)) && tuning.tier <= 2;
    else if (name == "optimize-after")
        good = assign(tuning.optimize_after, parse_size(value)) && tuning.optimize_after != 0 &&
               tuning.optimize_after <= 1'000'000;
    else if (name == "promote-after")
        good = assign(tuning.promote_after, parse_size(value)) && tuning.promote_after != 0 &&
               tuning.promote_after <= 1'000'000;
    else if (name == "tlb-policy")
        good = assign(tuning.tlb.replacement, mmu::replacement_named(value));
    else if (name == "tlb-prefetch")
        good = assign(tuning.tlb.prefetch, mmu::prefetch_named(value));
    else if (name == "statistics")
        good = assign(tuning.statistics, parse_switch(value));
    else
        return Verdict::UnknownName;
    return good ? Verdict::Good : Verdict::WrongValue;
}

} // namespace

Tuning parse_tuning(std::string_view text, Sink& diagnostics) {
    Tuning tuning;
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
        if (text.empty())
            return tuning;
        const std::string_view item = text.substr(0, text.find_first_of(kBlanks));
        text.remove_prefix(item.size());
        const std::size_t equals = std::min(item.find('='), item.size());
        const std::string_view value = item.substr(std::min(equals + 1, item.size()));

        Tuning changed = tuning;
        const Verdict verdict = apply(changed, item.substr(0, equals), value);
        if (verdict == Verdict::Good)
            tuning = changed;
        else
            format(diagnostics, "tuning '{}' ignored: {}\n", item,
                   verdict == Verdict::UnknownName ? "unknown name" : "wrong value");
    }
}

} // namespace ashlar::jit::bare
