#include "jit/hosted/host_disassembler.h"

#include <capstone/capstone.h>

namespace ashlar::jit::hosted {

struct HostDisassembler::State {
    csh handle = 0;
    cs_insn* instruction = nullptr;
};

namespace {

void print_line(std::uint64_t address, Bytes bytes, std::string_view mnemonic, std::string_view operands,
                Sink& sink) {
    constexpr std::size_t kColumn = 8; // bytes that line up
    format(sink, "    {:x} ", address);
    for (const std::byte byte : bytes)
        format(sink, " {:02x}", std::to_integer<unsigned>(byte));
    for (std::size_t i = bytes.size(); i < kColumn; ++i)
        sink.write("   ");
    format(sink, "  {}{}{}\n", mnemonic, operands.empty() ? "" : " ", operands);
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

void HostDisassembler::print(Bytes code, std::uint64_t address, Sink& sink) const {
    const auto* next = reinterpret_cast<const std::uint8_t*>(code.data());
    std::size_t left = code.size();
    while (left != 0) {
        const cs_insn* const i = state_->instruction;
        if (i != nullptr && cs_disasm_iter(state_->handle, &next, &left, &address, state_->instruction)) {
            print_line(i->address, {reinterpret_cast<const std::byte*>(i->bytes), i->size}, i->mnemonic,
                       i->op_str, sink);
            continue;
        }
        print_line(address, {reinterpret_cast<const std::byte*>(next), 1}, ".byte", "", sink);
        ++next, ++address, --left;
    }
}

} // namespace ashlar::jit::hosted
