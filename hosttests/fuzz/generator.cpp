#include "hosttests/fuzz/generator.h"

#include <bit>

#include "hosttests/fuzz/generator_privileged.h"
#include "hosttests/fuzz/loops.h"
#include "jit/frontend/riscv64/decoder.h"
#include "jit/frontend/riscv64/tables.h"

namespace ashlar::jit::fuzz {

namespace {

using riscv64::EncodingRow;
using riscv64::Instruction;
using riscv64::Opcode;

constexpr std::array<std::uint64_t, 3> kFloatCsrs = {0x001, 0x002, 0x003};
class Generator : PrivilegedGenerator {
public:
    Generator(std::uint64_t seed, Kind kind)
        : PrivilegedGenerator(seed), privileged_(kind == Kind::Privileged) {}

    Program run() {
        set_start();
        reservation_width_ = random_.one_in(2) ? 2u << 12 : 3u << 12; // .W or .D
        const std::uint64_t count = 10 + random_.below(50);
        while (program_.units.size() < count)
            add_any();
        for (Unit& unit : program_.units) // what jumps behind the end stops there
            unit.target = std::min(unit.target, program_.units.size());
        return std::move(program_);
    }

private:
    void set_start() {
        FuzzCase& start = program_.start;
        for (unsigned i = 1; i < 32; ++i) {
            start.x[i] = random_.integer();
            start.f[i] = random_.float_register();
        }
        start.f[0] = random_.float_register();
        start.fcsr = random_.below(32) | (random_.one_in(16) ? random_.below(8) : random_.below(5)) << 5;
        for (const std::uint64_t index : kPointers)
            start.x[index] = FUZZ_DATA + 4096 + random_.below(128) * (random_.one_in(4) ? 1 : 8) - 512;
        if (privileged_)
            set_privileged_start();
        start.x[kAlignedPointer] &= ~std::uint64_t{7};
    }

    void add_any() {
        const std::uint64_t choice = random_.below(100);
        if (choice < 60)
            add_from_table();
        else if (choice < 75)
            add_compressed();
        else if (choice < 83)
            add_branch();
        else if (choice < 86)
            add_jump();
        else if (choice < 90)
            add_loop();
        else if (choice < 91)
            uses_mprv_ ? add_branch() : add_store_to_code();
        else if (choice < 92)
            add_words(
                {(static_cast<std::uint32_t>(random_.next()) & 0xf3ffff00) | 0x2b}); // custom-1: illegal
        else if (privileged_)
            add_privileged();
        else if (choice < 96)
            add_constant(target_register(), random_.integer());
        else
            add_reservation();
    }

    // ------------------------------------------------------------ plain instructions
    static bool is_excluded(Opcode opcode) {
        switch (opcode) {
        case Opcode::Jal:
        case Opcode::Jalr:
        case Opcode::Beq:
        case Opcode::Bne:
        case Opcode::Blt:
        case Opcode::Bge:
        case Opcode::Bltu:
        case Opcode::Bgeu:
        case Opcode::Ctzw: // QEMU 7.2 counts into the upper half when the lower is zero
        case Opcode::LrW:  // add_reservation()
        case Opcode::LrD:
        case Opcode::ScW:
        case Opcode::ScD:
        case Opcode::Wfi:
        case Opcode::Mret:
        case Opcode::Sret: return true;
        default: return false;
        }
    }

    void add_from_table() {
        for (;;) {
            const EncodingRow& row = riscv64::kEncodings[random_.below(riscv64::kEncodings.size())];
            if (is_excluded(row.opcode) || (privileged_ && row.mnemonic.starts_with("amo")))
                continue; // QEMU 7.2 reports faults of AMOs as those of loads
            if ((row.opcode == Opcode::Ecall || row.opcode == Opcode::Ebreak) && !random_.one_in(4))
                continue;
            return add_words({fill(row)});
        }
    }

    // Memory is reached through the pointers only.
    static bool is_memory(const EncodingRow& row) { return row.operands.find('(') != std::string_view::npos; }

