// The translator's main program, entered by the architecture once memory, exceptions and interrupts work.
#pragma once

#include "jit/bare/environment.h"

namespace ashlar::jit::bare {

// Never returns: ends the VM by PowerOff or Crash. Interrupts are on, the heap is usable (operator new).
[[noreturn]] void translator_main(const Environment& environment);

} // namespace ashlar::jit::bare
