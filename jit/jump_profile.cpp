#include "jit/jump_profile.h"

#include <algorithm>

namespace ashlar::jit {

// The first samples are of all jumps. Later ones are only of those that regions did not follow, which are
// few: together they count an eighth of what is known.
void JumpProfile::fold() {
    std::uint32_t known = 0;
    for (std::size_t i = 0; i < target_count; ++i)
        known += targets[i].weight *= 8;
    const std::uint32_t weight = std::max<std::uint32_t>(1, known == 0 ? 8 : known / (8 * kSamples));
    for (std::uint32_t& sample : samples) {
        if (sample == 0)
            continue;
        const auto end = targets.begin() + target_count;
        auto target =
            std::find_if(targets.begin(), end, [&](const JumpTarget& t) { return t.low == sample; });
        if (target == end) {
            if (target_count < kTargets)
                ++target_count;
            else
                target = end - 1; // the least likely has to go
            *target = {sample, 0};
        }
        target->weight += weight;
        for (; target != targets.begin() && target[-1].weight < target->weight; --target)
            std::swap(target[-1], *target);
        sample = 0;
    }
    for (std::size_t i = 0; i < target_count; ++i)
        targets[i].weight = std::max<std::uint32_t>(1, targets[i].weight / 8);
}

} // namespace ashlar::jit
