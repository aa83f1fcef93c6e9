// Console input that waits for a VM.
#pragma once

#include <array>
#include <cstddef>

namespace ashlar::kernel {

// Bounded; what comes while it is full is lost, as on a serial line. Not synchronized.
class InputQueue {
public:
    bool empty() const { return count_ == 0; }
    // False when full.
    bool push(char c) {
        if (count_ == bytes_.size())
            return false;
        bytes_[(first_ + count_++) % bytes_.size()] = c;
        return true;
    }
    // Not when empty.
    char pop() {
        const char c = bytes_[first_];
        first_ = (first_ + 1) % bytes_.size();
        --count_;
        return c;
    }

private:
    std::array<char, 2048> bytes_{};
    std::size_t first_ = 0, count_ = 0;
};

} // namespace ashlar::kernel
