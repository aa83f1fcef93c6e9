// A read or write of a disk, cut into the calls that the host can do.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <sys/types.h>
#include <sys/uio.h>
#include <vector>

#include "jit/platform.h"

namespace ashlar::jit::hosted {

// What is wanted of the buffers and places of one call.
struct Alignment {
    std::size_t memory = 1, length = 1; // powers of two
    bool one_buffer = false;
};

class Transfer {
public:
    enum class Progress : std::uint8_t { More, Done, Failed };

    // Of a Read or Write. Buffers that will not do are copied through one that will.
    void begin(const BlockRequest& request, const Alignment& alignment);
    bool is_write() const { return write_; }
    std::uint64_t offset() const { return offset_; }
    // The next call's buffers; nothing when there is no memory for a copy. Valid until advance().
    std::span<const iovec> step();
    // That call has returned: a number of bytes, or an error number negated.
    Progress advance(ssize_t result);
    // Forgets what it holds.
    void end();

private:
    struct Free {
        void operator()(std::byte* at) const { std::free(at); }
    };
    void consume(std::size_t bytes, const std::byte* copy_from);
    void gather(std::byte* to, std::size_t bytes) const;

    bool write_ = false, aligned_ = true;
    std::size_t length_alignment_ = 1;
    std::uint64_t offset_ = 0, left_ = 0;
    std::vector<iovec> pieces_; // what is left, from first_ on
    std::size_t first_ = 0;
    std::unique_ptr<std::byte, Free> copy_;
    iovec copy_piece_{};
};

} // namespace ashlar::jit::hosted
