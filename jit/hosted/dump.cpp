#include "jit/hosted/dump.h"

#include <algorithm>

#include "jit/ir/block.h"
#include "jit/ir/printer.h"

namespace ashlar::jit::hosted {
namespace {

std::uint64_t address_of(Bytes code) {
    return reinterpret_cast<std::uintptr_t>(code.data());
}

void print_data(Bytes data, std::uint64_t address, Sink& sink) {
    constexpr std::size_t kLine = 16;
    for (; !data.empty(); data = data.subspan(std::min(kLine, data.size())), address += kLine) {
        format(sink, "    {:x} ", address);
        for (const std::byte byte : data.first(std::min(kLine, data.size())))
            format(sink, " {:02x}", std::to_integer<unsigned>(byte));
        sink.write("\n");
    }
}

} // namespace

void IrDump::block_lifted(const GuestCode& guest, const ir::Block& block) {
    if (!filter_.covers(guest))
        return;
    sink_.write("ir ");
    print_extent(symbols_, guest, sink_);
    sink_.write("\n");
    std::uint16_t number = 0;
    unsigned printed = ~0u; // guest_index
    for (const ir::Instruction& instruction : block.instructions()) {
        if (instruction.guest_index != printed)
            print_instruction(guest, instruction.pc_offset, sink_);
        printed = instruction.guest_index;
        sink_.write("    ");
        ir::print(instruction, ir::Value{number++}, sink_);
        sink_.write("\n");
    }
    sink_.write("\n");
}

bool CodeDump::wanted(const EmittedCode& emitted) const {
    if (emitted.guest.empty())
        return filter_.everything();
    return std::any_of(emitted.guest.begin(), emitted.guest.end(),
                       [this](const GuestCode& guest) { return filter_.covers(guest); });
}

void CodeDump::code_emitted(const EmittedCode& emitted) {
    if (!wanted(emitted))
        return;
    format(sink_, "code tier {} {}", emitted.tier, emitted.name);
    for (const GuestCode& guest : emitted.guest) {
        sink_.write(&guest == &emitted.guest.front() ? " " : "; ");
        print_extent(symbols_, guest, sink_);
    }
    format(sink_, ", host {:#x}, {} bytes\n", address_of(emitted.code), emitted.code.size());
    if (emitted.marks.empty()) {
        for (const GuestCode& guest : emitted.guest)
            for (std::size_t offset = 0; offset < guest.bytes.size();)
                offset += print_instruction(guest, offset, sink_);
        disassembler_.print(emitted.code, address_of(emitted.code), sink_);
    } else {
        print_marked(emitted);
    }
    sink_.write("\n");
}

void CodeDump::print_marked(const EmittedCode& emitted) {
    CodeMark mark{0, CodeMark::kNoGuest, 0}; // what a tier may have put before the first
    const CodeMark* announced = nullptr;
    for (std::size_t next = 0; next <= emitted.marks.size(); ++next) {
        const std::size_t end =
            next < emitted.marks.size() ? emitted.marks[next].host_offset : emitted.code.size();
        const Bytes code = emitted.code.subspan(mark.host_offset, end - mark.host_offset);
        if (mark.part == CodeMark::kData) {
            print_data(code, address_of(code), sink_);
        } else if (!code.empty()) {
            // Code goes on behind data.
            if (announced == nullptr || announced->part != mark.part ||
                announced->guest_offset != mark.guest_offset)
                print_guest(emitted, mark);
            disassembler_.print(code, address_of(code), sink_);
            announced = next == 0 ? nullptr : &emitted.marks[next - 1];
        }
        if (next < emitted.marks.size())
            mark = emitted.marks[next];
    }
}

void CodeDump::print_guest(const EmittedCode& emitted, const CodeMark& mark) {
    if (mark.part < emitted.guest.size())
        print_instruction(emitted.guest[mark.part], mark.guest_offset, sink_);
    else
        sink_.write("  of no instruction:\n");
}

void CodeDump::code_flushed() {
    sink_.write("all code flushed\n\n");
}

} // namespace ashlar::jit::hosted
