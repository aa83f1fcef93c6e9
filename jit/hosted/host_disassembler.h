// Text of x86-64 machine code, by libcapstone.
#pragma once

#include <cstdint>
#include <memory>

#include "lib/bytes.h"
#include "lib/format.h"

namespace ashlar::jit::hosted {

class HostDisassembler {
public:
    HostDisassembler();
    HostDisassembler(const HostDisassembler&) = delete;
    HostDisassembler& operator=(const HostDisassembler&) = delete;
    ~HostDisassembler();

    // A line for each instruction of `code`, which is executed at `address`: address, bytes, Intel syntax,
    // and what an operand in the hart's state is. Bytes that are no instruction are a line of .byte each.
    void print(Bytes code, std::uint64_t address, Sink& sink) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace ashlar::jit::hosted
