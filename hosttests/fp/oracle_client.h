// Asks qemu-riscv64 what the real instructions yield.
#pragma once

#include <vector>

#include "hosttests/fp/oracle.h"

namespace ashlar::jit::fp::test {

// One reply per request, in order; fewer when the oracle could not run.
std::vector<Reply> ask_oracle(const std::vector<Request>& requests);

} // namespace ashlar::jit::fp::test
