// The translator's settings from a VM's `tuning` keys.
#pragma once

#include <cstdint>
#include <string_view>

#include "jit/mmu/tlb_options.h"
#include "lib/format.h"

namespace ashlar::jit::bare {

struct Tuning {
    std::uint64_t slice = 400'000;       // guest instructions between looks at the hypervisor's events
    std::uint64_t code_cache_bytes = 0;  // 0: a share of the private memory
    std::uint64_t tier = 2;              // the highest that may run; 0 interprets everything
    std::uint64_t promote_after = 10;    // executions of a block before it is compiled
    std::uint64_t optimize_after = 3000; // executions of its compiled code before it is optimized
    mmu::TlbOptions tlb{};
    bool statistics = false; // print them when the guest powers off
};

// NAME=VALUE items separated by blanks or lines. Unknown names and wrong values are reported to
// `diagnostics` and skipped.
Tuning parse_tuning(std::string_view text, Sink& diagnostics);

} // namespace ashlar::jit::bare
