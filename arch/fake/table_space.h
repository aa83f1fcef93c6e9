// Second-level tables of host tests.
#pragma once

#include "arch/x86_64/page_table_format.h"
#include "kernel/second_level.h"

namespace ashlar::arch::fake {

// Real tables in the VM's frames, so that tests see what they cost.
struct TablePolicy {
    using Format = LongModeFormat<GuestPhysicalAddress, PhysicalAddress>;
    using Frames = kernel::TableFrames;

    static unsigned largest_level() { return 3; }
    static Result<PageRights> encode(kernel::Rights rights, kernel::MemoryType type) {
        return PageRights{.write = rights.write,
                          .execute = rights.execute,
                          .user = rights.read,
                          .uncached = type == kernel::MemoryType::Uncached};
    }
    static PageRights with_rights(PageRights now, kernel::Rights rights) {
        return {
            .write = rights.write, .execute = rights.execute, .user = rights.read, .uncached = now.uncached};
    }
    static kernel::Rights decode(PageRights rights) {
        return {.read = rights.user, .write = rights.write, .execute = rights.execute};
    }
};
using TableSpace = kernel::SecondLevel<TablePolicy>;

} // namespace ashlar::arch::fake
