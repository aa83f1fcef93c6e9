#include "jit/board/virtio_block.h"

#include <algorithm>
#include <bit>
#include <new>

namespace ashlar::jit::board {
namespace {

using namespace ashlar::virtio::block;

constexpr std::size_t kHeaderSize = kRequestHeader, kIdSize = kIdentityLength;
constexpr std::uint32_t kMaxEraseSectors = 1u << 16; // per range: 32 MiB, so that one request stays short
constexpr std::uint32_t kUnmapFlag = kUnmap;

// What plain writes of zeroes take their bytes from; nobody writes here.
std::array<std::byte, 4096> zeroes;

} // namespace

// Hears of the backend's completions while poll() runs.
class VirtioBlock::Listener final : public BlockCompletions {
public:
    Listener(VirtioBlock& block, GuestMemory& memory, UsedBuffers& used)
        : block_(block), memory_(memory), used_(used) {}
    void completed(std::uint32_t tag, Status status) override {
        block_.account(block_.requests_[tag], status);
        if (block_.run(memory_, tag))
            block_.give_back(memory_, tag, used_);
    }

private:
    VirtioBlock& block_;
    GuestMemory& memory_;
    UsedBuffers& used_;
};

VirtioBlock::VirtioBlock(BlockBackend& backend)
    : backend_(&backend), block_size_(backend.geometry().block_size) {
    const BlockGeometry geometry = backend.geometry();
    ASHLAR_ASSERT(block_size_ >= kSectorSize && std::has_single_bit(block_size_));
    ASHLAR_ASSERT(backend.capacity() % block_size_ == 0);
    const auto sectors_per_block = static_cast<std::uint32_t>(block_size_ / kSectorSize);
    std::byte* const field = configuration_.data();
    store_le(field + kCapacityField, backend.capacity() / kSectorSize);
    store_le(field + kSegmentMaxField, std::uint32_t{Virtqueue::kMaxSize - 2}); // header and status
    store_le(field + kBlockSizeField, block_size_);
    store_le(field + kPhysicalExponentField, geometry.physical_block_exponent); // alignment is 0
    store_le(field + kMinimumIoField, geometry.minimum_io_blocks);
    store_le(field + kOptimalIoField, geometry.optimal_io_blocks);
    store_le(field + kQueuesField, std::uint16_t{1});
    store_le(field + kDiscardSectorsField, kMaxEraseSectors);
    store_le(field + kDiscardSegmentsField, static_cast<std::uint32_t>(kMaxEraseRanges));
    store_le(field + kDiscardAlignmentField, geometry.discard_alignment_blocks * sectors_per_block);
    store_le(field + kZeroSectorsField, kMaxEraseSectors);
    store_le(field + kZeroSegmentsField, static_cast<std::uint32_t>(kMaxEraseRanges));
}

Status VirtioBlock::prepare() {
    const unsigned depth = std::min<unsigned>(backend_->depth(), Virtqueue::kMaxSize);
    ASHLAR_ASSERT(depth != 0 && depth_ == 0);
    requests_.reset(new (std::nothrow) Request[depth]);
    if (requests_ == nullptr)
        return Error::OutOfMemory;
    depth_ = depth;
    for (; free_count_ != depth; ++free_count_)
        free_[free_count_] = static_cast<std::uint16_t>(free_count_);
    return {};
}

std::uint64_t VirtioBlock::features() const {
    constexpr std::uint64_t common = kSegmentMax | kBlockSize | kTopology | kFlush;
    return common | (backend_->read_only() ? kReadOnly : kDiscard | kWriteZeroes);
}

// Whole blocks within the disk.
bool VirtioBlock::in_range(std::uint64_t sector, std::uint64_t bytes) const {
    const std::uint64_t capacity = backend_->capacity() / kSectorSize;
    return sector <= capacity && bytes / kSectorSize <= capacity - sector &&
           sector * kSectorSize % block_size_ == 0 && bytes % block_size_ == 0;
}

// ------------------------------------------------------------------------------------------ what is asked
// for

// A request is a 16-byte header, data, and a status byte at the very end; how the driver splits it into
// buffers does not matter (2.7.4.3).
Status VirtioBlock::begin(GuestMemory& memory, const Chain& chain, UsedBuffers& used) {
    SegmentCursor readable(chain.readable);
    const std::uint64_t writable_size = SegmentCursor(chain.writable).remaining();
    std::array<std::byte, kHeaderSize> header;
    if (writable_size == 0 || !readable.read(memory, header).ok())
        return Error::Malformed;
    const auto type = load_le<std::uint32_t>(header.data());
    const auto sector = load_le<std::uint64_t>(header.data() + 8);

    ASHLAR_ASSERT(has_room());
    const std::uint16_t tag = free_[--free_count_];
    Request& request = requests_[tag];
    request.head = chain.head;
    request.written = static_cast<std::uint32_t>(std::min<std::uint64_t>(writable_size, 0xffff'ffff));
    const std::uint64_t room = writable_size - 1;
    SegmentCursor status_at(chain.writable);
    status_at.skip(room);
    request.status_at = status_at.next(1).address;
    plan(memory, request, type, sector, readable, SegmentCursor(chain.writable), room);
    if (run(memory, tag))
        give_back(memory, tag, used);
    else
        statistics_.most_in_flight = std::max(statistics_.most_in_flight, depth_ - free_count_);
    return {};
}

void VirtioBlock::end(Request& request, RequestStatus status) {
    request.step = Step::Done;
    request.status = status;
}

void VirtioBlock::plan(GuestMemory& memory, Request& request, std::uint32_t type, std::uint64_t sector,
                       SegmentCursor readable, SegmentCursor writable, std::uint64_t room) {
    request.writes = type != kRead && type != kGetId;
    request.segment_count = 0;
    switch (type) {
    case kRead: return plan_transfer(request, sector, writable, room);
    case kWrite:
        return backend_->read_only() ? end(request, RequestStatus::IoError)
                                     : plan_transfer(request, sector, readable, readable.remaining());
    case kFlushRequest: request.step = Step::Flush; return;
    case kGetId: return identify(memory, request, writable, room);
    case kDiscardRequest:
    case kWriteZeroesRequest:
        if (!negotiated(type == kDiscardRequest ? kDiscard : kWriteZeroes))
            return end(request, RequestStatus::Unsupported);
        return plan_erase(memory, request, type == kWriteZeroesRequest, readable, readable.remaining());
    default: return end(request, RequestStatus::Unsupported);
    }
}

void VirtioBlock::plan_transfer(Request& request, std::uint64_t sector, SegmentCursor data,
                                std::uint64_t length) {
    if (!in_range(sector, length))
        return end(request, RequestStatus::IoError);
    request.step = Step::Transfer;
    request.offset = sector * kSectorSize;
    request.length = length;
    while (length != 0) {
        const Segment run = data.next(length);
        request.segments[request.segment_count++] = run;
        length -= run.length;
    }
    if (request.length == 0)
        end(request, RequestStatus::Ok);
}

void VirtioBlock::plan_erase(GuestMemory& memory, Request& request, bool zeroes_wanted, SegmentCursor ranges,
                             std::uint64_t length) {
    request.range = request.range_count = 0;
    request.zeroed = 0;
    if (backend_->read_only() || length == 0 || length % kRangeSize != 0 ||
        length / kRangeSize > kMaxEraseRanges)
        return end(request, RequestStatus::IoError);
    for (std::uint64_t at = 0; at != length; at += kRangeSize) {
        std::array<std::byte, kRangeSize> raw;
        if (!ranges.read(memory, raw).ok())
            return end(request, RequestStatus::IoError);
        const auto sector = load_le<std::uint64_t>(raw.data());
        const auto sectors = load_le<std::uint32_t>(raw.data() + 8);
        const auto flags = load_le<std::uint32_t>(raw.data() + 12);
        if ((flags & ~(zeroes_wanted ? kUnmapFlag : 0)) != 0)
            return end(request, RequestStatus::Unsupported);
        const std::uint64_t bytes = std::uint64_t{sectors} * kSectorSize;
        if (sectors > kMaxEraseSectors || !in_range(sector, bytes))
            return end(request, RequestStatus::IoError);
        if (bytes != 0)
            request.ranges[request.range_count++] = {sector * kSectorSize, bytes, flags != 0};
    }
    request.step = zeroes_wanted ? Step::WriteZeroes : Step::Discard;
    if (request.range_count == 0)
        end(request, RequestStatus::Ok);
}

void VirtioBlock::identify(GuestMemory& memory, Request& request, SegmentCursor to, std::uint64_t room) {
    std::array<char, kIdSize> id{};
    const std::string_view serial = backend_->serial();
    std::copy_n(serial.data(), std::min(serial.size(), id.size()), id.data());
    const bool told = room >= kIdSize && to.write(memory, std::as_bytes(std::span(id))).ok();
    end(request, told ? RequestStatus::Ok : RequestStatus::IoError);
}

// ------------------------------------------------------------------------------------------ how it is done

bool VirtioBlock::run(GuestMemory& memory, std::uint32_t tag) {
    Request& request = requests_[tag];
    while (request.step != Step::Done) {
        BlockRequest ask = next(memory, request);
        ask.tag = tag;
        const std::optional<Status> status = backend_->start(ask);
        if (!status)
            return false;
        account(request, *status);
    }
    return true;
}

// What the backend is asked for in this step.
BlockRequest VirtioBlock::next(GuestMemory& memory, const Request& request) {
    using Kind = BlockRequest::Kind;
    switch (request.step) {
    case Step::Transfer: {
        if (!request.writes)
            note_reads(memory, request);
        for (std::size_t i = 0; i < request.segment_count; ++i) {
            const auto [address, length] = request.segments[i];
            buffers_[i] = MutableBytes(memory.host(address), length);
        }
        BlockRequest ask{request.writes ? Kind::Write : Kind::Read, request.offset, request.length};
        ask.buffers = std::span<const MutableBytes>(buffers_).first(request.segment_count);
        return ask;
    }
    case Step::Flush: return {Kind::Flush};
    case Step::Discard:
    case Step::WriteZeroes: {
        const Range& range = request.ranges[request.range];
        BlockRequest ask{request.step == Step::Discard ? Kind::Discard : Kind::WriteZeroes, range.offset,
                         range.length};
        ask.may_unmap = range.may_unmap;
        return ask;
    }
    case Step::PlainZeroes:
    case Step::Done: break;
    }
    ASHLAR_ASSERT(request.step == Step::PlainZeroes);
    const Range& range = request.ranges[request.range];
    BlockRequest ask{Kind::Write, range.offset + request.zeroed,
                     std::min<std::uint64_t>(range.length - request.zeroed, zeroes.size() * buffers_.size())};
    std::size_t count = 0;
    for (std::uint64_t left = ask.length; left != 0; left -= buffers_[count++].size())
        buffers_[count] = MutableBytes(zeroes).first(std::min<std::uint64_t>(left, zeroes.size()));
    ask.buffers = std::span<const MutableBytes>(buffers_).first(count);
    return ask;
}

// What the backend has answered to this step.
void VirtioBlock::account(Request& request, Status status) {
    const bool unsupported = !status.ok() && status.error() == Error::Unsupported;
    if (unsupported && request.step == Step::WriteZeroes) {
        request.step = Step::PlainZeroes;
        return;
    }
    // A discard is a hint: the backend need not follow it.
    if (!status.ok() && !(unsupported && request.step == Step::Discard))
        return end(request, RequestStatus::IoError);
    switch (request.step) {
    case Step::Transfer:
        (request.writes ? statistics_.written_bytes : statistics_.read_bytes) += request.length;
        // Without FLUSH the driver expects writes to be durable when they complete (5.2.6.2).
        if (request.writes && !negotiated(kFlush))
            request.step = Step::Flush;
        else
            end(request, RequestStatus::Ok);
        break;
    case Step::Flush:
        ++statistics_.flushes;
        end(request, RequestStatus::Ok);
        break;
    case Step::PlainZeroes: {
        const std::uint64_t length = request.ranges[request.range].length;
        request.zeroed += std::min<std::uint64_t>(length - request.zeroed, zeroes.size() * buffers_.size());
        if (request.zeroed == length)
            finish_range(request);
        break;
    }
    case Step::Discard:
    case Step::WriteZeroes: finish_range(request); break;
    case Step::Done: break;
    }
}

void VirtioBlock::finish_range(Request& request) {
    request.zeroed = 0;
    if (++request.range != request.range_count)
        return;
    // Zeroes are a write like others.
    if (request.step != Step::Discard && !negotiated(kFlush))
        request.step = Step::Flush;
    else
        end(request, RequestStatus::Ok);
}

// The backend stores into these pages between start() and completion: code that was translated from them
// before or meanwhile is not what is there then.
void VirtioBlock::note_reads(GuestMemory& memory, const Request& request) {
    for (std::size_t i = 0; i < request.segment_count; ++i)
        memory.note_write(request.segments[i].address, request.segments[i].length);
}

void VirtioBlock::give_back(GuestMemory& memory, std::uint32_t tag, UsedBuffers& used) {
    Request& request = requests_[tag];
    if (!request.writes)
        note_reads(memory, request);
    if (request.status != RequestStatus::Ok)
        ++statistics_.failed;
    const auto status = static_cast<std::byte>(request.status);
    ASHLAR_ASSERT(memory.write(request.status_at, {&status, 1}).ok()); // was checked with the chain
    free_[free_count_++] = static_cast<std::uint16_t>(tag);
    used.used(request.head, request.written);
}

void VirtioBlock::poll(GuestMemory& memory, UsedBuffers& used) {
    if (!busy())
        return;
    Listener listener(*this, memory, used);
    backend_->submit();
    backend_->poll(listener);
    backend_->submit(); // further steps
}

void VirtioBlock::abandon() {
    if (busy())
        backend_->abandon();
    for (free_count_ = 0; free_count_ != depth_; ++free_count_)
        free_[free_count_] = static_cast<std::uint16_t>(free_count_);
}

} // namespace ashlar::jit::board
