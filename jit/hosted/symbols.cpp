#include "jit/hosted/symbols.h"

#include <algorithm>
#include <charconv>

#include "lib/elf.h"

namespace ashlar::jit::hosted {
namespace {

constexpr std::size_t kMaxName = 255;
// How far a symbol without a size reaches when no other follows.
constexpr std::uint64_t kMaxReach = std::uint64_t{1} << 20;

std::string clean(std::string_view name) {
    std::string result(name.substr(0, kMaxName));
    for (char& c : result)
        if (c <= ' ' || c > '~')
            c = '?';
    return result;
}

// Assembler's own labels and marks between code and data.
bool is_internal(std::string_view name) {
    return name.empty() || name.starts_with("$") || name.starts_with(".L");
}

bool parse_hexadecimal(std::string_view text, std::uint64_t& value) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return failure == std::errc{} && end == text.data() + text.size();
}

std::string_view next_word(std::string_view& line) {
    const std::size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    const std::string_view word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
}

} // namespace

bool Symbols::add(Bytes file, std::optional<std::uint64_t> base, std::string& error) {
    if (elf::is_elf(file))
        return add_elf(file, base, error);
    return add_text({reinterpret_cast<const char*>(file.data()), file.size()}, base, error);
}

bool Symbols::add_elf(Bytes bytes, std::optional<std::uint64_t> base, std::string& error) {
    const Result<elf::File> file = elf::File::parse(bytes);
    if (!file.ok()) {
        error = std::string("ELF: ") + to_string(file.error());
        return false;
    }
    std::uint64_t lowest = ~std::uint64_t{0};
    std::vector<Symbol> found;
    Status walked = file.value().for_each_segment([&](const elf::Segment& segment) -> Status {
        lowest = std::min(lowest, segment.virtual_address);
        return {};
    });
    if (walked.ok())
        walked = file.value().for_each_symbol([&](const elf::Symbol& symbol) -> Status {
            using Kind = elf::Symbol::Kind;
            if (symbol.defined && (symbol.kind == Kind::Function || symbol.kind == Kind::None) &&
                !is_internal(symbol.name))
                found.push_back({symbol.value, symbol.size, clean(symbol.name)});
            return {};
        });
    if (!walked.ok()) {
        error = std::string("ELF: ") + to_string(walked.error());
        return false;
    }
    take(std::move(found), base ? *base - lowest : 0);
    return true;
}

bool Symbols::add_text(std::string_view text, std::optional<std::uint64_t> base, std::string& error) {
    std::uint64_t lowest = ~std::uint64_t{0};
    std::vector<Symbol> found;
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.empty() || line[0] == ' ') // undefined symbols have no address
            continue;
        const std::string_view address = next_word(line), kind = next_word(line), name = next_word(line);
        Symbol symbol{0, 0, clean(name)};
        if (!parse_hexadecimal(address, symbol.address) || kind.size() != 1 || name.empty()) {
            error = "line " + std::to_string(number) +
                    " is not 'ADDRESS LETTER NAME', and the file is no ELF either";
            return false;
        }
        if (std::string_view("tTwW").find(kind) == std::string_view::npos || is_internal(name))
            continue;
        lowest = std::min(lowest, symbol.address);
        found.push_back(std::move(symbol));
    }
    take(std::move(found), base ? *base - lowest : 0);
    return true;
}

void Symbols::take(std::vector<Symbol>&& symbols, std::uint64_t displacement) {
    for (Symbol& symbol : symbols) {
        symbol.address += displacement;
        symbols_.push_back(std::move(symbol));
    }
    // Of those at one address the largest comes first and stays.
    std::stable_sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) {
        return a.address != b.address ? a.address < b.address : a.size > b.size;
    });
    // Labels within a function do not end it.
    std::vector<Symbol> kept;
    for (Symbol& symbol : symbols_) {
        const bool within =
            !kept.empty() && (symbol.address == kept.back().address ||
                              (symbol.size == 0 && symbol.address - kept.back().address < kept.back().size));
        if (!within)
            kept.push_back(std::move(symbol));
    }
    symbols_ = std::move(kept);
}

std::uint64_t Symbols::last_of(std::size_t index) const {
    const Symbol& symbol = symbols_[index];
    const std::uint64_t reach = symbol.size != 0 ? symbol.size : kMaxReach;
    std::uint64_t last = symbol.address + std::min(reach - 1, ~std::uint64_t{0} - symbol.address);
    if (index + 1 < symbols_.size())
        last = std::min(last, symbols_[index + 1].address - 1);
    return last;
}

std::optional<Symbols::Place> Symbols::find(std::uint64_t address) const {
    const auto above = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                        [](std::uint64_t a, const Symbol& b) { return a < b.address; });
    if (above == symbols_.begin())
        return std::nullopt;
    const auto index = static_cast<std::size_t>(above - symbols_.begin()) - 1;
    if (address > last_of(index))
        return std::nullopt;
    return Place{symbols_[index].name, address - symbols_[index].address};
}

std::optional<Symbols::Range> Symbols::range_of(std::string_view name) const {
    for (std::size_t i = 0; i < symbols_.size(); ++i)
        if (symbols_[i].name == name)
            return Range{symbols_[i].address, last_of(i)};
    return std::nullopt;
}

} // namespace ashlar::jit::hosted
