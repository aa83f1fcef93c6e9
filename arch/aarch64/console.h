// The console: a PL011 (Arm DDI 0183), polled for output. Its interrupt tells of input.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::arch {

// The registers; firmware or loader has set the line up.
void initialize_console(void* registers);
// They are somewhere else from now on.
void move_console(void* registers);
void enable_console_interrupt();
// The interrupt came: it stays away until all input has been read.
void take_console_interrupt();

} // namespace ashlar::arch
