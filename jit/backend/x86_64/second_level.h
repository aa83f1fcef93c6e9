// A miss of the TLB's first level that the second answers, without a call of the MMU.
#pragma once

#include "jit/backend/x86_64/emitter.h"

namespace ashlar::jit::x86_64 {

// A routine that is called with an address in rax and looks for its page in the second level of the TLB.
// Returns with carry clear, the addend in rdx and the page in the first level as Mmu::enter() would have it;
// or with carry set and nothing changed but rdx: the MMU has to be asked. Changes no other register.
void emit_second_level_look_up(Emitter& e, bool writes);

} // namespace ashlar::jit::x86_64
