#pragma once

#include <array>
#include <cstddef>

namespace ashlar::acpi {

// A list of bounded length; what does not fit is counted.
template <class T, std::size_t Capacity>
struct List {
    std::array<T, Capacity> items{};
    std::size_t count = 0;
    std::size_t dropped = 0;
    void add(const T& item) {
        if (count < Capacity)
            items[count++] = item;
        else
            ++dropped;
    }
    const T* begin() const { return items.data(); }
    const T* end() const { return items.data() + count; }
};

} // namespace ashlar::acpi
