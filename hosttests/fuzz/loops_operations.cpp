// Straight-line code of loop programs.
#include "hosttests/fuzz/encode.h"
#include "hosttests/fuzz/loops.h"

namespace ashlar::jit::fuzz {

namespace {

constexpr unsigned kStack = 25, kTemporary = 31;
constexpr std::uint64_t kStackTop = FUZZ_DATA + FUZZ_DATA_BYTES;
constexpr unsigned kPointers[3] = {2, 8, 9};

} // namespace

void LoopGenerator::set_start() {
    FuzzCase& start = program_.start;
    for (unsigned i = 1; i < 32; ++i) {
        start.x[i] = random_.integer();
        start.f[i] = random_.float_register();
    }
    start.f[0] = random_.float_register();
    start.fcsr = random_.below(32) | random_.below(5) << 5;
    for (const unsigned index : kPointers)
        start.x[index] = data_address();
    start.x[kStack] = kStackTop;
    reservation_width_ = random_.one_in(2) ? 2u << 12 : 3u << 12; // .W or .D
}

unsigned LoopGenerator::data() {
    static constexpr unsigned kData[] = {3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31};
    return kData[random_.below(std::size(kData))];
}

unsigned LoopGenerator::pointer() {
    return static_cast<unsigned>(random_.below(3));
}

// Often close to a page's end.
std::uint64_t LoopGenerator::data_address() {
    std::uint64_t offset = 7000 + random_.below(2000);
    if (random_.one_in(2))
        offset = 8192 - random_.below(64);
    return FUZZ_DATA + (random_.one_in(4) ? offset : offset & ~std::uint64_t{7});
}

void LoopGenerator::add_operation() {
    switch (random_.below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: return add_integer();
    case 5: return add_word_chain();
    case 6: return add_shift_pair();
    case 7:
    case 8:
    case 9:
    case 10: return add_memory();
    case 11: return add_indexed();
    case 12: return add_step();
    case 13: return add_pointer(kPointers[pointer()]);
    case 14:
    case 15:
    case 16: return add_float();
    case 17:
        return random_.one_in(3) ? add_code_load() : random_.one_in(2) ? add_atomic() : add_reservation();
    case 18: return random_.one_in(3) ? add_code_change() : add_integer();
    default: return random_.one_in(3) ? add_odd() : random_.one_in(2) ? add_words() : add_integer();
    }
}

void LoopGenerator::add_integer() {
    static constexpr std::uint32_t kRegister[] = {
        0x00000033, 0x40000033, 0x00001033, 0x00002033, 0x00003033, 0x00004033, 0x00005033, 0x40005033,
        0x00006033, 0x00007033, 0x02000033, 0x02001033, 0x02002033, 0x02003033, 0x02004033, 0x02005033,
        0x02006033, 0x02007033, 0x0000003b, 0x4000003b, 0x0000103b, 0x0000503b, 0x4000503b, 0x0200003b,
        0x0200403b, 0x0200503b, 0x0200603b, 0x0200703b, 0x20002033, 0x20004033, 0x20006033, 0x0800003b,
        0x2000203b, 0x40007033, 0x40006033, 0x40004033, 0x0a004033, 0x0a005033, 0x0a006033, 0x0a007033,
        0x60001033, 0x60005033, 0x28001033, 0x48001033, 0x68001033, 0x48005033};
    static constexpr std::uint32_t kUnary[] = {0x60001013, 0x60101013, 0x60201013, 0x60401013, 0x60501013,
                                               0x0800403b, 0x28705013, 0x6b805013, 0x6000101b, 0x6020101b};
    static constexpr std::uint32_t kShifts[] = {0x101b, 0x501b, 0x4000501b, 0x6000501b};
    static constexpr std::uint32_t kImmediate[] = {0x13, 0x2013, 0x3013, 0x4013, 0x6013, 0x7013, 0x1b};
    const unsigned rd = data(), rs1 = random_.one_in(3) ? rd : any();
    if (random_.one_in(3))
        return add(
            {encode_i(kImmediate[random_.below(std::size(kImmediate))], rd, rs1, random_.immediate12())});
    if (random_.one_in(12))
        return add({kUnary[random_.below(std::size(kUnary))] | rd << 7 | rs1 << 15});
    if (random_.one_in(12))
        return add({kShifts[random_.below(std::size(kShifts))] | rd << 7 | rs1 << 15 |
                    static_cast<std::uint32_t>(random_.below(32)) << 20});
    if (random_.one_in(8)) // lui
        return add({0x37 | rd << 7 | static_cast<std::uint32_t>(random_.next()) << 12});
    add({kRegister[random_.below(std::size(kRegister))] | rd << 7 | rs1 << 15 | any() << 20});
}

// Low halves that nobody needs sign-extended until the end.
void LoopGenerator::add_word_chain() {
    static constexpr std::uint32_t kOperations[] = {0x0000003b, 0x4000003b, 0x0200003b, 0x0000103b,
                                                    0x0000503b, 0x4000503b, 0x00007033, 0x00006033,
                                                    0x00004033, 0x0800003b};
    const unsigned rd = data();
    for (std::uint64_t i = 2 + random_.below(3); i != 0; --i)
        add({kOperations[random_.below(std::size(kOperations))] | rd << 7 | rd << 15 | data() << 20});
}

void LoopGenerator::add_shift_pair() {
    const unsigned rd = data(), by = static_cast<unsigned>(random_.pick<6>({16, 29, 32, 48, 56, 63}));
    const auto down = static_cast<unsigned>(random_.one_in(2) ? by : random_.pick<4>({29, 30, 31, 32}));
    const std::uint32_t right = random_.one_in(2) ? 0x5013 : 0x40005013;
    add({0x1013 | rd << 7 | any() << 15 | by << 20, right | rd << 7 | rd << 15 | down << 20});
    if (random_.one_in(3)) { // a rotation
        const unsigned from = data(), other = data();
        add({0x1013 | rd << 7 | from << 15 | by << 20, 0x5013 | other << 7 | from << 15 | (64 - by) << 20,
             (random_.one_in(2) ? 0x6033u : 0x33u) | rd << 7 | rd << 15 | other << 20});
    }
}

// One or several accesses through one pointer.
void LoopGenerator::add_memory() {
    const unsigned base = kPointers[pointer()];
    const auto around = static_cast<std::int64_t>(random_.below(512)) - 256;
    for (std::uint64_t count = 1 + random_.below(3); count != 0; --count) {
        const std::int64_t offset = random_.one_in(4)
                                        ? random_.immediate12() / 4
                                        : around + 8 * static_cast<std::int64_t>(random_.below(4));
        const auto o = static_cast<std::uint32_t>(offset);
        const bool floats = random_.one_in(4);
        if (random_.one_in(2)) {
            const std::uint64_t funct3 = floats ? 2 + random_.below(2) : random_.below(7);
            add({encode_i(floats ? 0x07 : 0x03, floats ? any() : data(), base, offset) |
                 static_cast<std::uint32_t>(funct3) << 12});
        } else {
            const std::uint64_t funct3 = floats ? 2 + random_.below(2) : random_.below(4);
            add({(floats ? 0x27u : 0x23u) | static_cast<std::uint32_t>(funct3) << 12 | base << 15 |
                 any() << 20 | bits(o, 0, 5, 7) | bits(o, 5, 7, 25)});
        }
    }
}

// base + (index << n), with the index kept small.
void LoopGenerator::add_indexed() {
    const unsigned index = data(), address = data(), base = kPointers[pointer()];
    const std::uint32_t scaled[] = {0x33, 0x20002033, 0x20004033, 0x20006033};
    add({encode_i(0x7013, index, any(), 63)});
    const std::size_t scale = random_.below(4);
    if (random_.one_in(3) && scale != 0) {
        add({0x1013 | index << 7 | index << 15 | static_cast<std::uint32_t>(scale) << 20,
             0x33 | address << 7 | base << 15 | index << 20});
    } else {
        add({scaled[scale] | address << 7 | index << 15 | base << 20});
    }
    if (random_.one_in(2))
        return add({encode_i(0x03, data(), address, static_cast<std::int64_t>(random_.below(64))) |
                    static_cast<std::uint32_t>(random_.below(7)) << 12});
    add({0x23 | static_cast<std::uint32_t>(random_.below(4)) << 12 | address << 15 | any() << 20});
}

void LoopGenerator::add_step() {
    const unsigned which = pointer();
    auto step = static_cast<std::int64_t>(random_.pick<6>({1, 4, 8, 16, 64, 256}));
    if (random_.one_in(4))
        step = -step;
    const std::int64_t way = std::abs(step) * static_cast<std::int64_t>(cost_);
    if (busy_[which] || way > room_[which])
        return add_integer();
    room_[which] -= way;
    add({encode_i(0x13, kPointers[which], kPointers[which], step)});
}

void LoopGenerator::add_pointer(unsigned at) {
    for (std::size_t i = 0; i < 3; ++i)
        if (kPointers[i] == at && busy_[i])
            return add_integer();
    const std::uint64_t address = data_address();
    const auto low = static_cast<std::int32_t>(static_cast<std::uint32_t>(address) << 20) >> 20;
    const std::uint32_t high = static_cast<std::uint32_t>(address) - static_cast<std::uint32_t>(low);
    add({0x37 | at << 7 | (high & 0xfffff000), encode_i(0x1b, at, at, low),
         0x0800003b | at << 7 | at << 15}); // the last: zext.w
}

void LoopGenerator::add_float() {
    static constexpr std::uint32_t kResults[] = {0x00000053, 0x08000053, 0x10000053, 0x18000053, 0x20000053,
                                                 0x20001053, 0x20002053, 0x28000053, 0x28001053};
    static constexpr std::uint32_t kUnary[] = {0xc0000053, 0xc0100053, 0xc0200053, 0xc0300053, 0xe0000053};
    static constexpr std::uint32_t kFromInteger[] = {0xd0000053, 0xd0100053, 0xd0200053, 0xd0300053,
                                                     0xf0000053};
    const std::uint32_t precision = random_.one_in(2) ? 1u << 25 : 0;
    const auto mode = static_cast<std::uint32_t>(random_.one_in(4) ? random_.below(5) : 7) << 12;
    const unsigned rd = any(), rs1 = random_.one_in(3) ? rd : any();
    switch (random_.below(8)) {
    case 0: // fma and its kin
        return add({0x43 | static_cast<std::uint32_t>(random_.below(4)) << 2 | precision | mode | rd << 7 |
                    rs1 << 15 | any() << 20 | any() << 27});
    case 1: // comparisons
        return add({0xa0000053 | precision | static_cast<std::uint32_t>(random_.below(3)) << 12 |
                    data() << 7 | rs1 << 15 | any() << 20});
    case 2: {
        const std::uint32_t word = kUnary[random_.below(std::size(kUnary))];
        return add({word | precision | (word >> 28 == 0xe ? random_.below(2) == 0 ? 0u : 1u << 12 : mode) |
                    data() << 7 | rs1 << 15});
    }
    case 3: {
        const std::uint32_t word = kFromInteger[random_.below(std::size(kFromInteger))];
        return add({word | precision | (word >> 28 == 0xf ? 0u : mode) | rd << 7 | any() << 15});
    }
    case 4: // fcvt.s.d, fcvt.d.s, fsqrt
        return add({random_.pick<2>({0x40100053, 0x42000053}) == 0x40100053
                        ? 0x40100053 | mode | rd << 7 | rs1 << 15
                        : 0x42000053 | mode | rd << 7 | rs1 << 15});
    case 5: return add({0x58000053 | precision | mode | rd << 7 | rs1 << 15});
    default: {
        const std::uint32_t word = kResults[random_.below(std::size(kResults))];
        const bool rounds = (word >> 28) < 2;
        return add({word | precision | (rounds ? mode : 0) | rd << 7 | rs1 << 15 | any() << 20});
    }
    }
}

void LoopGenerator::add_atomic() {
    static constexpr std::uint32_t kOperations[] = {0x00, 0x01, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c};
    const unsigned address = data(), base = kPointers[pointer()];
    const std::uint32_t width = random_.one_in(2) ? 2u << 12 : 3u << 12;
    add({encode_i(0x7013, address, base, -8), 0x2f | width |
                                                  kOperations[random_.below(std::size(kOperations))] << 27 |
                                                  data() << 7 | address << 15 | any() << 20});
}

// Pairs of LR and SC, near each other and not, and each alone; always aligned.
void LoopGenerator::add_reservation() {
    const unsigned base = kPointers[pointer()], address = data();
    const std::uint32_t aligned = encode_i(0x7013, address, base, -8);
    unsigned loaded = data(), failed = data();
    while (loaded == address)
        loaded = data();
    while (failed == address)
        failed = data();
    const std::uint32_t load = 0x1000002f | reservation_width_ | loaded << 7 | address << 15;
    const std::uint32_t store = 0x1800002f | reservation_width_ | failed << 7 | address << 15;
    switch (random_.below(4)) {
    case 0: return add({aligned, random_.one_in(2) ? load : store | any() << 20});
    case 1: { // until it is stored
        const unsigned outer = group_;
        group_ = ++groups_;
        add({aligned});
        const std::size_t top = here();
        add({load});
        add({encode_i(0x13, loaded, loaded, random_.immediate12()), store | loaded << 20,
             branch(1, failed, 0)},
            Fixup::Branch, top);
        group_ = outer;
        return;
    }
    case 2: { // compare and swap
        add({aligned, load});
        const std::size_t out = add_branch_ahead();
        add({store | any() << 20});
        return land(out);
    }
    default:
        add({aligned, load});
        random_.one_in(2) ? add_operation() : add_memory();
        add({aligned, store | any() << 20}); // the base may have moved
    }
}

// Writes an instruction right behind a FENCE.I: another one in every turn.
void LoopGenerator::add_code_change() {
    const unsigned target = data(), outer = group_;
    unsigned address = data(), value = data();
    while (address == kTemporary)
        address = data();
    while (value == address || value == kTemporary)
        value = data();
    group_ = ++groups_;
    const std::uint32_t instruction = encode_i(0x13, target, target, 1);
    // addi target, target, 1 with two bits of some register in its immediate.
    const auto low = static_cast<std::int32_t>(instruction << 20) >> 20;
    add({encode_i(0x7013, value, any(), 3), 0x1013 | value << 7 | value << 15 | 21u << 20,
         0x17 | address << 7,
         0x37 | kTemporary << 7 | ((instruction - static_cast<std::uint32_t>(low)) & 0xfffff000),
         encode_i(0x1b, kTemporary, kTemporary, low), 0x33 | value << 7 | value << 15 | kTemporary << 20,
         0x2023 | address << 15 | value << 20 | bits(24, 0, 5, 7) | bits(24, 5, 7, 25), 0x0000100f,
         instruction});
    group_ = outer;
}

// A constant beside the code.
void LoopGenerator::add_code_load() {
    const unsigned rd = data();
    add({0x17 | rd << 7, encode_i(0x03, rd, rd, static_cast<std::int64_t>(random_.below(8))) |
                             static_cast<std::uint32_t>(random_.below(4)) << 12});
}

// Registers for traps that no harness needs, and sstatus: its harmless bits, and now and then one that
// changes how addresses translate, in other modes.
void LoopGenerator::add_words() {
    static constexpr unsigned kPlain[] = {0x140, 0x142, 0x143, 0x342, 0x343};
    const auto operation = static_cast<unsigned>(random_.below(3));
    const bool immediate = random_.one_in(3);
    if (random_.one_in(2)) {
        const unsigned source = immediate ? static_cast<unsigned>(random_.below(32)) : any();
        return add({encode_csr(operation + (immediate ? 5 : 1), random_.one_in(6) ? 0 : data(),
                               kPlain[random_.below(std::size(kPlain))], source)});
    }
    constexpr std::int64_t kHarmless = 0x122; // SIE, SPIE, SPP
    constexpr unsigned kStatus = 0x100;
    const unsigned value = data(), old = data(), outer = group_;
    group_ = ++groups_;
    if (immediate)
        add({encode_csr(random_.one_in(2) ? 6 : 7, old, kStatus, 2)});
    else if (random_.one_in(4)) // SUM
        add({0x37 | value << 7 | 1u << 18, encode_csr(2 + operation % 2, old, kStatus, value)});
    else
        add({encode_i(0x7013, value, any(), kHarmless), encode_csr(2 + operation % 2, old, kStatus, value)});
    add({encode_i(0x7013, old, old, kHarmless)});
    group_ = outer;
}

// What leaves translated code, or changes how floating point rounds.
void LoopGenerator::add_odd() {
    switch (random_.below(4)) {
    case 0: return add({encode_csr(5, data(), 2, static_cast<unsigned>(random_.below(5)))}); // frm
    case 1: return add({encode_csr(2, data(), 1, 0)});                                       // fflags
    case 2: return add({0x0ff0000f});
    default: return random_.one_in(4) ? add({0x0000002b}) : add({encode_csr(2, data(), 0x340, 0)});
    }
}

} // namespace ashlar::jit::fuzz
