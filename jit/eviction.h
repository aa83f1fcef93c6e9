// Which translations go when there is no room for more: those of guest pages that nothing runs in any longer,
// the oldest first.
#pragma once

#include "jit/region_tier.h"

namespace ashlar::jit {

// While it works no hart may be in translated code.
class Eviction {
public:
    // `native` and `regions` may be nullptr.
    Eviction(CodeCache& cache, NativeCompiler* native, RegionTier* regions, EngineStatistics& statistics)
        : cache_(cache), native_(native), regions_(regions), statistics_(statistics) {}

    // After something was translated: looks which pages are in use when there soon will be no more room.
    void notice_growth() {
        if (!has_looked_ && is_crowded(kCrowded))
            look();
    }
    // Drops and frees pages, and all that was forgotten before. What remembers addresses of code must forget
    // them.
    void make_room();

private:
    // Sixteenths of the memory that are used when pages are looked at, and at most when some were dropped.
    static constexpr std::size_t kCrowded = 15, kRoomy = 14;

    bool is_crowded(std::size_t sixteenths) const;
    void look();
    std::uint64_t activity(CodePage& page) const;
    bool is_in_use(CodePage& page) const;
    void free_forgotten();

    CodeCache& cache_;
    NativeCompiler* native_;
    RegionTier* regions_;
    EngineStatistics& statistics_;
    bool has_looked_ = false;
};

} // namespace ashlar::jit
