// What GNU binutils say about encodings: the files that generate.py wrote beside the test program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ashlar::jit::riscv64::test {

struct Expectation {
    std::uint64_t address = 0;
    std::uint32_t bits = 0;
    std::string text;            // empty: not an instruction
    std::uint32_t expansion = 0; // of compressed ones
};

// Empty when the file is missing.
std::vector<Expectation> read_expectations(const std::string& name);

// Our disassembler's text of `bits`, with a space for the tab.
std::string disassembled(std::uint32_t bits, std::uint64_t address);

} // namespace ashlar::jit::riscv64::test
