// Failures on demand, so that tests see what the hypervisor prints about them (docs/boot.md).
#pragma once

#include <string_view>

namespace ashlar::kernel {

// Does what `selftest=NAME` on the command line asks for, if anything.
void run_selftest(std::string_view command_line);

} // namespace ashlar::kernel
