#include "lib/guid.h"

namespace ashlar {
namespace {

constexpr std::size_t kTextLength = 36;
// Where the byte at each place of the text is stored.
constexpr std::array<std::uint8_t, 16> kOrder = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

constexpr bool dash_before(std::size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

std::optional<unsigned> digit(char c) {
    if (c >= '0' && c <= '9')
        return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

} // namespace

std::optional<Guid> Guid::parse(std::string_view text) {
    if (text.size() != kTextLength)
        return std::nullopt;
    Guid guid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < guid.bytes.size(); ++i) {
        if (dash_before(i) && text[at++] != '-')
            return std::nullopt;
        const auto high = digit(text[at]), low = digit(text[at + 1]);
        if (!high || !low)
            return std::nullopt;
        guid.bytes[kOrder[i]] = static_cast<std::byte>(*high << 4 | *low);
        at += 2;
    }
    return guid;
}

void describe(Sink& sink, const Guid& guid) {
    for (std::size_t i = 0; i < guid.bytes.size(); ++i) {
        if (dash_before(i))
            sink.write("-");
        format(sink, "{:02x}", std::to_integer<unsigned>(guid.bytes[kOrder[i]]));
    }
}

} // namespace ashlar
