// Lines of text about guest code, for dumps and traces.
#pragma once

#include <algorithm>

#include "jit/code_observer.h"
#include "jit/hosted/symbols.h"
#include "lib/format.h"

namespace ashlar::jit::hosted {

// Guest-virtual addresses that the user wants to see; first and last.
struct AddressFilter {
    std::uint64_t first = 0, last = ~std::uint64_t{0};

    bool everything() const { return first == 0 && last == ~std::uint64_t{0}; }
    bool covers(std::uint64_t address, std::uint64_t size = 1) const {
        return address <= last && address + (size - 1) >= first;
    }
    bool covers(const GuestCode& guest) const {
        return covers(guest.virtual_address.value(), guest.bytes.size());
    }
    bool covers_any(std::span<const GuestCode> parts) const {
        return std::any_of(parts.begin(), parts.end(),
                           [this](const GuestCode& guest) { return covers(guest); });
    }
};

// "0x80000010 <main+0x4>", or the address alone.
void print_place(const Symbols& symbols, std::uint64_t address, Sink& sink);
// Place, physical address and extent, without the line's end.
void print_extent(const Symbols& symbols, const GuestCode& guest, Sink& sink);
// The same of the first of several parts, and their number and size.
void print_extent(const Symbols& symbols, std::span<const GuestCode> parts, Sink& sink);
// The instruction at `offset`: a line with address, encoding and text. Returns its length.
unsigned print_instruction(const GuestCode& guest, std::size_t offset, Sink& sink);

} // namespace ashlar::jit::hosted
