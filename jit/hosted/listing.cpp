#include "jit/hosted/listing.h"

#include "jit/frontend/riscv64/decoder.h"
#include "jit/frontend/riscv64/disassembler.h"

namespace ashlar::jit::hosted {

void print_place(const Symbols& symbols, std::uint64_t address, Sink& sink) {
    format(sink, "{:#x}", address);
    if (const auto place = symbols.find(address))
        format(sink, " <{}+{:#x}>", place->name, place->offset);
}

void print_extent(const Symbols& symbols, const GuestCode& guest, Sink& sink) {
    print_place(symbols, guest.virtual_address.value(), sink);
    format(sink, " physical {:#x}, {} instructions, {} bytes", guest.physical_address, guest.instructions,
           guest.bytes.size());
}

void print_extent(const Symbols& symbols, std::span<const GuestCode> parts, Sink& sink) {
    print_extent(symbols, parts.front(), sink);
    if (parts.size() == 1)
        return;
    std::size_t instructions = 0;
    for (const GuestCode& guest : parts)
        instructions += guest.instructions;
    format(sink, "; {} blocks, {} instructions", parts.size(), instructions);
}

unsigned print_instruction(const GuestCode& guest, std::size_t offset, Sink& sink) {
    constexpr unsigned kHalf = 2, kWord = 4;
    if (offset + kHalf > guest.bytes.size())
        return kHalf;
    std::uint32_t bits = load_le<std::uint16_t>(guest.bytes.data() + offset);
    if (riscv64::instruction_length(static_cast<std::uint16_t>(bits)) == kWord &&
        offset + kWord <= guest.bytes.size())
        bits = load_le<std::uint32_t>(guest.bytes.data() + offset);
    const riscv64::Instruction instruction = riscv64::decode(bits);
    const std::uint64_t pc = guest.virtual_address.value() + offset;
    if (instruction.length == kWord)
        format(sink, "  {:x}  {:08x}  ", pc, bits);
    else
        format(sink, "  {:x}  {:04x}      ", pc, bits);
    BufferSink<128> text;
    riscv64::disassemble(instruction, pc, text);
    for (const char c : text.view())
        format(sink, "{}", c == '\t' ? ' ' : c);
    sink.write("\n");
    return instruction.length;
}

} // namespace ashlar::jit::hosted
