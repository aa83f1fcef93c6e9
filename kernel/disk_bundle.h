// A boot bundle that lies on a disk, from its first byte on.
#pragma once

#include "kernel/disk.h"
#include "lib/bytes.h"

namespace ashlar::kernel {

// The archive on the disk of that name, in memory that is kept for ever. What was done, or why it could not
// be, goes to `sink`.
Result<Bytes> load_bundle(Devices& devices, std::string_view disk, MemorySource& memory, Sink& sink);

} // namespace ashlar::kernel