    // Misaligned accesses that fault may report any of their bytes: privileged programs, where accesses do
    // fault, have none.
    std::int64_t offset() { return random_.immediate12() & (privileged_ ? ~std::int64_t{7} : -1); }

    // AMOs stay aligned: QEMU 7.2 reports misaligned ones as loads.
    unsigned address_or_operand(const EncodingRow& row) {
        if (!is_memory(row))
            return any_register();
        return row.mnemonic.starts_with("amo") ? kAlignedPointer : pointer();
    }

    std::uint32_t fill(const EncodingRow& row) {
        std::uint32_t word = row.match;
        const auto put = [&](std::uint64_t value, unsigned at) {
            word |= static_cast<std::uint32_t>(value) << at;
        };
        for (const char letter : row.operands)
            switch (letter) {
            case 'd': put(target_register(), 7); break;
            case 's': put(address_or_operand(row), 15); break;
            case 't':
            case 'T': put(any_register(), 20); break;
            case 'D': put(any_register(), 7); break;
            case 'S': put(any_register(), 15); break;
            case 'R': put(any_register(), 27); break;
            case 'i': put(static_cast<std::uint64_t>(random_.immediate12()) & 0xfff, 20); break;
            case 'o': put(static_cast<std::uint64_t>(offset()) & 0xfff, 20); break;
            case 'q': {
                const auto offset_bits = static_cast<std::uint32_t>(offset());
                word |= bits(offset_bits, 5, 7, 25) | bits(offset_bits, 0, 5, 7);
                break;
            }
            case 'u': put(random_.integer() & 0xfffff, 12); break;
            case '>': put(random_.below(64), 20); break;
            case '<': put(random_.below(32), 20); break;
            case 'E': put(random_.pick(kFloatCsrs), 20); break;
            case 'Z': put(random_.below(32), 15); break;
            case 'm': put(random_.one_in(2) ? 7 : random_.below(random_.one_in(16) ? 8 : 5), 12); break;
            case 'P': put(random_.below(256), 20); break;
            case 'l': put(random_.below(4), 25); break;
            default: break;
            }
        return word;
    }

    // ------------------------------------------------------------ compressed
    static bool is_harmless(const Instruction& i) {
        if (i.opcode == Opcode::Illegal || i.opcode == Opcode::Jal || i.opcode == Opcode::Jalr ||
            i.opcode == Opcode::Beq || i.opcode == Opcode::Bne)
            return false;
        const std::string_view operands =
            riscv64::kEncodings[static_cast<std::size_t>(i.opcode) - 1].operands;
        if (operands.find('(') != std::string_view::npos && !is_pointer(i.rs1))
            return false;
        return operands.find('d') == std::string_view::npos || !is_reserved(i.rd);
    }
    void add_compressed() {
        for (;;) {
            const auto half = static_cast<std::uint16_t>(random_.next());
            if ((half & 3) == 3 || !is_harmless(riscv64::decode(half)))
                continue;
            Unit unit;
            unit.halves = {half};
            unit.group = group_;
            program_.units.push_back(std::move(unit));
            return;
        }
    }

    // ------------------------------------------------------------ control flow
    void add_branch() {
        if (random_.one_in(3)) {
            Unit unit;
            unit.halves = {
                static_cast<std::uint16_t>((random_.one_in(2) ? 0xc001 : 0xe001) | random_.below(8) << 7)};
            unit.fixup = Fixup::CompressedBranch;
            unit.target = ahead();
            unit.group = group_;
            program_.units.push_back(std::move(unit));
            return;
        }
        const auto funct3 = static_cast<std::uint32_t>(random_.pick<6>({0, 1, 4, 5, 6, 7}));
        add_words({0x63 | funct3 << 12 | any_register() << 15 | any_register() << 20}, Fixup::Branch,
                  ahead());
    }

