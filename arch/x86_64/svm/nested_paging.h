// Nested page tables (AMD64 Architecture Programmer's Manual, volume 2, section 15.25).
#pragma once

#include "arch/x86_64/page_table_format.h"
#include "kernel/second_level.h"

namespace ashlar::arch::svm {

struct NestedPagingPolicy {
    using Format = LongModeFormat<GuestPhysicalAddress, PhysicalAddress>;
    using Frames = kernel::TableFrames;

    static unsigned largest_level();
    // There is no way to refuse reads alone.
    static Result<PageRights> encode(kernel::Rights rights, kernel::MemoryType type);
    static PageRights with_rights(PageRights now, kernel::Rights rights);
    static kernel::Rights decode(PageRights rights);
};

using NestedPaging = kernel::SecondLevel<NestedPagingPolicy>;

} // namespace ashlar::arch::svm
