// Formatted output without allocation: format(sink, "{} at {:#018x}\n", name, address).
//
// A placeholder is {} or {:SPEC}; SPEC is [#][0][width][x|d|c]: '#' prefixes 0x, '0' pads with zeros instead
// of blanks, width counts the prefix, '-' before the width pads on the right, x means hexadecimal (of
// negative numbers: the bits of their type), c the character with that code. {{ and }} stand for themselves.
// The number of placeholders is checked at compile time.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar {

// Where text goes. Implementations decide about buffering; write never fails (what does not fit is dropped).
class Sink {
public:
    virtual void write(std::string_view text) = 0;

protected:
    ~Sink() = default;
};

// Collects text in a fixed buffer and drops the rest; not NUL-terminated.
template <std::size_t Capacity>
class BufferSink final : public Sink {
public:
    void write(std::string_view text) override {
        for (const char c : text) {
            if (size_ == Capacity) {
                truncated_ = true;
                return;
            }
            buffer_[size_++] = c;
        }
    }
    std::string_view view() const { return {buffer_, size_}; }
    bool truncated() const { return truncated_; }
    void clear() {
        size_ = 0;
        truncated_ = false;
    }

private:
    char buffer_[Capacity];
    std::size_t size_ = 0;
    bool truncated_ = false;
};

namespace format_detail {

struct Argument {
    enum class Kind : std::uint8_t { Unsigned, Signed, Text, Character, Boolean };
    Kind kind;
    std::uint8_t bits = 64; // width of an integer's type
    union {
        std::uint64_t unsigned_value;
        std::int64_t signed_value;
        std::string_view text;
        char character;
        bool boolean;
    };

    constexpr Argument(bool value) : kind(Kind::Boolean), boolean(value) {}
    constexpr Argument(char value) : kind(Kind::Character), character(value) {}
    constexpr Argument(std::unsigned_integral auto value) : kind(Kind::Unsigned), unsigned_value(value) {}
    constexpr Argument(std::signed_integral auto value)
        : kind(Kind::Signed), bits(sizeof value * 8), signed_value(value) {}
    constexpr Argument(std::string_view value) : kind(Kind::Text), text(value) {}
    constexpr Argument(const char* value) : kind(Kind::Text), text(value) {}
    constexpr Argument(Error value) : kind(Kind::Text), text(to_string(value)) {}
    template <class Tag>
    constexpr Argument(Address<Tag> value) : kind(Kind::Unsigned), unsigned_value(value.value()) {}
    Argument(const void* value)
        : kind(Kind::Unsigned), unsigned_value(reinterpret_cast<std::uintptr_t>(value)) {}
};

// Placeholders in `text`, or -1 when a brace has no partner.
constexpr int count_placeholders(std::string_view text) {
    int count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') {
            if (i + 1 < text.size() && text[i + 1] == '{') {
                ++i;
                continue;
            }
            while (i < text.size() && text[i] != '}')
                ++i;
            if (i == text.size())
                return -1;
            ++count;
        } else if (text[i] == '}') {
            if (i + 1 >= text.size() || text[i + 1] != '}')
                return -1;
            ++i;
        }
    }
    return count;
}

// Not constexpr, so that a call from the consteval constructor is a compile-time error with this name in it.
void placeholders_and_arguments_differ_in_number();

void format_arguments(Sink& sink, std::string_view text, const Argument* arguments);

} // namespace format_detail

template <class... Arguments>
struct BasicFormatString {
    consteval BasicFormatString(const char* literal) : text(literal) {
        if (format_detail::count_placeholders(text) != static_cast<int>(sizeof...(Arguments)))
            format_detail::placeholders_and_arguments_differ_in_number();
    }
    std::string_view text;
};
template <class... Arguments>
using FormatString = BasicFormatString<std::type_identity_t<Arguments>...>;

template <class... Arguments>
void format(Sink& sink, FormatString<Arguments...> text, const Arguments&... arguments) {
    if constexpr (sizeof...(Arguments) == 0) {
        format_detail::format_arguments(sink, text.text, nullptr);
    } else {
        const format_detail::Argument list[] = {format_detail::Argument(arguments)...};
        format_detail::format_arguments(sink, text.text, list);
    }
}

} // namespace ashlar
