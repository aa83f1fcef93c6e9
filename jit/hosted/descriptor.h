// Ownership of a host file descriptor.
#pragma once

#include <unistd.h>

namespace ashlar::jit::hosted {

// Closed with its owner; negative when there is none.
class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0)
            close(number_);
    }
    int get() const { return number_; }

private:
    int number_;
};

} // namespace ashlar::jit::hosted