    void add_jump() {
        const unsigned link = target_register();
        switch (random_.below(3)) {
        case 0: return add_words({0x6f | link << 7}, Fixup::Jump, ahead());
        case 1: {
            unsigned base = target_register();
            base = base == 0 ? 5 : base;
            return add_words({0x17 | base << 7, encode_i(0x67, link, base, 0)}, Fixup::AddressAndJalr,
                             ahead());
        }
        default: {
            Unit unit;
            unit.halves = {0xa001};
            unit.fixup = Fixup::CompressedJump;
            unit.target = ahead();
            unit.group = group_;
            program_.units.push_back(std::move(unit));
        }
        }
    }

    // A counted loop; the counter's set-up, decrement and branch stay together.
    void add_loop() {
        if (depth_ == 2)
            return;
        const unsigned counter = depth_ == 0 ? kOuterCounter : kInnerCounter;
        const std::uint64_t turns = 1 + random_.below(depth_ == 0 && random_.one_in(8) ? 200 : 12);
        const unsigned mine = ++groups_;
        const unsigned outer = group_;
        group_ = mine;
        const std::size_t entry = here();
        add_words({encode_i(0x13, counter, 0, static_cast<std::int64_t>(turns))});
        group_ = outer;
        const std::size_t top = here();
        ++depth_;
        for (std::uint64_t i = 1 + random_.below(8); i > 0; --i)
            add_any();
        --depth_;
        group_ = mine;
        // Jumps out of the body must not miss the decrement of an outer loop: they end here at the latest.
        for (std::size_t i = top; i < here(); ++i)
            program_.units[i].target = std::min(program_.units[i].target, here());
        // Nor may a jump from before enter past the counter's start.
        for (std::size_t i = 0; i < entry; ++i)
            if (program_.units[i].target > entry && program_.units[i].target <= here())
                program_.units[i].target = entry;
        add_words({encode_i(0x13, counter, counter, -1), 0x1063 | counter << 15}, Fixup::Branch, top);
        group_ = outer;
    }

    // Writes a no-operation or an increment over a later unit, and makes it visible.
    void add_store_to_code() {
        const auto immediate = static_cast<std::int64_t>(random_.below(7));
        const unsigned value = 5, address = 6, scratch = target_register();
        const std::uint32_t instruction = encode_i(0x13, scratch, scratch, immediate);
        const unsigned outer = group_;
        group_ = ++groups_;
        Unit store;
        push_word(store.halves, 0x17 | address << 7); // auipc: this unit
        add_constant_words(store.halves, value, instruction);
        const std::size_t before_store = store.halves.size();
        // The store, FENCE.I, then the four bytes that it changes.
        const auto offset = static_cast<std::uint32_t>(2 * (before_store + 4));
        push_word(store.halves,
                  0x2023 | address << 15 | value << 20 | bits(offset, 0, 5, 7) | bits(offset, 5, 7, 25));
        push_word(store.halves, 0x0000100f);
        push_word(store.halves, encode_i(0x13, scratch, scratch, 64 + immediate));
        store.group = group_;
        program_.units.push_back(std::move(store));
        group_ = outer;
    }

    // LR, something, SC, sometimes for another address. All of a program's have one width: after an LR of
    // another one an SC may succeed or not. An SC without a reservation may fail before it looks at its
    // address, or trap: it gets an aligned one.
    void add_reservation() {
        const std::uint32_t width = reservation_width_;
        const unsigned loaded = random_.one_in(8) ? pointer() : kAlignedPointer;
        const std::uint32_t load = 0x1000002f | width | target_register() << 7 | loaded << 15;
        const std::uint32_t store =
            0x1800002f | width | target_register() << 7 | kAlignedPointer << 15 | any_register() << 20;
        if (random_.one_in(2))
            return add_words({load, store});
        add_words({load});
        add_any();
        add_words({store});
    }

    bool privileged_;
    std::uint32_t reservation_width_ = 0;
    unsigned depth_ = 0;
};

} // namespace

Program generate(std::uint64_t seed, Kind kind) {
    return kind == Kind::Loops ? LoopGenerator(seed).run() : Generator(seed, kind).run();
}

} // namespace ashlar::jit::fuzz
