#include "jit/hosted/transfer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace ashlar::jit::hosted {
namespace {

// A guest can have one in each of its requests.
constexpr std::size_t kCopySize = 256 << 10, kCopyAlignment = 4096;

} // namespace

void Transfer::begin(const BlockRequest& request, const Alignment& alignment) {
    write_ = request.kind == BlockRequest::Kind::Write;
    aligned_ = true;
    length_alignment_ = alignment.length;
    offset_ = request.offset;
    left_ = request.length;
    pieces_.clear();
    first_ = 0;
    for (const MutableBytes buffer : request.buffers) {
        if (buffer.empty())
            continue;
        pieces_.push_back({buffer.data(), buffer.size()});
        aligned_ = aligned_ && reinterpret_cast<std::uintptr_t>(buffer.data()) % alignment.memory == 0 &&
                   buffer.size() % alignment.length == 0;
    }
    aligned_ = aligned_ && (!alignment.one_buffer || pieces_.size() == 1);
}

std::span<const iovec> Transfer::step() {
    if (aligned_)
        return {pieces_.data() + first_, std::min<std::size_t>(pieces_.size() - first_, IOV_MAX)};
    if (copy_ == nullptr)
        copy_.reset(static_cast<std::byte*>(std::aligned_alloc(kCopyAlignment, kCopySize)));
    if (copy_ == nullptr)
        return {};
    copy_piece_ = {copy_.get(), static_cast<std::size_t>(std::min<std::uint64_t>(left_, kCopySize))};
    if (write_)
        gather(copy_.get(), copy_piece_.iov_len);
    return {&copy_piece_, 1};
}

Transfer::Progress Transfer::advance(ssize_t result) {
    if (result == -EINTR || result == -EAGAIN)
        return Progress::More;
    if (result <= 0 || static_cast<std::uint64_t>(result) > left_)
        return Progress::Failed;
    const auto moved = static_cast<std::size_t>(result);
    consume(moved, !aligned_ && !write_ ? copy_.get() : nullptr);
    offset_ += moved;
    left_ -= moved;
    if (left_ == 0)
        return Progress::Done;
    // What ended within a block cannot go on from there.
    return moved % length_alignment_ == 0 ? Progress::More : Progress::Failed;
}

void Transfer::end() {
    pieces_.clear();
    copy_.reset();
}

void Transfer::consume(std::size_t bytes, const std::byte* copy_from) {
    while (bytes != 0) {
        iovec& piece = pieces_[first_];
        const std::size_t part = std::min(bytes, piece.iov_len);
        if (copy_from != nullptr) {
            std::memcpy(piece.iov_base, copy_from, part);
            copy_from += part;
        }
        piece.iov_base = static_cast<std::byte*>(piece.iov_base) + part;
        piece.iov_len -= part;
        bytes -= part;
        if (piece.iov_len == 0)
            ++first_;
    }
}

void Transfer::gather(std::byte* to, std::size_t bytes) const {
    for (std::size_t i = first_; bytes != 0; ++i) {
        const std::size_t part = std::min(bytes, pieces_[i].iov_len);
        std::memcpy(to, pieces_[i].iov_base, part);
        to += part;
        bytes -= part;
    }
}

} // namespace ashlar::jit::hosted
