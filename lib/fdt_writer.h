// Writes a flattened device tree into a buffer, front to back.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "lib/bytes.h"
#include "lib/fdt.h"
#include "lib/result.h"

namespace ashlar::fdt {

// begin_node("") opens the root; properties of a node come before its children. The first error sticks, so
// that a caller checks finish() alone. Does not own the buffer, which need not be aligned.
class Writer {
public:
    explicit Writer(MutableBytes buffer);

    // An entry of the memory reservation block; only before the root is opened.
    void reserve(std::uint64_t address, std::uint64_t size);
    void begin_node(std::string_view name);
    void end_node();

    void property(std::string_view name, Bytes value);
    void empty(std::string_view name) { property(name, {}); }
    void cell(std::string_view name, std::uint32_t value) { cells(name, {value}); }
    // 64-bit value as two cells.
    void cell64(std::string_view name, std::uint64_t value);
    void cells(std::string_view name, std::initializer_list<std::uint32_t> values);
    void cells(std::string_view name, std::span<const std::uint32_t> values);
    void string(std::string_view name, std::string_view value);
    void strings(std::string_view name, std::initializer_list<std::string_view> values);

    // The finished blob, at the front of the buffer. OutOfMemory when the buffer is too small,
    // InvalidArgument when nodes and properties were not well nested.
    Result<Bytes> finish();

private:
    enum class State : std::uint8_t { Reservations, Structure, Finished };

    void fail(Error error);
    std::byte* grow(std::size_t bytes);
    void put_cell(std::uint32_t value);
    void open_structure();
    std::byte* begin_property(std::string_view name, std::size_t length);
    std::uint32_t intern(std::string_view name);
    void relocate_names();

    MutableBytes buffer_;
    std::size_t used_ = 0;            // from the front: header, reservations, structure
    std::size_t strings_ = 0;         // from the back: names, until finish() moves them
    std::size_t structure_start_ = 0; // offset of the structure block
    unsigned depth_ = 0;
    bool properties_allowed_ = false;
    bool root_closed_ = false;
    State state_ = State::Reservations;
    Error error_{};
    bool failed_ = false;
};

} // namespace ashlar::fdt
