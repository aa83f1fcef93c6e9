#include "drivers/virtio/shadow_disk.h"

#include <algorithm>

#include "drivers/virtio/queue.h"

namespace ashlar::virtio {
namespace {

using block::kSector;

std::uint64_t bytes_in(std::span<const GuestSegment> segments) {
    std::uint64_t total = 0; // at most kMaxSize times 4 GiB
    for (const GuestSegment& segment : segments)
        total += segment.length;
    return total;
}

// Copies from [skip, skip + to.size()) of the segments, which is there.
void gather_bytes(GuestWindow& window, std::span<const GuestSegment> segments, std::uint64_t skip,
                  MutableBytes to) {
    for (const GuestSegment& segment : segments) {
        if (to.empty())
            return;
        if (skip >= segment.length) {
            skip -= segment.length;
            continue;
        }
        const std::size_t part = std::min<std::uint64_t>(segment.length - skip, to.size());
        window.read(segment.address + skip, to.first(part));
        to = to.subspan(part);
        skip = 0;
    }
}

std::uint64_t last_byte(std::span<const GuestSegment> segments) {
    while (segments.back().length == 0)
        segments = segments.first(segments.size() - 1);
    return segments.back().address + segments.back().length - 1;
}

} // namespace

Status ShadowDisk::attach(const QueueAddresses& queue, std::uint64_t features) {
    if (attached() || !idle())
        return Error::Busy;
    ASHLAR_TRY(queue_.enable(window_, queue, features));
    broken_ = more_ = false;
    return {};
}

void ShadowDisk::detach() {
    queue_.disable();
    transfer_ = {};
}

Status ShadowDisk::kick() {
    if (!attached())
        return Error::NotFound;
    serve();
    return broken_ ? Status(Error::Malformed) : Status();
}

bool ShadowDisk::settle() {
    if (!attached())
        return false;
    const bool was_broken = broken_;
    if (more_)
        serve();
    return queue_.interrupt_wanted() || broken_ != was_broken;
}

// As many requests as the queue is long, and no more: a driver that adds some meanwhile cannot keep us here.
void ShadowDisk::serve() {
    more_ = true;
    for (unsigned i = 0; i <= queue_.size() && !broken_ && pump(); ++i) {
        const auto chain = queue_.pop();
        if (chain.ok() && !chain.value()) {
            more_ = false; // the driver will say when there is
            break;
        }
        broken_ = !chain.ok() || !begin(*chain.value()).ok();
    }
    port_.submit();
}

Status ShadowDisk::begin(const GuestChain& chain) {
    const std::uint64_t readable = bytes_in(chain.readable), writable = bytes_in(chain.writable);
    if (readable < block::kRequestHeader || writable == 0)
        return Error::Malformed;
    std::array<std::byte, block::kRequestHeader> header;
    if (const GuestSegment& first = chain.readable.front(); first.length >= header.size()) [[likely]]
        header = window_.copy<block::kRequestHeader>(first.address);
    else
        gather_bytes(window_, chain.readable, 0, header);
    requests_[chain.head] = {};
    requests_[chain.head].status_at = last_byte(chain.writable);
    requests_[chain.head].written = 1;
    plan(load_le<std::uint32_t>(header.data()), load_le<std::uint64_t>(header.data() + block::kSectorField),
         chain, readable - block::kRequestHeader, writable - 1);
    return {};
}

// `readable` and `writable`: bytes of data, without header and status.
void ShadowDisk::plan(std::uint32_t type, std::uint64_t sector, const GuestChain& chain,
                      std::uint64_t readable, std::uint64_t writable) {
    switch (type) {
    case block::kRead: return plan_transfer(false, sector, writable, chain);
    case block::kWrite: return plan_transfer(true, sector, readable, chain);
    case block::kGetId: return identify(writable, chain);
    case block::kDiscardRequest: return plan_erase(false, readable, chain);
    case block::kWriteZeroesRequest: return plan_erase(true, readable, chain);
    case block::kFlushRequest:
        if (!port_.properties().can_flush) // what is written is kept already
            return finish(chain.head, block::kOk);
        return start_whole({DiskRequest::Kind::Flush}, chain.head);
    default: return finish(chain.head, block::kUnsupportedRequest);
    }
}

// Whole blocks of the disk, at least one, in the VM's part.
bool ShadowDisk::in_slice(std::uint64_t sector, std::uint64_t length) const {
    const std::uint32_t block = port_.properties().block_size;
    return sector <= slice_.length / kSector && length != 0 && length <= slice_.length - sector * kSector &&
           sector * kSector % block == 0 && length % block == 0;
}

void ShadowDisk::plan_transfer(bool write, std::uint64_t sector, std::uint64_t length,
                               const GuestChain& chain) {
    if ((write && slice_.read_only) || !in_slice(sector, length))
        return finish(chain.head, block::kIoError);
    transfer_ = {true,
                 write ? DiskRequest::Kind::Write : DiskRequest::Kind::Read,
                 chain.head,
                 slice_.offset + sector * kSector,
                 length,
                 write ? chain.readable : chain.writable,
                 write ? block::kRequestHeader : 0};
    if (!write)
        requests_[chain.head].written = static_cast<std::uint32_t>(std::min<std::uint64_t>(length + 1, ~0u));
}

// One range, which is what the VM is told to be the most.
void ShadowDisk::plan_erase(bool zeroes, std::uint64_t length, const GuestChain& chain) {
    std::array<std::byte, block::kRangeSize> range;
    if (slice_.read_only || length != range.size())
        return finish(chain.head, slice_.read_only ? block::kIoError : block::kUnsupportedRequest);
    gather_bytes(window_, chain.readable, block::kRequestHeader, range);
    const auto sector = load_le<std::uint64_t>(range.data());
    const std::uint64_t bytes = load_le<std::uint32_t>(range.data() + 8) * kSector;
    const auto flags = load_le<std::uint32_t>(range.data() + 12);
    if ((flags & ~(zeroes ? block::kUnmap : 0u)) != 0)
        return finish(chain.head, block::kUnsupportedRequest);
    if (!in_slice(sector, bytes))
        return finish(chain.head, block::kIoError);
    start_whole({zeroes ? DiskRequest::Kind::WriteZeroes : DiskRequest::Kind::Discard,
                 slice_.offset + sector * kSector,
                 bytes,
                 {},
                 flags != 0},
                chain.head);
}

void ShadowDisk::identify(std::uint64_t room, const GuestChain& chain) {
    std::uint64_t left = std::min<std::uint64_t>(room, slice_.identity.size());
    requests_[chain.head].written = static_cast<std::uint32_t>(left + 1);
    Bytes rest(reinterpret_cast<const std::byte*>(slice_.identity.data()), left);
    for (const GuestSegment& segment : chain.writable) {
        const std::size_t part = std::min<std::size_t>(segment.length, rest.size());
        window_.write(segment.address, rest.first(part));
        rest = rest.subspan(part);
    }
    finish(chain.head, block::kOk);
}

// What has no data but its own is started again from the queue when there is no room: here it is kept as a
// transfer of nothing but itself.
void ShadowDisk::start_whole(const DiskRequest& request, std::uint16_t head) {
    transfer_ = {true, request.kind, head, request.offset, request.length, {}, request.may_unmap ? 1u : 0u};
}

// Starts what is left of the current request. False when the disk has no room for it now.
bool ShadowDisk::pump() {
    while (transfer_.active) {
        using Kind = DiskRequest::Kind;
        Request& request = requests_[transfer_.head];
        const bool data = transfer_.kind == Kind::Read || transfer_.kind == Kind::Write;
        std::array<DiskPiece, Queue::kMaxPieces> pieces;
        const Transfer before = transfer_;
        DiskRequest ask{transfer_.kind, transfer_.offset, transfer_.left};
        if (data) {
            const std::size_t most = std::min(port_.properties().most_pieces, pieces.size());
            const std::size_t count = gather(std::span(pieces).first(most), ask.length);
            ask.data = std::span<const DiskPiece>(pieces).first(count);
        } else {
            ask.may_unmap = transfer_.skip != 0;
            transfer_.left = 0;
        }
        const Status started =
            data && ask.length == 0 ? Status(Error::InvalidArgument) : port_.start(ask, before.head);
        if (!started.ok() && started.error() == Error::Busy) {
            transfer_ = before;
            return false;
        }
        if (started.ok()) {
            ++request.parts;
            ++in_flight_;
        } else {
            request.status =
                started.error() == Error::Unsupported ? block::kUnsupportedRequest : block::kIoError;
        }
        if (!started.ok() || transfer_.left == 0) {
            transfer_.active = false;
            request.started = true;
            finish_if_done(before.head);
        }
    }
    return true;
}

// The next pieces of the transfer, whole blocks in all; `total` is their length, 0 when they cannot be had:
// too many too small ones.
std::size_t ShadowDisk::gather(std::span<DiskPiece> pieces, std::uint64_t& total) {
    const std::uint64_t largest = std::min<std::uint64_t>(port_.properties().largest_piece, 1u << 30);
    std::span<const GuestSegment> segments = transfer_.segments;
    std::uint64_t skip = transfer_.skip, left = transfer_.left;
    std::size_t count = 0;
    total = 0;
    while (left != 0) {
        if (skip >= segments.front().length) {
            skip -= segments.front().length;
            segments = segments.subspan(1);
            continue;
        }
        const GuestExtent extent = window_.from(segments.front().address + skip);
        const std::uint64_t part = std::min({segments.front().length - skip, extent.size, left, largest});
        DiskPiece* const last = count != 0 ? &pieces[count - 1] : nullptr;
        if (last != nullptr && last->address + last->length == extent.device &&
            last->length + part <= largest) {
            last->length += static_cast<std::uint32_t>(part);
        } else {
            if (count == pieces.size())
                break;
            pieces[count++] = {extent.device, static_cast<std::uint32_t>(part)};
        }
        total += part;
        skip += part;
        left -= part;
    }
    std::uint64_t over = total % port_.properties().block_size;
    total -= over;
    while (over != 0) { // comes with the next pieces
        DiskPiece& last = pieces[count - 1];
        const auto part = static_cast<std::uint32_t>(std::min<std::uint64_t>(over, last.length));
        last.length -= part;
        over -= part;
        count -= last.length == 0 ? 1 : 0;
    }
    transfer_.skip += total;
    transfer_.left -= total;
    transfer_.offset += total;
    return count;
}

void ShadowDisk::completed(std::uint16_t tag, Status status) {
    ASHLAR_ASSERT(tag < requests_.size() && requests_[tag].parts != 0);
    Request& request = requests_[tag];
    --request.parts;
    --in_flight_;
    if (!status.ok() && request.status == block::kOk)
        request.status = status.error() == Error::Unsupported ? block::kUnsupportedRequest : block::kIoError;
    finish_if_done(tag);
}

void ShadowDisk::finish_if_done(std::uint16_t head) {
    if (attached() && requests_[head].started && requests_[head].parts == 0)
        finish(head, requests_[head].status);
}

void ShadowDisk::finish(std::uint16_t head, std::uint8_t status) {
    *window_.at(requests_[head].status_at) = std::byte{status};
    queue_.push(head, requests_[head].written);
}

} // namespace ashlar::virtio
