// Text of x86-64 machine code, by libcapstone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "lib/bytes.h"
#include "lib/format.h"

namespace ashlar::jit::hosted {

// Names of host addresses.
using HostPlaces = std::map<std::uint64_t, std::string>;

class HostDisassembler {
public:
    HostDisassembler();
    HostDisassembler(const HostDisassembler&) = delete;
    HostDisassembler& operator=(const HostDisassembler&) = delete;
    ~HostDisassembler();

    // A line for each instruction of `code`, which is executed at `address`: address, bytes, Intel syntax,
    // and what an operand in the hart's state is, or the name of where a jump leads. Bytes that are no
    // instruction are a line of .byte each.
    void print(Bytes code, std::uint64_t address, const HostPlaces& places, Sink& sink) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace ashlar::jit::hosted
