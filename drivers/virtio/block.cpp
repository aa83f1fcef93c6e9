#include "drivers/virtio/block.h"

#include <algorithm>
#include <bit>

namespace ashlar::virtio {
namespace {

using namespace block;

constexpr std::uint64_t kWanted = kSizeMax | kSegmentMax | kReadOnly | kBlockSize | kFlush | kTopology |
                                  kMultiQueue | kDiscard | kWriteZeroes | feature::kIndirect |
                                  feature::kEventIndex | feature::kVersion1 | feature::kAccessPlatform |
                                  feature::kPacked;
constexpr std::uint8_t kNoStatus = 0xee;
constexpr std::uint32_t kLargestBlock = 65536;
// What a request needs of memory beside its data.
constexpr std::size_t kSlotSize = 64, kRangeAt = 16, kIdentityAt = 32, kStatusAt = 63;

Type type_of(DiskRequest::Kind kind) {
    switch (kind) {
    case DiskRequest::Kind::Read: return kRead;
    case DiskRequest::Kind::Write: return kWrite;
    case DiskRequest::Kind::Flush: return kFlushRequest;
    case DiskRequest::Kind::Discard: return kDiscardRequest;
    case DiskRequest::Kind::WriteZeroes: return kWriteZeroesRequest;
    case DiskRequest::Kind::Identify: break;
    }
    return kGetId;
}

Status to_status(std::uint8_t status) {
    switch (status) {
    case kOk: return {};
    case kIoError: return Error::Io;
    case kUnsupportedRequest: return Error::Unsupported;
    default: return Error::Malformed;
    }
}

} // namespace

BlockDevice::~BlockDevice() {
    static_cast<void>(reset());
    for (QueueState& state : queues_)
        for (const DmaBlock* const block : {&state.rings, &state.slots})
            if (quiet_ && block->size != 0)
                platform_.free(*block);
}

// ------------------------------------------------------------------------------------------ from reset to
// work

Status BlockDevice::reset() {
    works_ = false;
    ASHLAR_TRY(virtio::reset(transport_, platform_));
    quiet_ = true;
    return {};
}

Status BlockDevice::negotiate() {
    transport_.write_status(status::kAcknowledge);
    transport_.write_status(status::kAcknowledge | status::kDriver);
    features_ = transport_.offered_features() & kWanted & ~options_.without_features;
    if (!has(feature::kVersion1))
        return Error::Unsupported;
    transport_.accept_features(features_);
    constexpr std::uint8_t agreed = status::kAcknowledge | status::kDriver | status::kFeaturesOk;
    transport_.write_status(agreed);
    return (transport_.read_status() & status::kFeaturesOk) != 0 ? Status() : Status(Error::Io);
}

Status BlockDevice::read_properties() {
    const auto field = [this]<class T>(std::size_t offset, T& to) -> Status {
        std::array<std::byte, sizeof(T)> raw;
        ASHLAR_TRY(transport_.read_configuration(offset, raw));
        to = load_le<T>(raw.data());
        return {};
    };
    std::uint64_t sectors = 0;
    std::uint32_t block = kSector, size_max = 0, segment_max = 0, optimal = 0, discard = 0, zeroes = 0;
    std::uint16_t minimum = 1;
    std::uint8_t exponent = 0;
    ASHLAR_TRY(field(kCapacityField, sectors));
    if (has(kSizeMax))
        ASHLAR_TRY(field(kSizeMaxField, size_max));
    if (has(kSegmentMax))
        ASHLAR_TRY(field(kSegmentMaxField, segment_max));
    if (has(kBlockSize))
        ASHLAR_TRY(field(kBlockSizeField, block));
    if (has(kTopology)) {
        ASHLAR_TRY(field(kPhysicalExponentField, exponent));
        ASHLAR_TRY(field(kMinimumIoField, minimum));
        ASHLAR_TRY(field(kOptimalIoField, optimal));
    }
    if (has(kDiscard))
        ASHLAR_TRY(field(kDiscardSectorsField, discard));
    if (has(kWriteZeroes))
        ASHLAR_TRY(field(kZeroSectorsField, zeroes));
    if (block < kSector || block > kLargestBlock || !std::has_single_bit(block))
        return Error::Unsupported;

    DiskProperties& disk = properties_;
    disk = {};
    disk.block_size = block;
    disk.capacity = std::min(sectors, ~std::uint64_t{0} / kSector) * kSector / block * block;
    disk.physical_block = exponent < 16 ? block << exponent : block;
    disk.minimum_io = block * std::max<std::uint32_t>(minimum, 1);
    disk.optimal_io = optimal <= ~std::uint32_t{0} / block ? block * optimal : 0;
    disk.read_only = has(kReadOnly);
    disk.can_flush = has(kFlush);
    disk.largest_discard = discard * kSector / block * block;
    disk.largest_write_zeroes = zeroes * kSector / block * block;
    disk.can_discard = disk.largest_discard != 0;
    disk.can_write_zeroes = disk.largest_write_zeroes != 0;
    disk.largest_piece = has(kSizeMax) && size_max != 0 ? size_max : std::size_t{1} << 30;
    disk.most_pieces = Queue::kMaxPieces - 2; // header and status
    if (has(kSegmentMax) && segment_max != 0)
        disk.most_pieces = std::min<std::size_t>(disk.most_pieces, segment_max);
    return {};
}

// Memory is kept from one start to the next, as long as it suffices. The device is quiet.
Status BlockDevice::provide(DmaBlock& block, std::size_t bytes) {
    if (block.size >= bytes)
        return {};
    if (block.size != 0)
        platform_.free(block);
    block = {};
    block = ASHLAR_TRY(platform_.allocate(bytes));
    return {};
}

Status BlockDevice::start_queues() {
    std::uint16_t wanted = 1;
    if (has(kMultiQueue)) {
        std::array<std::byte, 2> raw;
        ASHLAR_TRY(transport_.read_configuration(kQueuesField, raw));
        wanted = load_le<std::uint16_t>(raw.data());
    }
    wanted = std::min({wanted, kMaxQueues, options_.most_queues});
    std::uint16_t size = std::min(options_.largest_queue, Queue::kMaxSize);
    for (std::uint16_t i = 0; i < wanted; ++i)
        size = std::min(size, transport_.largest_queue(i));
    size = std::bit_floor(size);
    // Without indirect descriptors a request needs three.
    if (wanted == 0 || size == 0 || (!has(feature::kIndirect) && size < 4))
        return Error::Unsupported;
    if (!has(feature::kIndirect))
        properties_.most_pieces = std::min<std::size_t>(properties_.most_pieces, size - 2u);

    const bool packed = has(feature::kPacked);
    const std::size_t bytes = packed ? PackedQueue::memory_size(size) : SplitQueue::memory_size(size);
    for (std::uint16_t i = 0; i < wanted; ++i) {
        QueueState& state = queues_[i];
        ASHLAR_TRY(provide(state.rings, bytes));
        ASHLAR_TRY(provide(state.slots, kSlotSize * size));
        std::memset(state.rings.at, 0, bytes);
        state.queue = packed ? static_cast<Queue*>(&state.packed.emplace(size, state.rings, features_))
                             : &state.split.emplace(size, state.rings, features_);
        state.in_flight = {};
        for (state.free_count = 0; state.free_count != size; ++state.free_count)
            state.free_tags[state.free_count] = static_cast<std::uint16_t>(size - 1 - state.free_count);
        quiet_ = false;
        QueueAddresses addresses = state.queue->addresses();
        addresses.vector = options_.vector;
        ASHLAR_TRY(transport_.enable_queue(i, addresses));
    }
    queue_count_ = wanted;
    queue_size_ = size;
    return {};
}

Status BlockDevice::bring_up() {
    ASHLAR_TRY(reset());
    const auto start = [this]() -> Status {
        ASHLAR_TRY(negotiate());
        ASHLAR_TRY(read_properties());
        return start_queues();
    };
    if (const Status started = start(); !started.ok()) {
        queue_count_ = 0;
        transport_.write_status(status::kFailed);
        return started;
    }
    transport_.write_status(status::kAcknowledge | status::kDriver | status::kFeaturesOk | status::kDriverOk);
    works_ = true;
    return {};
}

Status BlockDevice::initialize(const BlockOptions& options) {
    ASHLAR_ASSERT(queue_count_ == 0);
    if (transport_.device_id() != DeviceId::Block)
        return Error::Unsupported;
    options_ = options;
    return bring_up();
}

// ------------------------------------------------------------------------------------------ requests

std::byte* BlockDevice::slot(const QueueState& state, std::uint16_t tag) const {
    return state.slots.at + kSlotSize * tag;
}

bool BlockDevice::idle() const {
    return std::all_of(queues_.begin(), queues_.begin() + queue_count_,
                       [](const QueueState& state) { return state.queue->in_flight() == 0; });
}

Status BlockDevice::check(const DiskRequest& request) const {
    using Kind = DiskRequest::Kind;
    const DiskProperties& disk = properties_;
    if (request.kind == Kind::Identify)
        return {};
    if (request.kind == Kind::Flush)
        return disk.can_flush ? Status() : Status(Error::Unsupported);
    if (request.kind != Kind::Read && disk.read_only)
        return Error::Denied;
    if (request.offset % disk.block_size != 0 || request.length % disk.block_size != 0)
        return Error::Misaligned;
    if (request.length == 0 || request.offset > disk.capacity ||
        request.length > disk.capacity - request.offset)
        return Error::OutOfRange;
    if (request.kind == Kind::Discard || request.kind == Kind::WriteZeroes) {
        const bool discard = request.kind == Kind::Discard;
        if (!(discard ? disk.can_discard : disk.can_write_zeroes))
            return Error::Unsupported;
        return request.length <= (discard ? disk.largest_discard : disk.largest_write_zeroes)
                   ? Status()
                   : Status(Error::InvalidArgument);
    }
    std::uint64_t total = 0;
    for (const DiskPiece& piece : request.data) {
        if (piece.length == 0 || piece.length > disk.largest_piece)
            return Error::InvalidArgument;
        total += piece.length;
    }
    return request.data.size() <= disk.most_pieces && total == request.length
               ? Status()
               : Status(Error::InvalidArgument);
}

Result<std::uint32_t> BlockDevice::start(unsigned queue, const DiskRequest& request) {
    using Kind = DiskRequest::Kind;
    ASHLAR_ASSERT(queue < queue_count_ || !works_);
    if (!works_)
        return Error::Io;
    ASHLAR_TRY(check(request));
    QueueState& state = queues_[queue];
    if (state.free_count == 0)
        return Error::Busy;
    const std::uint16_t tag = state.free_tags[state.free_count - 1];
    std::byte* const at = slot(state, tag);
    const std::uint64_t address = state.slots.address + kSlotSize * tag;
    store_le(at, static_cast<std::uint32_t>(type_of(request.kind)));
    store_le(at + 4, std::uint32_t{0});
    const bool transfer = request.kind == Kind::Read || request.kind == Kind::Write;
    store_le(at + 8, transfer ? request.offset / kSector : 0);
    at[kStatusAt] = std::byte{kNoStatus};

    std::array<Piece, Queue::kMaxPieces> pieces;
    std::size_t count = 0;
    pieces[count++] = {address, kRequestHeader, false};
    if (transfer) {
        for (const DiskPiece& piece : request.data)
            pieces[count++] = {piece.address, piece.length, request.kind == Kind::Read};
    } else if (request.kind == Kind::Identify) {
        pieces[count++] = {address + kIdentityAt, block::kIdentityLength, true};
    } else if (request.kind != Kind::Flush) {
        store_le(at + kRangeAt, request.offset / kSector);
        store_le(at + kRangeAt + 8, static_cast<std::uint32_t>(request.length / kSector));
        store_le(at + kRangeAt + 12, request.kind == Kind::WriteZeroes && request.may_unmap ? kUnmap : 0u);
        pieces[count++] = {address + kRangeAt, kRangeSize, false};
    }
    pieces[count++] = {address + kStatusAt, 1, true};
    ASHLAR_TRY(state.queue->add(std::span<const Piece>(pieces).first(count), tag));
    --state.free_count;
    state.in_flight[tag] = true;
    return queue * Queue::kMaxSize + tag;
}

void BlockDevice::submit(unsigned queue) {
    if (works_ && queues_[queue].queue->notification_wanted())
        transport_.notify(static_cast<std::uint16_t>(queue));
}

Status BlockDevice::poll(unsigned queue, DiskCompletions& completions) {
    if (!works_)
        return Error::Io;
    QueueState& state = queues_[queue];
    for (;;) {
        const Result<std::optional<Used>> used = state.queue->take();
        if (!used.ok()) {
            works_ = false;
            return used.error();
        }
        if (!used.value())
            return {};
        const std::uint16_t tag = used.value()->tag;
        const Status status = to_status(load_shared<std::uint8_t>(slot(state, tag) + kStatusAt));
        state.in_flight[tag] = false;
        state.free_tags[state.free_count++] = tag;
        completions.completed(queue * Queue::kMaxSize + tag, status);
    }
}

Status BlockDevice::recover(DiskCompletions& completions) {
    const unsigned queues = queue_count_;
    const Status quiet = reset();
    for (unsigned queue = 0; queue < queues; ++queue)
        for (std::uint16_t tag = 0; tag < queue_size_; ++tag)
            if (queues_[queue].in_flight[tag]) {
                queues_[queue].in_flight[tag] = false;
                completions.completed(queue * Queue::kMaxSize + tag, Error::Io);
            }
    ASHLAR_TRY(quiet);
    return bring_up();
}

// Devices say so when they give up (2.1.2).
bool BlockDevice::out_of_order() {
    if (works_ && (transport_.read_status() & status::kNeedsReset) != 0)
        works_ = false;
    return !works_;
}

Status BlockDevice::perform_one(const DiskRequest& request) {
    struct Waiter final : DiskCompletions {
        void completed(std::uint32_t token, Status result) override {
            if (token == wanted)
                status = result;
        }
        std::uint32_t wanted = 0;
        std::optional<Status> status;
    } waiter;
    ASHLAR_ASSERT(!works_ || idle());
    waiter.wanted = ASHLAR_TRY(start(0, request));
    submit(0);
    const std::uint64_t begin = platform_.now_ns();
    std::uint64_t look_at_status = begin + kResetPatienceNs / 1000;
    while (!waiter.status) {
        ASHLAR_TRY(poll(0, waiter));
        if (waiter.status)
            break;
        const std::uint64_t now = platform_.now_ns();
        if (now >= look_at_status) {
            look_at_status = now + kResetPatienceNs / 1000;
            if (out_of_order() || now - begin >= kPatienceNs) {
                works_ = false;
                return Error::Io;
            }
        }
        platform_.pause();
    }
    return *waiter.status;
}

Status BlockDevice::perform(const DiskRequest& request) {
    using Kind = DiskRequest::Kind;
    if (request.kind != Kind::Discard && request.kind != Kind::WriteZeroes)
        return perform_one(request);
    const std::uint64_t largest =
        request.kind == Kind::Discard ? properties_.largest_discard : properties_.largest_write_zeroes;
    if (largest == 0)
        return properties_.read_only ? Error::Denied : Error::Unsupported;
    if (request.offset > properties_.capacity || request.length > properties_.capacity - request.offset)
        return Error::OutOfRange;
    DiskRequest part = request;
    const std::uint64_t end = request.offset + request.length;
    do {
        part.length = std::min(largest, end - part.offset);
        ASHLAR_TRY(perform_one(part));
        part.offset += part.length;
    } while (part.offset != end);
    return {};
}

Result<BlockDevice::Identity> BlockDevice::identify() {
    // No other request may use the same slot meanwhile: the tag that start() takes next.
    if (!works_ || queues_[0].free_count == 0)
        return works_ ? Error::Busy : Error::Io;
    const QueueState& state = queues_[0];
    const std::byte* const at = slot(state, state.free_tags[state.free_count - 1]) + kIdentityAt;
    ASHLAR_TRY(perform({DiskRequest::Kind::Identify}));
    Identity identity;
    std::memcpy(identity.data(), at, identity.size());
    return identity;
}

} // namespace ashlar::virtio
