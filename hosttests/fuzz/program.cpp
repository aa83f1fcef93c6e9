#include "hosttests/fuzz/program.h"

#include "hosttests/fuzz/encode.h"
#include "jit/frontend/riscv64/decoder.h"
#include "jit/frontend/riscv64/disassembler.h"

namespace ashlar::jit::fuzz {

namespace {

class StringSink final : public Sink {
public:
    void write(std::string_view text) override { text_ += text; }
    std::string text_;
};

void patch(Unit& unit, std::int64_t offset_from_unit) {
    std::vector<std::uint16_t>& halves = unit.halves;
    const std::size_t size = halves.size();
    const auto from = [&](std::size_t half) {
        return static_cast<std::uint32_t>(offset_from_unit - 2 * static_cast<std::int64_t>(half));
    };
    switch (unit.fixup) {
    case Fixup::None: break;
    case Fixup::Branch: or_word(halves, size - 2, encode_branch_offset(from(size - 2))); break;
    case Fixup::Jump: or_word(halves, size - 2, encode_jump_offset(from(size - 2))); break;
    case Fixup::CompressedBranch: halves[size - 1] |= encode_compressed_branch_offset(from(size - 1)); break;
    case Fixup::CompressedJump: halves[size - 1] |= encode_compressed_jump_offset(from(size - 1)); break;
    case Fixup::AddressAndJalr: or_word(halves, size - 2, from(size - 4) << 20); break;
    case Fixup::AddressOnly: or_word(halves, 2, from(0) << 20); break;
    }
}

} // namespace

std::vector<std::uint16_t> Program::assemble() const {
    std::vector<std::size_t> positions(units.size() + 1);
    std::size_t position = 0;
    for (std::size_t i = 0; i < units.size(); ++i) {
        positions[i] = position;
        position += units[i].enabled ? units[i].halves.size() : 0;
    }
    positions[units.size()] = position;
    std::vector<std::uint16_t> code;
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (!units[i].enabled)
            continue;
        Unit unit = units[i];
        const std::size_t target = unit.fixup == Fixup::AddressOnly ? i + 1 : unit.target;
        patch(unit,
              2 * (static_cast<std::int64_t>(positions[target]) - static_cast<std::int64_t>(positions[i])));
        code.insert(code.end(), unit.halves.begin(), unit.halves.end());
    }
    return code;
}

std::string Program::describe() const {
    const std::vector<std::uint16_t> code = assemble();
    StringSink sink;
    bool named[2][32] = {};
    for (std::size_t at = 0; at < code.size();) {
        std::uint32_t bits = code[at];
        if ((bits & 3) == 3 && at + 1 < code.size())
            bits |= static_cast<std::uint32_t>(code[at + 1]) << 16;
        const riscv64::Instruction instruction = riscv64::decode(bits);
        format(sink, "  {:x}: ", 2 * at);
        riscv64::disassemble(instruction, 2 * at, sink);
        sink.write("\n");
        for (const unsigned index : {instruction.rs1, instruction.rs2, instruction.rs3})
            named[0][index] = named[1][index] = true;
        at += instruction.length / 2;
    }
    for (unsigned i = 1; i < 32; ++i)
        if (named[0][i])
            format(sink, "  x{} {:#x} f{} {:#x}\n", i, start.x[i], i, start.f[i]);
    format(sink, "  f0 {:#x} fcsr {:#x}\n", start.f[0], start.fcsr);
    if (start.privileged != 0) {
        format(sink, "  mstatus {:#x} medeleg {:#x} mideleg {:#x} satp {:#x} pmpcfg {:#x}\n", start.mstatus,
               start.medeleg, start.mideleg, start.satp, start.pmpcfg);
        for (unsigned i = 0; i < FUZZ_PMP_ENTRIES; ++i)
            format(sink, "  pmpaddr{} {:#x}\n", i, start.pmpaddr[i]);
        for (unsigned i = 0; i < FUZZ_SMALL_PAGES; ++i)
            format(sink, "  page {}: {:#x}\n", i, start.small_pages[i]);
        for (unsigned i = 0; i < FUZZ_BIG_PAGES; ++i)
            format(sink, "  2 MiB page {}: {:#x}\n", i, start.big_pages[i]);
    }
    return sink.text_;
}

} // namespace ashlar::jit::fuzz
