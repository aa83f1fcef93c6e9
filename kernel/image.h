// Where the hypervisor's own image lies: symbols of its linker script, all of them page-aligned.
#pragma once

#include <cstddef>

namespace ashlar::kernel {

extern "C" const std::byte image_begin[], text_end[], rodata_begin[], rodata_end[], data_begin[], image_end[];

} // namespace ashlar::kernel
