// The boot bundle: a newc archive with ashlar.conf and the images that it names.
#pragma once

#include "kernel/frame_allocator.h"
#include "kernel/memory_source.h"
#include "kernel/scheduler.h"
#include "lib/bytes.h"

namespace ashlar::kernel {

struct BundleResult {
    unsigned started = 0;  // VMs
    unsigned rejected = 0; // that were asked for and did not start; why has been logged
};

// Starts the VMs of the archive. What is wrong with one costs that one alone.
BundleResult start_bundle(Bytes archive, FrameAllocator& frames, MemorySource& hypervisor,
                          Scheduler& scheduler);
// Starts the guest that the image carries.
BundleResult start_embedded_guest(FrameAllocator& frames, MemorySource& hypervisor, Scheduler& scheduler);

} // namespace ashlar::kernel
