#include "jit/hosted/dump.h"

#include <algorithm>
#include <optional>

#include "jit/ir/block.h"
#include "jit/ir/printer.h"
#include "jit/optimizer/printer.h"

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

// With the guest's instructions and symbols.
class GraphPrinter final : public optimizer::Printer {
public:
    GraphPrinter(const OptimizedRegion& region, const Symbols& symbols, Sink& sink)
        : Printer(region.graph, region.allocation, region.registers,
                  region.guest.front().virtual_address.value(), sink),
          guest_(region.guest),
          symbols_(symbols),
          sink_(sink) {}
    void print_place(std::uint64_t address) override { hosted::print_place(symbols_, address, sink_); }
    // Values may stand in another block than the instruction that they were made for.
    void print_instruction(std::uint64_t address) override {
        for (const GuestCode& part : guest_)
            if (address - part.virtual_address.value() < part.bytes.size()) {
                hosted::print_instruction(part, address - part.virtual_address.value(), sink_);
                return;
            }
    }

private:
    std::span<const GuestCode> guest_;
    const Symbols& symbols_;
    Sink& sink_;
};

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

void GraphDump::region_optimized(const OptimizedRegion& region) {
    if (!filter_.covers_any(region.guest))
        return;
    sink_.write("graph ");
    print_extent(symbols_, region.guest, sink_);
    if (!region.refusal.empty())
        return format(sink_, "\n  refused: {}\n\n", region.refusal);
    format(sink_, ", {} values in memory, {} streams\n", region.allocation.spilled(), region.graph.streams);
    GraphPrinter(region, symbols_, sink_).print();
    sink_.write("\n");
}

bool CodeDump::wanted(const EmittedCode& emitted) const {
    return emitted.guest.empty() ? filter_.everything() : filter_.covers_any(emitted.guest);
}

void CodeDump::code_emitted(const EmittedCode& emitted) {
    // What translations share is jumped to from those that are wanted.
    if (emitted.guest.empty())
        for (const CodeLabel& label : emitted.labels)
            shared_[address_of(emitted.code) + label.host_offset] = label.name;
    if (!wanted(emitted))
        return;
    format(sink_, "code tier {} {}", emitted.tier, emitted.name);
    if (!emitted.guest.empty()) {
        sink_.write(" ");
        print_extent(symbols_, emitted.guest, sink_);
    }
    format(sink_, ", host {:#x}, {} bytes\n", address_of(emitted.code), emitted.code.size());
    if (emitted.marks.empty()) {
        for (const GuestCode& guest : emitted.guest)
            for (std::size_t offset = 0; offset < guest.bytes.size();)
                offset += print_instruction(guest, offset, sink_);
        disassembler_.print(emitted.code, address_of(emitted.code), shared_, sink_);
    } else {
        print_marked(emitted);
    }
    sink_.write("\n");
}

void CodeDump::print_marked(const EmittedCode& emitted) {
    HostPlaces places = shared_;
    for (const CodeLabel& label : emitted.labels)
        places[address_of(emitted.code) + label.host_offset] = name_of(label);
    CodeMark mark{0, CodeMark::kNoGuest, 0}; // what a tier may have put before the first
    std::optional<CodeMark> announced;
    auto next_mark = emitted.marks.begin();
    auto next_label = emitted.labels.begin();
    for (std::size_t position = 0; position < emitted.code.size();) {
        for (; next_label != emitted.labels.end() && next_label->host_offset <= position; ++next_label) {
            print_label(emitted, next_label);
            announced.reset();
        }
        for (; next_mark != emitted.marks.end() && next_mark->host_offset <= position; ++next_mark)
            mark = *next_mark;
        std::size_t end = emitted.code.size();
        if (next_mark != emitted.marks.end())
            end = std::min<std::size_t>(end, next_mark->host_offset);
        if (next_label != emitted.labels.end())
            end = std::min<std::size_t>(end, next_label->host_offset);
        const Bytes code = emitted.code.subspan(position, end - position);
        position = end;
        if (mark.part == CodeMark::kData) {
            print_data(code, address_of(code), sink_);
            continue;
        }
        // Code goes on behind data.
        if (!announced || announced->part != mark.part || announced->guest_offset != mark.guest_offset)
            print_guest(emitted, mark);
        announced = mark;
        disassembler_.print(code, address_of(code), places, sink_);
    }
}

std::string CodeDump::name_of(const CodeLabel& label) {
    std::string name(label.name);
    return label.number < 0 ? name : name + " " + std::to_string(label.number);
}

void CodeDump::print_label(const EmittedCode& emitted, std::span<const CodeLabel>::iterator label) {
    if (label->name != "block") {
        const auto next = label + 1;
        const std::size_t end =
            next == emitted.labels.end() ? emitted.code.size() : std::size_t{next->host_offset};
        if (end != label->host_offset)
            format(sink_, "{}:\n", std::string_view(name_of(*label)));
        return;
    }
    format(sink_, "block {}", label->number);
    if (label->part < emitted.guest.size()) {
        sink_.write(" ");
        print_place(symbols_, emitted.guest[label->part].virtual_address.value(), sink_);
    }
    format(sink_, ", weight {}", label->weight);
    if (label->loop_depth != 0)
        format(sink_, ", in {} {}, the innermost with block {}", label->loop_depth,
               label->loop_depth == 1 ? "loop" : "loops", label->loop);
    sink_.write(":\n");
}

void CodeDump::print_guest(const EmittedCode& emitted, const CodeMark& mark) {
    if (mark.part < emitted.guest.size())
        print_instruction(emitted.guest[mark.part], mark.guest_offset, sink_);
    else
        sink_.write("  of no guest instruction:\n");
}

void CodeDump::code_flushed() {
    sink_.write("all code flushed\n\n");
}

} // namespace ashlar::jit::hosted
