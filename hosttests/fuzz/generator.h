// Random programs: every instruction of the decoder's table with corner operands, branches, bounded loops,
// traps.
#pragma once

#include <cstdint>

#include "hosttests/fuzz/program.h"

namespace ashlar::jit::fuzz {

enum class Kind {
    Unprivileged, // M-mode, whole memory open: integer, atomic, floating point, compressed
    Loops,        // like Unprivileged, but mostly loops and calls: loops.h
    Privileged,   // all modes, CSRs, traps and returns, Sv39 with odd page tables, PMP
};

// The same program for the same arguments.
Program generate(std::uint64_t seed, Kind kind);

} // namespace ashlar::jit::fuzz
