// Address types: a physical, a guest-physical and a virtual address never mix by accident.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace ashlar {

constexpr std::size_t kPageShift = 12;
constexpr std::size_t kPageSize = std::size_t{1} << kPageShift;

// An address in the space that Tag names. Arithmetic with plain offsets stays in the space; the difference
// of two addresses is a byte count. Offsets wrap modulo 2^64 as on hardware: code that handles input which
// is not trusted uses checked_add.
template <class Tag>
class Address {
public:
    constexpr Address() = default;
    constexpr explicit Address(std::uint64_t value) : value_(value) {}

    constexpr std::uint64_t value() const { return value_; }
    constexpr std::uint64_t page_number() const { return value_ >> kPageShift; }
    constexpr std::uint64_t page_offset() const { return value_ & (kPageSize - 1); }
    constexpr bool is_aligned(std::uint64_t power_of_two) const { return (value_ & (power_of_two - 1)) == 0; }
    constexpr Address align_down(std::uint64_t power_of_two) const {
        return Address(value_ & ~(power_of_two - 1));
    }
    // Wraps to 0 when the rounded value does not fit.
    constexpr Address align_up(std::uint64_t power_of_two) const {
        return Address((value_ + power_of_two - 1) & ~(power_of_two - 1));
    }
    // Stores the sum in `sum` and returns true unless it would wrap.
    constexpr bool checked_add(std::uint64_t offset, Address& sum) const {
        sum = Address(value_ + offset);
        return sum.value_ >= value_;
    }

    constexpr Address operator+(std::uint64_t offset) const { return Address(value_ + offset); }
    constexpr Address operator-(std::uint64_t offset) const { return Address(value_ - offset); }
    constexpr std::uint64_t operator-(Address other) const { return value_ - other.value_; }
    constexpr Address& operator+=(std::uint64_t offset) {
        value_ += offset;
        return *this;
    }
    constexpr auto operator<=>(const Address&) const = default;

private:
    std::uint64_t value_ = 0;
};

// A host-physical address: what the machine's memory controller sees.
using PhysicalAddress = Address<struct PhysicalAddressTag>;
// A host-virtual address under the tables of the program that computes with it.
using VirtualAddress = Address<struct VirtualAddressTag>;
// Physical from a VM's point of view: the input of second-level translation, and what a translated guest
// believes to be physical memory.
using GuestPhysicalAddress = Address<struct GuestPhysicalAddressTag>;
// Virtual from a translated guest's point of view (Sv39 input).
using GuestVirtualAddress = Address<struct GuestVirtualAddressTag>;

} // namespace ashlar
