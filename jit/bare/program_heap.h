// The heap that operator new uses in the translator.
#pragma once

#include "lib/heap.h"

namespace ashlar::jit::bare {

Heap& program_heap();

} // namespace ashlar::jit::bare
