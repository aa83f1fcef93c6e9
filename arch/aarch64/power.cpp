// The way out.
#include "arch/aarch64/exceptions.h"
#include "arch/aarch64/psci.h"
#include "arch/aarch64/registers.h"
#include "arch/cpu.h"

namespace ashlar::arch {
namespace psci {
namespace {

constinit Conduit conduit_in_use = Conduit::None;

void call(std::uint32_t function) {
    register std::uint64_t x0 asm("x0") = function;
    if (conduit_in_use == Conduit::Smc)
        asm volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    else if (conduit_in_use == Conduit::Hvc)
        asm volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
}

} // namespace

void set_conduit(Conduit conduit) {
    conduit_in_use = conduit;
}
void system_off() {
    constexpr std::uint32_t kSystemOff = 0x8400'0008;
    call(kSystemOff);
}

} // namespace psci

void power_off(bool ok) {
    disable_interrupts();
    // Below EL2 there are no vectors that would survive a refusal.
    const bool at_el2 = (READ_REGISTER(CurrentEL) >> 2 & 3) == 2;
    constexpr std::uint64_t kExitExtended = 0x20, kApplicationExit = 0x20026;
    const std::uint64_t reason[2] = {kApplicationExit, ok ? 33u : 35u};
    if (at_el2)
        static_cast<void>(call_semihosting(kExitExtended, reinterpret_cast<std::uint64_t>(reason)));
    psci::system_off();
    for (;;)
        asm volatile("wfi");
}

} // namespace ashlar::arch
