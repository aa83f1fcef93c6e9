// Where the IR and every tier find what they must know of a guest's state. The rest of it is the frontend's.
#pragma once

#include <cstdint>

namespace ashlar::jit::ir {

// A guest's state begins with an array of 64-bit slots: 32 integer registers, 32 floating-point registers
// and the words below. Frontends with other register files leave slots unused. The first slot of the
// integer registers is free to be a hardwired zero: no tier writes a slot that the IR does not name.
constexpr unsigned kIntegerSlot = 0;
constexpr unsigned kFloatSlot = 32;
constexpr unsigned kPcSlot = 64;                 // virtual address of the running block's start
constexpr unsigned kFloatFlagsSlot = 65;         // accrued exceptions, bits of fp::kInexact etc.
constexpr unsigned kRoundingSlot = 66;           // dynamic rounding mode
constexpr unsigned kReservationValidSlot = 67;   // 1 between a load-reserved and what breaks it
constexpr unsigned kReservationAddressSlot = 68; // on the host
constexpr unsigned kReservationValueSlot = 69;   // what load-reserved read
constexpr unsigned kRetiredSlot = 70;            // instructions retired; exact only in helpers and outside
constexpr unsigned kFrontendSlot = 71;           // from here on what they mean is the frontend's
constexpr unsigned kStateSlots = 99;

} // namespace ashlar::jit::ir
