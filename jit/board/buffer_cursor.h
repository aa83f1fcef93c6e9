// Walks over the bytes of a list of buffers in host memory.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "lib/bytes.h"

namespace ashlar::jit::board {

class BufferCursor {
public:
    explicit BufferCursor(std::span<const MutableBytes> buffers) : buffers_(buffers) {}

    // The longest contiguous run at the current position, at most `limit` bytes; advances over it. An empty
    // result means the end.
    MutableBytes next(std::size_t limit) {
        while (!buffers_.empty() && buffers_.front().size() == offset_) {
            buffers_ = buffers_.subspan(1);
            offset_ = 0;
        }
        if (buffers_.empty())
            return {};
        const MutableBytes run =
            buffers_.front().subspan(offset_, std::min(buffers_.front().size() - offset_, limit));
        offset_ += run.size();
        return run;
    }
    void skip(std::size_t bytes) {
        while (bytes != 0) {
            const MutableBytes run = next(bytes);
            if (run.empty())
                return;
            bytes -= run.size();
        }
    }
    // Copies as much as there is, and advances.
    void gather(MutableBytes to) {
        for (MutableBytes run; !to.empty() && !(run = next(to.size())).empty(); to = to.subspan(run.size()))
            std::memcpy(to.data(), run.data(), run.size());
    }
    void scatter(Bytes from) {
        for (MutableBytes run; !from.empty() && !(run = next(from.size())).empty();
             from = from.subspan(run.size()))
            std::memcpy(run.data(), from.data(), run.size());
    }

private:
    std::span<const MutableBytes> buffers_;
    std::size_t offset_ = 0; // into the first one
};

} // namespace ashlar::jit::board
