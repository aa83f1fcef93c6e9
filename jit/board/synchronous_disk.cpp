#include "jit/board/synchronous_disk.h"

#include <array>

#include "jit/board/buffer_cursor.h"

namespace ashlar::jit::board {
namespace {

constexpr std::size_t kSector = 512;

} // namespace

Status SynchronousDisk::perform(const BlockRequest& request) {
    switch (request.kind) {
    case BlockRequest::Kind::Read:
    case BlockRequest::Kind::Write: return transfer(request);
    case BlockRequest::Kind::Flush: return flush();
    case BlockRequest::Kind::Discard: return discard(request.offset, request.length);
    case BlockRequest::Kind::WriteZeroes: break;
    }
    return Error::Unsupported;
}

Status SynchronousDisk::transfer_part(std::uint64_t offset, bool is_write, MutableBytes part) {
    return is_write ? write(offset, part) : read(offset, part);
}

// Whole sectors go straight between the buffers and the disk, one that lies in several buffers through a
// copy.
Status SynchronousDisk::transfer(const BlockRequest& request) {
    const bool is_write = request.kind == BlockRequest::Kind::Write;
    const std::uint64_t end = request.offset + request.length;
    BufferCursor cursor(request.buffers);
    for (std::uint64_t offset = request.offset; offset != end;) {
        BufferCursor ahead = cursor;
        const MutableBytes run = ahead.next(static_cast<std::size_t>(end - offset));
        const std::size_t direct = run.size() / kSector * kSector;
        if (direct != 0) {
            ASHLAR_TRY(transfer_part(offset, is_write, run.first(direct)));
            cursor.skip(direct);
            offset += direct;
            continue;
        }
        std::array<std::byte, kSector> copy;
        if (is_write)
            cursor.gather(copy);
        ASHLAR_TRY(transfer_part(offset, is_write, copy));
        if (!is_write)
            cursor.scatter(copy);
        offset += kSector;
    }
    return {};
}

} // namespace ashlar::jit::board
