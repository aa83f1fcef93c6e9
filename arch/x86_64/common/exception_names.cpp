#include <array>

#include "arch/x86_64/common/interrupt_frame.h"

namespace ashlar::arch {

std::string_view exception_name(std::uint64_t vector) {
    static constexpr std::array<std::string_view, 32> kNames = {"divide error",
                                                                "debug",
                                                                "NMI",
                                                                "breakpoint",
                                                                "overflow",
                                                                "bound range",
                                                                "invalid opcode",
                                                                "no coprocessor",
                                                                "double fault",
                                                                "coprocessor overrun",
                                                                "invalid TSS",
                                                                "segment not present",
                                                                "stack fault",
                                                                "general protection",
                                                                "page fault",
                                                                "reserved",
                                                                "x87 error",
                                                                "alignment check",
                                                                "machine check",
                                                                "SIMD error",
                                                                "virtualization",
                                                                "control protection",
                                                                "reserved",
                                                                "reserved",
                                                                "reserved",
                                                                "reserved",
                                                                "reserved",
                                                                "reserved",
                                                                "hypervisor injection",
                                                                "VMM communication",
                                                                "security",
                                                                "reserved"};
    return vector < kNames.size() ? kNames[vector] : std::string_view("interrupt");
}

} // namespace ashlar::arch
