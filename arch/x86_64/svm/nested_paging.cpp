#include "arch/x86_64/svm/nested_paging.h"

#include "arch/x86_64/common/registers.h"

namespace ashlar::arch::svm {

unsigned NestedPagingPolicy::largest_level() {
    constexpr std::uint32_t kPage1Gb = 1 << 26; // CPUID 0x80000001, edx
    return (cpuid(0x80000001).edx & kPage1Gb) != 0 ? 3 : 2;
}

// To nested paging every access of the VM is one of user mode.
Result<PageRights> NestedPagingPolicy::encode(kernel::Rights rights, kernel::MemoryType type) {
    if (!rights.read)
        return Error::Unsupported;
    return PageRights{.write = rights.write,
                      .execute = rights.execute,
                      .user = true,
                      .uncached = type == kernel::MemoryType::Uncached};
}

PageRights NestedPagingPolicy::with_rights(PageRights now, kernel::Rights rights) {
    now.write = rights.write;
    now.execute = rights.execute;
    return now;
}

kernel::Rights NestedPagingPolicy::decode(PageRights rights) {
    return {.read = true, .write = rights.write, .execute = rights.execute};
}

} // namespace ashlar::arch::svm
