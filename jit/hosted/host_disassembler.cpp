#include "jit/hosted/host_disassembler.h"

#include <algorithm>
#include <capstone/capstone.h>
#include <charconv>

#include "jit/backend/x86_64/emitter.h"

namespace ashlar::jit::hosted {

struct HostDisassembler::State {
    csh handle = 0;
    cs_insn* instruction = nullptr;
};

namespace {

using interpreter::Context;

constexpr std::size_t kRegisters = 32; // of each kind
static_assert(ir::kFloatSlot == kRegisters);

struct Field {
    std::size_t offset;
    std::string_view name;
};
constexpr Field kFields[] = {{sizeof(std::uint64_t) * ir::kPcSlot, "pc"},
                             {sizeof(std::uint64_t) * ir::kFloatFlagsSlot, "fflags"},
                             {sizeof(std::uint64_t) * ir::kRoundingSlot, "frm"},
                             {offsetof(Context, budget), "budget"},
                             {offsetof(Context, tlb), "TLB"},
                             {offsetof(Context, generation), "generation"},
                             {offsetof(Context, guard), "guard"}};

// Host code has the hart's state at r15: says which part of it an operand is.
void print_state_operand(std::string_view operands, Sink& sink) {
    const std::size_t at = operands.find("[r15 ");
    if (at == std::string_view::npos)
        return;
    std::string_view distance = operands.substr(at + 5);
    const bool below = distance.starts_with("- ");
    distance = distance.substr(0, distance.find(']'));
    distance.remove_prefix(std::min<std::size_t>(2, distance.size()));
    const bool hexadecimal = distance.starts_with("0x");
    distance.remove_prefix(hexadecimal ? 2 : 0);
    std::int64_t offset = 0;
    const auto [end, failure] =
        std::from_chars(distance.data(), distance.data() + distance.size(), offset, hexadecimal ? 16 : 10);
    if (failure != std::errc{} || end != distance.data() + distance.size())
        return;
    offset = (below ? -offset : offset) + x86_64::kContextBias;
    const auto slot = static_cast<std::uint64_t>(offset) / sizeof(std::uint64_t);
    if (offset < 0)
        return;
    if (slot < kRegisters)
        return format(sink, "  ; x{}", slot);
    if (slot < 2 * kRegisters)
        return format(sink, "  ; f{}", slot - kRegisters);
    if (slot >= interpreter::kFirstTemporary && slot < interpreter::kSlots)
        return format(sink, "  ; temporary {}", slot - interpreter::kFirstTemporary);
    for (const Field& field : kFields)
        if (offset == static_cast<std::int64_t>(field.offset))
            return format(sink, "  ; {}", field.name);
}

// Only jumps and calls have an address alone as their operand.
void print_target(std::string_view operands, const HostPlaces& places, Sink& sink) {
    if (!operands.starts_with("0x"))
        return;
    std::uint64_t target = 0;
    const auto [end, failure] =
        std::from_chars(operands.data() + 2, operands.data() + operands.size(), target, 16);
    if (failure != std::errc{} || end != operands.data() + operands.size())
        return;
    if (const auto place = places.find(target); place != places.end())
        format(sink, "  ; {}", std::string_view(place->second));
}

void print_line(std::uint64_t address, Bytes bytes, std::string_view mnemonic, std::string_view operands,
                const HostPlaces& places, Sink& sink) {
    constexpr std::size_t kColumn = 8; // bytes that line up
    format(sink, "    {:x} ", address);
    for (const std::byte byte : bytes)
        format(sink, " {:02x}", std::to_integer<unsigned>(byte));
    for (std::size_t i = bytes.size(); i < kColumn; ++i)
        sink.write("   ");
    format(sink, "  {}{}{}", mnemonic, operands.empty() ? "" : " ", operands);
    print_state_operand(operands, sink);
    print_target(operands, places, sink);
    sink.write("\n");
}

} // namespace

HostDisassembler::HostDisassembler() : state_(std::make_unique<State>()) {
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &state_->handle) == CS_ERR_OK)
        state_->instruction = cs_malloc(state_->handle);
}

HostDisassembler::~HostDisassembler() {
    if (state_->instruction != nullptr)
        cs_free(state_->instruction, 1);
    if (state_->handle != 0)
        cs_close(&state_->handle);
}

void HostDisassembler::print(Bytes code, std::uint64_t address, const HostPlaces& places, Sink& sink) const {
    const auto* next = reinterpret_cast<const std::uint8_t*>(code.data());
    std::size_t left = code.size();
    while (left != 0) {
        const cs_insn* const i = state_->instruction;
        if (i != nullptr && cs_disasm_iter(state_->handle, &next, &left, &address, state_->instruction)) {
            print_line(i->address, {reinterpret_cast<const std::byte*>(i->bytes), i->size}, i->mnemonic,
                       i->op_str, places, sink);
            continue;
        }
        print_line(address, {reinterpret_cast<const std::byte*>(next), 1}, ".byte", "", places, sink);
        ++next, ++address, --left;
    }
}

} // namespace ashlar::jit::hosted
