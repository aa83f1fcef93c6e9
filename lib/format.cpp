#include "lib/format.h"

#include <algorithm>

namespace ashlar::format_detail {
namespace {

struct Specification {
    bool prefix = false;
    bool zero_pad = false;
    bool left_align = false;
    bool hexadecimal = false;
    bool character = false;
    std::size_t width = 0;
};

Specification parse_specification(std::string_view text) {
    Specification spec;
    if (text.empty() || text.front() != ':')
        return spec;
    for (const char c : text.substr(1)) {
        if (c == '#')
            spec.prefix = true;
        else if (c == '-')
            spec.left_align = true;
        else if (c == 'x')
            spec.hexadecimal = true;
        else if (c == 'c')
            spec.character = true;
        else if (c == '0' && spec.width == 0)
            spec.zero_pad = true;
        else if (c >= '0' && c <= '9')
            spec.width = spec.width * 10 + static_cast<std::size_t>(c - '0');
    }
    return spec;
}

void pad(Sink& sink, char fill, std::size_t count) {
    for (; count != 0; --count)
        sink.write({&fill, 1});
}

void write_text(Sink& sink, const Specification& spec, std::string_view text) {
    const std::size_t missing = spec.width > text.size() ? spec.width - text.size() : 0;
    if (!spec.left_align)
        pad(sink, ' ', missing);
    sink.write(text);
    if (spec.left_align)
        pad(sink, ' ', missing);
}

void write_number(Sink& sink, const Specification& spec, std::uint64_t magnitude, bool negative) {
    char digits[24];
    char* const end = digits + sizeof digits;
    char* begin = end;
    const unsigned base = spec.hexadecimal ? 16 : 10;
    do {
        *--begin = "0123456789abcdef"[magnitude % base];
        magnitude /= base;
    } while (magnitude != 0);

    const std::string_view sign = negative ? "-" : "";
    const std::string_view prefix = spec.prefix && spec.hexadecimal ? "0x" : "";
    const std::size_t length = static_cast<std::size_t>(end - begin) + sign.size() + prefix.size();
    const std::size_t missing = spec.width > length ? spec.width - length : 0;
    if (!spec.zero_pad && !spec.left_align)
        pad(sink, ' ', missing);
    sink.write(sign);
    sink.write(prefix);
    if (spec.zero_pad && !spec.left_align)
        pad(sink, '0', missing);
    sink.write({begin, static_cast<std::size_t>(end - begin)});
    if (spec.left_align)
        pad(sink, ' ', missing);
}

void write_character(Sink& sink, const Specification& spec, char character) {
    write_text(sink, spec, {&character, 1});
}

void write_signed(Sink& sink, const Specification& spec, std::int64_t value, unsigned bits) {
    const auto pattern = static_cast<std::uint64_t>(value);
    if (spec.hexadecimal)
        write_number(sink, spec, pattern & ~std::uint64_t{0} >> (64 - bits), false);
    else
        write_number(sink, spec, value < 0 ? 0 - pattern : pattern, value < 0);
}

void write_argument(Sink& sink, const Specification& spec, const Argument& argument) {
    switch (argument.kind) {
    case Argument::Kind::Unsigned:
    case Argument::Kind::Signed:
        if (spec.character)
            write_character(sink, spec, static_cast<char>(argument.unsigned_value));
        else if (argument.kind == Argument::Kind::Unsigned)
            write_number(sink, spec, argument.unsigned_value, false);
        else
            write_signed(sink, spec, argument.signed_value, argument.bits);
        return;
    case Argument::Kind::Text: write_text(sink, spec, argument.text); return;
    case Argument::Kind::Character: write_character(sink, spec, argument.character); return;
    case Argument::Kind::Boolean: write_text(sink, spec, argument.boolean ? "true" : "false"); return;
    }
}

} // namespace

void format_arguments(Sink& sink, std::string_view text, const Argument* arguments) {
    while (!text.empty()) {
        const std::size_t brace = std::min(text.find_first_of("{}"), text.size());
        if (brace != 0)
            sink.write(text.substr(0, brace));
        if (brace == text.size())
            return;
        if (text[brace] == text[brace + 1]) { // "{{" or "}}": FormatString has checked the pairing
            sink.write(text.substr(brace, 1));
            text.remove_prefix(brace + 2);
            continue;
        }
        const std::size_t close = text.find('}', brace);
        write_argument(sink, parse_specification(text.substr(brace + 1, close - brace - 1)), *arguments++);
        text.remove_prefix(close + 1);
    }
}

} // namespace ashlar::format_detail
