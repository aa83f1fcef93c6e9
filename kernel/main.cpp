#include "arch/cpu.h"
#include "kernel/boot_information.h"

namespace ashlar::kernel {

void kernel_main(const BootInformation&) {
    arch::console_write("ashlar: no kernel\r\n", 19);
    arch::power_off(true);
}

} // namespace ashlar::kernel
