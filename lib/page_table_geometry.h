// Which entry of which table translates what, in a radix page table of 512 entries each.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lib/address.h"
#include "lib/result.h"

namespace ashlar {

// Of a Format as PageTable has them.
template <class Format>
class PageTableGeometry {
public:
    using Input = typename Format::Input;
    static constexpr unsigned kEntries = 512;
    static constexpr std::uint64_t kInputSize = std::uint64_t{1} << Format::kInputBits;
    static constexpr std::uint64_t kInputMask = kInputSize - 1;

    // Of translated input bits, so that the end never wraps.
    struct Range {
        std::uint64_t begin, end;
    };

    // What one entry of a table of that level translates.
    static constexpr std::uint64_t size_of(unsigned level) {
        return std::uint64_t{1} << (kPageShift + kIndexBits * (level - 1));
    }
    static constexpr unsigned index_of(std::uint64_t input, unsigned level) {
        return static_cast<unsigned>(input >> (kPageShift + kIndexBits * (level - 1))) & (kEntries - 1);
    }

    // Misaligned below page granularity, OutOfRange beyond the input's width.
    static Result<Range> range_of(Input from, std::uint64_t size) {
        if (!from.is_aligned(kPageSize) || size % kPageSize != 0)
            return Error::Misaligned;
        const std::uint64_t begin = from.value() & kInputMask;
        if (!Format::is_canonical(from) || size > kInputSize - begin)
            return Error::OutOfRange;
        return Range{begin, begin + size};
    }

    // Calls step(index, part of the range below that entry) for each entry of a table that the range touches,
    // until one returns false.
    template <class Step>
    static void for_each_entry(unsigned level, const Range& range, Step&& step) {
        for (std::uint64_t begin = range.begin; begin < range.end;) {
            const std::uint64_t end = std::min(range.end, (begin | (size_of(level) - 1)) + 1);
            if (!step(index_of(begin, level), Range{begin, end}))
                return;
            begin = end;
        }
    }

private:
    static constexpr unsigned kIndexBits = 9;
    static_assert(Format::kInputBits < 64 && Format::kInputBits <= kPageShift + kIndexBits * Format::kLevels);
};

} // namespace ashlar
