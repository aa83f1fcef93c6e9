// Why a region is left.
#pragma once

#include <cstdint>
#include <string_view>

namespace ashlar::jit::optimizer {

enum class Leave : std::uint8_t {
    Budget,
    Absent,      // to code that tier 1 has not compiled, or whose page is not mapped there
    Seldom,      // to code that ran seldom when the region was formed
    Large,       // to code for which the region had no room
    Deep,        // a call that is nested too deep, or recursive
    Return,      // a return from the function that the region began in
    Indirect,    // another jump to an address that is not fixed
    Unexpected,  // a return that leads elsewhere
    Unsupported, // to an instruction that tier 2 does not do
    Memory,      // a probe failed: a fault, a device, a page of code, an address across pages
    Float,       // what the host's floating point does not do
    Guard,       // floating point is not ready
    System,      // a register of the system's that is out of reach, or whose change the engine must hear of
};
constexpr std::size_t kLeaves = static_cast<std::size_t>(Leave::System) + 1;

constexpr std::string_view name_of(Leave leave) {
    constexpr std::string_view kNames[kLeaves] = {"budget", "absent",   "seldom",     "large",       "deep",
                                                  "return", "indirect", "unexpected", "unsupported", "memory",
                                                  "float",  "guard",    "system"};
    return kNames[static_cast<std::size_t>(leave)];
}

} // namespace ashlar::jit::optimizer
