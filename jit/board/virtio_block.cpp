#include "jit/board/virtio_block.h"

#include <algorithm>
#include <cstring>

namespace ashlar::jit::board {
namespace {

// Feature bits (5.2.3).
constexpr std::uint64_t kSegmentMax = 1u << 2, kReadOnly = 1u << 5, kBlockSize = 1u << 6, kFlush = 1u << 9,
                        kTopology = 1u << 10, kDiscard = 1u << 13, kWriteZeroes = 1u << 14;

// Offsets in the configuration (5.2.4).
constexpr std::size_t kCapacityField = 0, kSegmentMaxField = 12, kBlockSizeField = 20, kMinimumIoField = 26,
                      kOptimalIoField = 28, kQueuesField = 34, kDiscardSectorsField = 36,
                      kDiscardSegmentsField = 40, kDiscardAlignmentField = 44, kZeroSectorsField = 48,
                      kZeroSegmentsField = 52;

// Request types (5.2.6).
enum Type : std::uint32_t {
    kRead = 0,
    kWrite = 1,
    kFlushRequest = 4,
    kGetId = 8,
    kDiscardRequest = 11,
    kWriteZeroesRequest = 13,
};

constexpr std::size_t kHeaderSize = 16, kIdSize = 20, kRangeSize = 16;
constexpr std::uint32_t kMaxEraseSectors = 1u << 16; // per range: 32 MiB, so that one request stays short
constexpr std::uint32_t kMaxEraseRanges = 16;
constexpr std::uint32_t kUnmapFlag = 1;

} // namespace

VirtioBlock::VirtioBlock(BlockBackend& backend) : backend_(&backend) {
    std::byte* const field = configuration_.data();
    store_le(field + kCapacityField, backend.capacity() / kSectorSize);
    store_le(field + kSegmentMaxField, std::uint32_t{Virtqueue::kMaxSize - 2}); // header and status
    store_le(field + kBlockSizeField, std::uint32_t{kSectorSize});
    store_le(field + kMinimumIoField, std::uint16_t{1}); // in blocks; physical block and alignment are 0
    store_le(field + kOptimalIoField, std::uint32_t{0});
    store_le(field + kQueuesField, std::uint16_t{1});
    store_le(field + kDiscardSectorsField, kMaxEraseSectors);
    store_le(field + kDiscardSegmentsField, kMaxEraseRanges);
    store_le(field + kDiscardAlignmentField, std::uint32_t{1});
    store_le(field + kZeroSectorsField, kMaxEraseSectors);
    store_le(field + kZeroSegmentsField, kMaxEraseRanges);
}

std::uint64_t VirtioBlock::features() const {
    constexpr std::uint64_t common = kSegmentMax | kBlockSize | kTopology | kFlush;
    return common | (backend_->read_only() ? kReadOnly : kDiscard | kWriteZeroes);
}

bool VirtioBlock::in_range(std::uint64_t sector, std::uint64_t bytes) const {
    const std::uint64_t capacity = backend_->capacity() / kSectorSize;
    return sector <= capacity && bytes / kSectorSize <= capacity - sector;
}

// A request is a 16-byte header, data, and a status byte at the very end; how the driver splits it into
// buffers does not matter (2.7.4.3).
Result<std::uint32_t> VirtioBlock::execute(GuestMemory& memory, const Chain& chain) {
    SegmentCursor readable(chain.readable);
    const std::uint64_t writable_size = SegmentCursor(chain.writable).remaining();
    std::array<std::byte, kHeaderSize> header;
    if (writable_size == 0 || !readable.read(memory, header).ok())
        return Error::Malformed;
    const auto type = load_le<std::uint32_t>(header.data());
    const auto sector = load_le<std::uint64_t>(header.data() + 8);

    const std::uint64_t room = writable_size - 1;
    const auto status =
        static_cast<std::byte>(perform(memory, type, sector, readable, SegmentCursor(chain.writable), room));
    SegmentCursor status_at(chain.writable);
    status_at.skip(room);
    ASHLAR_TRY(status_at.write(memory, {&status, 1}));
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(writable_size, 0xffff'ffff));
}

VirtioBlock::RequestStatus VirtioBlock::perform(GuestMemory& memory, std::uint32_t type, std::uint64_t sector,
                                                SegmentCursor readable, SegmentCursor writable,
                                                std::uint64_t room) {
    switch (type) {
    case kRead: return read(memory, sector, writable, room);
    case kWrite: return write(memory, sector, readable, readable.remaining());
    case kFlushRequest: return backend_->flush().ok() ? RequestStatus::Ok : RequestStatus::IoError;
    case kGetId: return room < kIdSize ? RequestStatus::IoError : identify(memory, writable);
    case kDiscardRequest:
    case kWriteZeroesRequest:
        if (!negotiated(type == kDiscardRequest ? kDiscard : kWriteZeroes))
            return RequestStatus::Unsupported;
        return erase(memory, type, readable, readable.remaining());
    default: return RequestStatus::Unsupported;
    }
}

// Whole sectors go straight between guest memory and the backend; one that straddles buffers goes through a
// copy.
VirtioBlock::RequestStatus VirtioBlock::read(GuestMemory& memory, std::uint64_t sector, SegmentCursor to,
                                             std::uint64_t length) {
    if (length % kSectorSize != 0 || !in_range(sector, length))
        return RequestStatus::IoError;
    std::uint64_t offset = sector * kSectorSize;
    const std::uint64_t end = offset + length;
    while (offset != end) {
        SegmentCursor ahead = to;
        const Segment run = ahead.next(end - offset);
        const std::uint64_t direct = run.length / kSectorSize * kSectorSize;
        if (direct != 0) {
            memory.note_write(run.address, direct);
            const auto view = memory.view(run.address, direct);
            if (!view.ok() || !backend_->read(offset, view.value()).ok())
                return RequestStatus::IoError;
            to.skip(direct);
            offset += direct;
            continue;
        }
        std::array<std::byte, kSectorSize> copy;
        if (!backend_->read(offset, copy).ok() || !to.write(memory, copy).ok())
            return RequestStatus::IoError;
        offset += kSectorSize;
    }
    return RequestStatus::Ok;
}

VirtioBlock::RequestStatus VirtioBlock::write(GuestMemory& memory, std::uint64_t sector, SegmentCursor from,
                                              std::uint64_t length) {
    if (backend_->read_only() || length % kSectorSize != 0 || !in_range(sector, length))
        return RequestStatus::IoError;
    std::uint64_t offset = sector * kSectorSize;
    const std::uint64_t end = offset + length;
    while (offset != end) {
        SegmentCursor ahead = from;
        const Segment run = ahead.next(end - offset);
        const std::uint64_t direct = run.length / kSectorSize * kSectorSize;
        if (direct != 0) {
            const auto view = memory.view(run.address, direct);
            if (!view.ok() || !backend_->write(offset, view.value()).ok())
                return RequestStatus::IoError;
            from.skip(direct);
            offset += direct;
            continue;
        }
        std::array<std::byte, kSectorSize> copy;
        if (!from.read(memory, copy).ok() || !backend_->write(offset, copy).ok())
            return RequestStatus::IoError;
        offset += kSectorSize;
    }
    // Without FLUSH the driver expects writes to be durable when they complete (5.2.6.2).
    if (!negotiated(kFlush) && !backend_->flush().ok())
        return RequestStatus::IoError;
    return RequestStatus::Ok;
}

Status VirtioBlock::write_zeroes(std::uint64_t sector, std::uint32_t sectors) {
    static constexpr std::array<std::byte, 4096> kZeroes{};
    std::uint64_t offset = sector * kSectorSize;
    std::uint64_t left = std::uint64_t{sectors} * kSectorSize;
    while (left != 0) {
        const std::uint64_t part = std::min<std::uint64_t>(left, kZeroes.size());
        ASHLAR_TRY(backend_->write(offset, Bytes(kZeroes).first(part)));
        offset += part;
        left -= part;
    }
    return {};
}

VirtioBlock::RequestStatus VirtioBlock::erase(GuestMemory& memory, std::uint32_t type, SegmentCursor ranges,
                                              std::uint64_t length) {
    if (backend_->read_only() || length == 0 || length % kRangeSize != 0 ||
        length / kRangeSize > kMaxEraseRanges)
        return RequestStatus::IoError;
    for (std::uint64_t at = 0; at != length; at += kRangeSize) {
        std::array<std::byte, kRangeSize> raw;
        if (!ranges.read(memory, raw).ok())
            return RequestStatus::IoError;
        const auto sector = load_le<std::uint64_t>(raw.data());
        const auto sectors = load_le<std::uint32_t>(raw.data() + 8);
        const auto flags = load_le<std::uint32_t>(raw.data() + 12);
        if ((flags & ~(type == kWriteZeroesRequest ? kUnmapFlag : 0)) != 0)
            return RequestStatus::Unsupported;
        if (sectors > kMaxEraseSectors || !in_range(sector, std::uint64_t{sectors} * kSectorSize))
            return RequestStatus::IoError;
        if (type == kWriteZeroesRequest) {
            if (!write_zeroes(sector, sectors).ok())
                return RequestStatus::IoError;
            continue;
        }
        const Status status = backend_->discard(sector * kSectorSize, std::uint64_t{sectors} * kSectorSize);
        if (!status.ok() && status.error() != Error::Unsupported) // a hint: the backend need not follow it
            return RequestStatus::IoError;
    }
    return RequestStatus::Ok;
}

VirtioBlock::RequestStatus VirtioBlock::identify(GuestMemory& memory, SegmentCursor to) {
    std::array<char, kIdSize> id{};
    const std::string_view serial = backend_->serial();
    std::copy_n(serial.data(), std::min(serial.size(), id.size()), id.data());
    return to.write(memory, std::as_bytes(std::span(id))).ok() ? RequestStatus::Ok : RequestStatus::IoError;
}

} // namespace ashlar::jit::board
