// A generated guest program: a list of small units that can be left out one by one, to shrink a failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hosttests/fuzz/case_layout.h"

namespace ashlar::jit::fuzz {

// What of a unit depends on where its target ends up.
enum class Fixup : std::uint8_t {
    None,
    Branch,           // last word: a B-type instruction
    Jump,             // last word: JAL
    CompressedBranch, // last half: C.BEQZ, C.BNEZ
    CompressedJump,   // last half: C.J
    AddressAndJalr,   // last words: AUIPC and JALR through it
    AddressOnly,      // first words: AUIPC and ADDI; the target is the unit after this one
};

struct Unit {
    std::vector<std::uint16_t> halves;
    Fixup fixup = Fixup::None;
    std::size_t target = 0; // index of a unit
    unsigned group = 0;     // units of a group are left out together; 0: alone
    bool enabled = true;
};

struct Program {
    std::vector<Unit> units;
    FuzzCase start{}; // code and code_end are set by the image

    // The code of the enabled units, position-independent.
    std::vector<std::uint16_t> assemble() const;
    // Disassembled, one line per instruction, with the starting registers that it names.
    std::string describe() const;
};

} // namespace ashlar::jit::fuzz
