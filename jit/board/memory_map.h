// Where QEMU's riscv64 `virt` machine has its devices and interrupt sources; Ashlar's board is the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/address.h"

namespace ashlar::jit::board {

struct Window {
    GuestPhysicalAddress base;
    std::uint64_t size; // bytes
};

constexpr Window kBootRom{GuestPhysicalAddress{0x1000}, 0xf000};
constexpr Window kTestFinisher{GuestPhysicalAddress{0x10'0000}, 0x1000};
constexpr Window kRtc{GuestPhysicalAddress{0x10'1000}, 0x1000};
constexpr Window kClint{GuestPhysicalAddress{0x200'0000}, 0x1'0000};
constexpr Window kPlic{GuestPhysicalAddress{0xc00'0000}, 0x60'0000};
constexpr Window kUart{GuestPhysicalAddress{0x1000'0000}, 0x100};
constexpr Window kVirtio{GuestPhysicalAddress{0x1000'1000}, 0x1000}; // slot 0; the others follow
constexpr Window kPcieEcam{GuestPhysicalAddress{0x3000'0000}, 0x1000'0000};
constexpr Window kPcieIo{GuestPhysicalAddress{0x300'0000}, 0x1'0000};
constexpr Window kPcieMemory{GuestPhysicalAddress{0x4000'0000}, 0x4000'0000};

constexpr GuestPhysicalAddress kRamBase{0x8000'0000};
constexpr GuestPhysicalAddress kKernelBase{0x8020'0000}; // where fw_jump jumps to

constexpr std::size_t kVirtioSlots = 8;
constexpr unsigned kMaxHarts = 32;

// Interrupt sources of the PLIC; source 0 does not exist.
constexpr unsigned kVirtioIrq = 1; // of slot 0; the others follow
constexpr unsigned kUartIrq = 10;
constexpr unsigned kRtcIrq = 11;
constexpr unsigned kPcieIrq = 0x20; // INTA..INTD

constexpr std::uint64_t kTimebaseHz = 10'000'000; // mtime and the time CSR

} // namespace ashlar::jit::board
