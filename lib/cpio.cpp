#include "lib/cpio.h"

#include <optional>

namespace ashlar::cpio {
namespace {

// The header: a six-character magic and thirteen fields of eight hexadecimal digits.
constexpr std::size_t kHeaderSize = 110;
constexpr std::size_t kFieldsOffset = 6;
constexpr std::size_t kFieldSize = 8;
constexpr unsigned kModeField = 1, kFileSizeField = 6, kNameSizeField = 11;
constexpr std::string_view kTrailer = "TRAILER!!!";

std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<std::uint32_t> parse_hex(std::string_view digits) {
    std::uint32_t value = 0;
    for (const char c : digits) {
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<unsigned>(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            digit = static_cast<unsigned>(c - 'A' + 10);
        else
            return std::nullopt;
        value = value << 4 | digit;
    }
    return value;
}

Result<std::uint32_t> header_field(Bytes header, unsigned index) {
    const auto value = parse_hex(as_text(header).substr(kFieldsOffset + index * kFieldSize, kFieldSize));
    if (!value)
        return Error::Malformed;
    return *value;
}

// Names and data start at multiples of four from the archive's start.
constexpr std::uint64_t align4(std::uint64_t offset) {
    return (offset + 3) & ~std::uint64_t{3};
}

} // namespace

bool is_archive(Bytes bytes) {
    const std::string_view magic = as_text(bytes).substr(0, kFieldsOffset);
    return magic == "070701" || magic == "070702";
}

Result<Entry> Reader::next() {
    const auto part = [this](std::uint64_t offset, std::uint64_t length) -> Result<Bytes> {
        auto bytes = slice(archive_, offset, length);
        return bytes.ok() ? std::move(bytes) : Result<Bytes>(Error::Malformed);
    };
    const Bytes header = ASHLAR_TRY(part(offset_, kHeaderSize));
    if (!is_archive(header))
        return Error::Malformed;
    const std::uint32_t name_size = ASHLAR_TRY(header_field(header, kNameSizeField));
    const std::uint32_t file_size = ASHLAR_TRY(header_field(header, kFileSizeField));
    Entry entry;
    entry.mode = ASHLAR_TRY(header_field(header, kModeField));

    const Bytes name = ASHLAR_TRY(part(offset_ + kHeaderSize, name_size));
    if (name.empty() || name.back() != std::byte{0})
        return Error::Malformed;
    entry.name = as_text(name.first(name.size() - 1));
    entry.name = entry.name.substr(0, entry.name.find('\0'));
    if (entry.name == kTrailer)
        return Error::NotFound;
    if (entry.name.starts_with("./") && entry.name.size() > 2)
        entry.name.remove_prefix(2);

    const std::uint64_t data_offset = align4(offset_ + kHeaderSize + name_size);
    entry.data = ASHLAR_TRY(part(data_offset, file_size));
    offset_ = align4(data_offset + file_size);
    return entry;
}

Result<Extent> measure(Bytes head, std::uint64_t offset) {
    if (head.size() < kHeaderSize || !is_archive(head))
        return Error::Malformed;
    const std::uint32_t name_size = ASHLAR_TRY(header_field(head, kNameSizeField));
    const std::uint32_t file_size = ASHLAR_TRY(header_field(head, kFileSizeField));
    if (name_size == 0 || name_size > head.size() - kHeaderSize)
        return Error::Malformed;
    const std::string_view name = as_text(head.subspan(kHeaderSize, name_size - 1));
    const std::uint64_t data = align4(offset + kHeaderSize + name_size);
    return Extent{align4(data + file_size), name.substr(0, name.find('\0')) == kTrailer};
}

Result<Bytes> find(Bytes archive, std::string_view name) {
    Reader reader(archive);
    for (;;) {
        const Entry entry = ASHLAR_TRY(reader.next());
        if (entry.name == name && entry.is_regular_file())
            return entry.data;
    }
}

} // namespace ashlar::cpio
