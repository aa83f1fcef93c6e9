// What a VM sees of the CPU in the ID registers: what is listed here and the machine has. Anything else,
// known or yet to be invented, may bring state that we do not switch.
#pragma once

#include <cstdint>

namespace ashlar::arch::el2 {

// ID registers are those of op0 3, op1 0, CRn 0, CRm 1 to 7 (Arm ARM, section D19.1): by CRm and op2.
// `machine` is what the CPU has there. `physical_width` as PARange encodes it.
std::uint64_t filter_id_register(unsigned crm, unsigned op2, std::uint64_t machine, unsigned physical_width);

} // namespace ashlar::arch::el2
