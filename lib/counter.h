// A count that one CPU keeps and others may read at any time, without the cost of an atomic addition.
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar {

class Counter {
public:
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }
    // By its keeper alone.
    void add(std::uint64_t n) { value_.store(value() + n, std::memory_order_relaxed); }
    void subtract(std::uint64_t n) { value_.store(value() - n, std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

} // namespace ashlar
