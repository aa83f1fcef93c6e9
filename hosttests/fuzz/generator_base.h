// What the parts of the generator of random programs share: registers that programs keep for a purpose,
// units.
#pragma once

#include "hosttests/fuzz/encode.h"
#include "hosttests/fuzz/program.h"
#include "hosttests/fuzz/random.h"

namespace ashlar::jit::fuzz {

// Registers that programs keep for a purpose: pointers into the data, loop counters, a valid satp.
inline constexpr std::array<std::uint64_t, 3> kPointers = {2, 8, 9};
inline constexpr unsigned kAlignedPointer = 9, kSatp = 28, kOuterCounter = 30, kInnerCounter = 31;
inline constexpr std::uint32_t kReserved =
    1u << 2 | 1u << 8 | 1u << 9 | 1u << kSatp | 1u << kOuterCounter | 1u << kInnerCounter;

constexpr bool is_pointer(unsigned index) {
    return index == 2 || index == 8 || index == 9;
}
constexpr bool is_reserved(unsigned index) {
    return (kReserved >> index & 1) != 0;
}

class GeneratorBase {
protected:
    explicit GeneratorBase(std::uint64_t seed) : random_(seed) {}

    unsigned any_register() { return static_cast<unsigned>(random_.below(32)); }
    unsigned target_register() {
        for (;;) {
            const unsigned index = any_register();
            if (!is_reserved(index))
                return index;
        }
    }
    unsigned pointer() { return static_cast<unsigned>(random_.pick(kPointers)); }

    void add_words(std::initializer_list<std::uint32_t> words, Fixup fixup = Fixup::None,
                   std::size_t target = 0) {
        Unit unit;
        for (const std::uint32_t word : words)
            push_word(unit.halves, word);
        unit.fixup = fixup;
        unit.target = target;
        unit.group = group_;
        program_.units.push_back(std::move(unit));
    }
    std::size_t here() const { return program_.units.size(); }
    std::size_t ahead() { return here() + 1 + random_.below(6); }

    static void add_constant_words(std::vector<std::uint16_t>& halves, unsigned rd, std::uint64_t value) {
        const auto low = static_cast<std::int32_t>(value);
        const std::int32_t low12 = static_cast<std::int32_t>(static_cast<std::uint32_t>(low) << 20) >> 20;
        push_word(halves,
                  0x37 | rd << 7 |
                      ((static_cast<std::uint32_t>(low) - static_cast<std::uint32_t>(low12)) & 0xfffff000));
        push_word(halves, encode_i(0x1b, rd, rd, low12));
    }
    // The value's low 32 bits, sign-extended.
    void add_constant(unsigned rd, std::uint64_t value) {
        Unit unit;
        add_constant_words(unit.halves, rd, value);
        unit.group = group_;
        program_.units.push_back(std::move(unit));
    }

    Random random_;
    Program program_;
    unsigned group_ = 0, groups_ = 0;
};

} // namespace ashlar::jit::fuzz
