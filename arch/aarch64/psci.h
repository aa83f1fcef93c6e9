// Arm's Power State Coordination Interface (DEN 0022), which firmware implements.
#pragma once

#include <cstdint>

namespace ashlar::arch::psci {

enum class Conduit : std::uint8_t { None, Smc, Hvc };
void set_conduit(Conduit conduit);

// Returns when the firmware does not do it.
void system_off();

} // namespace ashlar::arch::psci
