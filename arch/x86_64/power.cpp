#include "arch/x86_64/power.h"

#include "arch/cpu.h"
#include "arch/x86_64/ports.h"

namespace ashlar::arch {
namespace {

constinit std::uint16_t soft_off_port = 0, soft_off_port_b = 0, soft_off_types = 0;

} // namespace

void set_soft_off(const acpi::Tables& tables) {
    if (!tables.soft_off)
        return;
    soft_off_port = tables.pm1a_control;
    soft_off_port_b = tables.pm1b_control;
    soft_off_types = *tables.soft_off;
}

void power_off(bool ok) {
    disable_interrupts();
    // QEMU's isa-debug-exit: exit code value << 1 | 1.
    constexpr std::uint16_t kDebugExit = 0xf4;
    out32(kDebugExit, ok ? 33 >> 1 : 35 >> 1);
    constexpr std::uint16_t kBochsShutdown = 0x8900;
    for (const char c : {'S', 'h', 'u', 't', 'd', 'o', 'w', 'n'})
        out8(kBochsShutdown, static_cast<std::uint8_t>(c));
    constexpr std::uint16_t kSleepEnable = 1 << 13;
    if (soft_off_port != 0)
        out16(soft_off_port, static_cast<std::uint16_t>((soft_off_types & 7) << 10 | kSleepEnable));
    if (soft_off_port_b != 0)
        out16(soft_off_port_b, static_cast<std::uint16_t>((soft_off_types >> 8 & 7) << 10 | kSleepEnable));
    for (;;)
        asm volatile("cli; hlt");
}

} // namespace ashlar::arch
