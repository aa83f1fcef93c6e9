// Where the indirect jumps of regions lead: host code notes it, the next region follows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "lib/result.h"

namespace ashlar::jit {

struct JumpTarget {
    std::uint32_t low = 0; // the guest-virtual address's low half
    std::uint32_t weight = 0;
};

// Of one jump. Host code writes to it when the jump leads out of a region, to where that did not expect.
struct JumpProfile {
    static constexpr std::size_t kSamples = 128, kTargets = 24;

    std::uint32_t surprises = 0; // so many more of them, and a region is to be formed anew
    // Low halves of targets, each at the low bits of the hart's budget then: 0 is none.
    std::array<std::uint32_t, kSamples> samples{};
    // Where regions follow the jump to, the likeliest first. None: they are left with it.
    std::array<JumpTarget, kTargets> targets{};
    std::uint8_t target_count = 0;
    const void* owner = nullptr; // the block's code

    // Makes targets of the samples.
    void fold();
};

// As many as there are; the oldest make room for new ones. Host code that still writes to one which another
// block owns now does no harm: targets are guesses. Not synchronized.
class JumpProfiles {
public:
    static Result<std::unique_ptr<JumpProfiles>> create() {
        std::unique_ptr<JumpProfiles> result(new (std::nothrow) JumpProfiles);
        if (result == nullptr)
            return Error::OutOfMemory;
        result->profiles_.reset(new (std::nothrow) JumpProfile[kCapacity]);
        if (result->profiles_ == nullptr)
            return Error::OutOfMemory;
        return result;
    }

    // The profile that `mine` points to if it is still the owner's, else another one.
    JumpProfile* find(JumpProfile*& mine, const void* owner, std::uint32_t surprises) {
        if (mine != nullptr && mine->owner == owner)
            return mine;
        mine = &profiles_[next_++ % kCapacity];
        *mine = {};
        mine->owner = owner;
        mine->surprises = surprises;
        return mine;
    }

private:
    static constexpr std::size_t kCapacity = 2048;
    JumpProfiles() = default;

    std::unique_ptr<JumpProfile[]> profiles_;
    std::size_t next_ = 0;
};

} // namespace ashlar::jit
