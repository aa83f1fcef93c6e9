// A disk whose every request completes within the call, in whole sectors at contiguous places.
#pragma once

#include "jit/platform.h"

namespace ashlar::jit::board {

class SynchronousDisk : public BlockBackend {
public:
    unsigned depth() const final { return 1; }
    std::optional<Status> start(const BlockRequest& request) final { return perform(request); }
    void submit() final {}
    void poll(BlockCompletions&) final {}
    void abandon() final {}

protected:
    ~SynchronousDisk() = default;
    // Offsets and lengths are multiples of 512 within the capacity.
    virtual Status read(std::uint64_t offset, MutableBytes to) = 0;
    virtual Status write(std::uint64_t offset, Bytes from) = 0;
    virtual Status flush() = 0;
    virtual Status discard(std::uint64_t, std::uint64_t) { return Error::Unsupported; }

private:
    Status perform(const BlockRequest& request);
    Status transfer(const BlockRequest& request);
    Status transfer_part(std::uint64_t offset, bool is_write, MutableBytes part);
};

} // namespace ashlar::jit::board
