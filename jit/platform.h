// What the engine and the board need from the program they run in: `ashlar-run`, the translator, or a test.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/bytes.h"

namespace ashlar::jit {

class Clock {
public:
    // Nanoseconds since some fixed point; never goes back. Cheap (called once per few thousand guest
    // instructions and for every read of the guest's time CSR).
    virtual std::uint64_t monotonic_ns() = 0;
    // Unix time in nanoseconds.
    virtual std::uint64_t wall_ns() = 0;

protected:
    ~Clock() = default;
};

class Console {
public:
    virtual void write(Bytes bytes) = 0;
    // Takes what waits, at most `buffer.size()` bytes; never blocks.
    virtual std::size_t read(MutableBytes buffer) = 0;

protected:
    ~Console() = default;
};

// True randomness, for the guest to seed its generator with.
class EntropySource {
public:
    // Fills all of `to`, or returns false and leaves it undefined.
    virtual bool fill(MutableBytes to) = 0;

protected:
    ~EntropySource() = default;
};

// A disk. Offsets and lengths are bytes, multiples of 512, checked by the caller against capacity().
// Calls complete before they return.
class BlockBackend {
public:
    virtual std::uint64_t capacity() const = 0;
    virtual bool read_only() const = 0;
    virtual std::string_view serial() const = 0; // at most 20 characters
    virtual Status read(std::uint64_t offset, MutableBytes to) = 0;
    virtual Status write(std::uint64_t offset, Bytes from) = 0;
    virtual Status flush() = 0;
    // Contents of the range become undefined or zero; Unsupported is a fine answer.
    virtual Status discard(std::uint64_t offset, std::uint64_t length) = 0;

protected:
    ~BlockBackend() = default;
};

} // namespace ashlar::jit
