// Makes a failing program small.
#pragma once

#include <functional>

#include "hosttests/fuzz/program.h"

namespace ashlar::jit::fuzz {

// Leaves out units and zeroes starting registers as long as `fails` holds. `fails` is called a few hundred
// times at most.
Program shrink(Program program, const std::function<bool(const Program&)>& fails);

} // namespace ashlar::jit::fuzz
