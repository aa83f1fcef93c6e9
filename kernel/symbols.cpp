#include "kernel/symbols.h"

#include <cstddef>

#include "kernel/image.h"

namespace ashlar::kernel {

// As tools/symbol-table writes them.
extern "C" const std::byte symbols_begin[], symbols_end[];

Symbol find_symbol(std::uint64_t address) {
    struct Entry {
        std::uint32_t offset, name;
    };
    const std::byte* section = symbols_begin;
    asm("" : "+r"(section)); // its size is not what the compiler may think
    if (symbols_end - symbols_begin < 4 || address < reinterpret_cast<std::uintptr_t>(image_begin) ||
        address >= reinterpret_cast<std::uintptr_t>(text_end))
        return {};
    const auto count = *reinterpret_cast<const std::uint32_t*>(section);
    const auto* const entries = reinterpret_cast<const Entry*>(section + 4);
    const auto* const names = reinterpret_cast<const char*>(entries + count);
    const auto offset = static_cast<std::uint32_t>(address - reinterpret_cast<std::uintptr_t>(image_begin));
    std::uint32_t low = 0, high = count; // the last entry at or below the address
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (entries[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return {};
    return {names + entries[low - 1].name, offset - entries[low - 1].offset};
}

} // namespace ashlar::kernel
