#include "lib/fdt_writer.h"

#include <algorithm>
#include <cstring>

namespace ashlar::fdt {

Writer::Writer(MutableBytes buffer) : buffer_(buffer) {
    std::byte* const header = grow(header::kSize);
    if (header != nullptr)
        std::memset(header, 0, header::kSize);
}

void Writer::fail(Error error) {
    if (!failed_)
        error_ = error;
    failed_ = true;
}

// Room for `bytes` more, padded to whole cells with zeros; nullptr after an error.
std::byte* Writer::grow(std::size_t bytes) {
    const std::size_t padded = align_cell(bytes);
    if (failed_ || state_ == State::Finished || padded < bytes ||
        padded > buffer_.size() - used_ - strings_) {
        fail(state_ == State::Finished ? Error::InvalidArgument : Error::OutOfMemory);
        return nullptr;
    }
    std::byte* const at = buffer_.data() + used_;
    std::memset(at + bytes, 0, padded - bytes);
    used_ += padded;
    return at;
}

void Writer::put_cell(std::uint32_t value) {
    if (std::byte* const at = grow(4))
        store_be(at, value);
}

void Writer::reserve(std::uint64_t address, std::uint64_t size) {
    if (state_ != State::Reservations)
        return fail(Error::InvalidArgument);
    if (std::byte* const at = grow(kReservationEntrySize)) {
        store_be(at, address);
        store_be(at + 8, size);
    }
}

void Writer::open_structure() {
    if (state_ != State::Reservations)
        return;
    reserve(0, 0); // the terminating entry
    structure_start_ = used_;
    state_ = State::Structure;
}

void Writer::begin_node(std::string_view name) {
    open_structure();
    if ((depth_ == 0) != name.empty() || root_closed_ || depth_ == kMaxDepth ||
        name.find('\0') != std::string_view::npos)
        return fail(Error::InvalidArgument);
    put_cell(static_cast<std::uint32_t>(Token::BeginNode));
    if (std::byte* const at = grow(name.size() + 1)) {
        std::copy_n(reinterpret_cast<const std::byte*>(name.data()), name.size(), at);
        at[name.size()] = std::byte{0};
    }
    ++depth_;
    properties_allowed_ = true;
}

void Writer::end_node() {
    if (depth_ == 0)
        return fail(Error::InvalidArgument);
    put_cell(static_cast<std::uint32_t>(Token::EndNode));
    --depth_;
    properties_allowed_ = false;
    root_closed_ = depth_ == 0;
}

// Names gather at the back of the buffer in reverse, each addressed by its distance from the end, until
// finish() knows the size of the strings block. Equal names are stored once.
std::uint32_t Writer::intern(std::string_view name) {
    const char* const end = reinterpret_cast<const char*>(buffer_.data()) + buffer_.size();
    for (const char* at = end - strings_; at != end;) {
        const std::string_view known(at);
        if (known == name)
            return static_cast<std::uint32_t>(end - at);
        at += known.size() + 1;
    }
    if (failed_ || name.size() + 1 > buffer_.size() - used_ - strings_) {
        fail(Error::OutOfMemory);
        return 0;
    }
    strings_ += name.size() + 1;
    std::byte* const at = buffer_.data() + buffer_.size() - strings_;
    std::copy_n(reinterpret_cast<const std::byte*>(name.data()), name.size(), at);
    at[name.size()] = std::byte{0};
    return static_cast<std::uint32_t>(strings_);
}

std::byte* Writer::begin_property(std::string_view name, std::size_t length) {
    if (!properties_allowed_ || name.empty() || name.find('\0') != std::string_view::npos ||
        length > UINT32_MAX) {
        fail(Error::InvalidArgument);
        return nullptr;
    }
    put_cell(static_cast<std::uint32_t>(Token::Property));
    put_cell(static_cast<std::uint32_t>(length));
    put_cell(intern(name));
    return grow(length);
}

void Writer::property(std::string_view name, Bytes value) {
    if (std::byte* const at = begin_property(name, value.size()))
        std::copy(value.begin(), value.end(), at);
}

void Writer::cell64(std::string_view name, std::uint64_t value) {
    cells(name, {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)});
}

void Writer::cells(std::string_view name, std::initializer_list<std::uint32_t> values) {
    cells(name, std::span<const std::uint32_t>(values.begin(), values.size()));
}

void Writer::cells(std::string_view name, std::span<const std::uint32_t> values) {
    std::byte* at = begin_property(name, values.size() * 4);
    if (at == nullptr)
        return;
    for (const std::uint32_t value : values) {
        store_be(at, value);
        at += 4;
    }
}

void Writer::string(std::string_view name, std::string_view value) {
    strings(name, {value});
}

void Writer::strings(std::string_view name, std::initializer_list<std::string_view> values) {
    std::size_t length = 0;
    for (const std::string_view value : values)
        length += value.size() + 1;
    std::byte* at = begin_property(name, length);
    if (at == nullptr)
        return;
    for (const std::string_view value : values) {
        at = std::copy_n(reinterpret_cast<const std::byte*>(value.data()), value.size(), at);
        *at++ = std::byte{0};
    }
}

// Turns the distances from the end that properties hold into offsets from the start of the strings block.
void Writer::relocate_names() {
    for (std::size_t at = structure_start_; at < used_;) {
        std::byte* const cell = buffer_.data() + at;
        at += 4;
        switch (static_cast<Token>(load_be<std::uint32_t>(cell))) {
        case Token::BeginNode:
            at += align_cell(std::strlen(reinterpret_cast<const char*>(cell + 4)) + 1);
            break;
        case Token::Property: {
            const auto distance = load_be<std::uint32_t>(cell + 8);
            store_be(cell + 8, static_cast<std::uint32_t>(strings_ - distance));
            at += kPropertyHeaderSize + align_cell(load_be<std::uint32_t>(cell + 4));
            break;
        }
        default: break;
        }
    }
}

Result<Bytes> Writer::finish() {
    if (!root_closed_)
        fail(Error::InvalidArgument);
    put_cell(static_cast<std::uint32_t>(Token::End));
    if (failed_)
        return error_;
    state_ = State::Finished;
    relocate_names();

    std::byte* const blob = buffer_.data();
    std::memmove(blob + used_, blob + buffer_.size() - strings_, strings_);
    const std::size_t total = used_ + strings_;
    const auto put = [&](std::size_t field, std::size_t value) {
        store_be(blob + field, static_cast<std::uint32_t>(value));
    };
    put(header::kMagicField, kMagic);
    put(header::kTotalSize, total);
    put(header::kStructureOffset, structure_start_);
    put(header::kStringsOffset, used_);
    put(header::kReservationOffset, header::kSize);
    put(header::kVersionField, kVersion);
    put(header::kLastCompatible, kLastCompatibleVersion);
    put(header::kStringsSize, strings_);
    put(header::kStructureSize, used_ - structure_start_);
    return Bytes(blob, total);
}

} // namespace ashlar::fdt
