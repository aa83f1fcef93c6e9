#include "hosttests/fuzz/random.h"

namespace ashlar::jit::fuzz {

namespace {

constexpr std::array<std::uint64_t, 18> kIntegers = {0,
                                                     1,
                                                     2,
                                                     ~std::uint64_t{0},
                                                     ~std::uint64_t{1},
                                                     0x7fffffff,
                                                     0x80000000,
                                                     0xffffffff,
                                                     0x100000000,
                                                     0xffffffff7fffffff,
                                                     0xffffffff80000000,
                                                     0x7fffffffffffffff,
                                                     0x8000000000000000,
                                                     0x8000000000000001,
                                                     0x5555555555555555,
                                                     0xaaaaaaaaaaaaaaaa,
                                                     0xff,
                                                     0x8000};
constexpr std::array<std::uint64_t, 26> kDoubles = {
    0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
    0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000001, 0xfff4000000000000,
    0x0000000000000001, 0x8000000000000001, 0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
    0xffefffffffffffff, 0x3ff8000000000000, 0x4004000000000000, 0x41dfffffffc00000, 0x41e0000000000000,
    0xc1e0000000000000, 0x43e0000000000000, 0xc3e0000000000000, 0x43f0000000000000, 0x36a0000000000000,
    0x47efffffe0000000};
constexpr std::array<std::uint64_t, 22> kSingles = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001,
    0x7f800001, 0xffa00000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff,
    0x3fc00000, 0x4effffff, 0x4f000000, 0xcf000000, 0x5f000000, 0x5f800000};
constexpr std::array<std::uint64_t, 8> kImmediates = {0, 1, 0xfff, 0x7ff, 0x800, 0x555, 8, 0xff8};

} // namespace

std::uint64_t Random::integer() {
    switch (below(4)) {
    case 0: return pick(kIntegers);
    case 1: return next() >> below(64);
    case 2: return ~(next() >> below(64));
    default: return next();
    }
}

std::uint64_t Random::float_register() {
    constexpr std::uint64_t kBox = 0xffffffff00000000;
    switch (below(8)) {
    case 0: return pick(kDoubles);
    case 1: return kBox | pick(kSingles);
    case 2: return next();
    case 3: return kBox | (next() >> 32);
    case 4: return pick(kDoubles) ^ (std::uint64_t{1} << below(64));
    case 5: return kBox | ((pick(kSingles) ^ (std::uint64_t{1} << below(32))) & 0xffffffff);
    case 6: return 0x3f00000000000000 + (next() >> 11); // of ordinary size
    default: return one_in(4) ? next() & ~kBox : kBox | (0x3c000000 + (next() >> 38));
    }
}

std::int64_t Random::immediate12() {
    const std::uint64_t value = one_in(2) ? pick(kImmediates) : next();
    return static_cast<std::int64_t>(value << 52) >> 52;
}

} // namespace ashlar::jit::fuzz
