#include "jit/guest_segments.h"

#include <algorithm>

namespace ashlar::jit {

Segment SegmentCursor::next(std::uint64_t limit) {
    while (!segments_.empty() && segments_.front().length == offset_) {
        segments_ = segments_.subspan(1);
        offset_ = 0;
    }
    if (segments_.empty())
        return {};
    const Segment& current = segments_.front();
    const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>(current.length - offset_, limit));
    const Segment run{current.address + offset_, length};
    offset_ += length;
    remaining_ -= length;
    return run;
}

void SegmentCursor::skip(std::uint64_t bytes) {
    for (bytes = std::min(bytes, remaining_); bytes != 0;)
        bytes -= next(bytes).length;
}

Status SegmentCursor::read(GuestMemory& memory, MutableBytes to) {
    if (to.size() > remaining_)
        return Error::OutOfRange;
    while (!to.empty()) {
        const Segment run = next(to.size());
        ASHLAR_TRY(memory.read(run.address, to.first(run.length)));
        to = to.subspan(run.length);
    }
    return {};
}

Status SegmentCursor::write(GuestMemory& memory, Bytes from) {
    if (from.size() > remaining_)
        return Error::OutOfRange;
    while (!from.empty()) {
        const Segment run = next(from.size());
        ASHLAR_TRY(memory.write(run.address, from.first(run.length)));
        from = from.subspan(run.length);
    }
    return {};
}

} // namespace ashlar::jit
