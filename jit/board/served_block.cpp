#include "jit/board/served_block.h"

namespace ashlar::jit::board {

using namespace virtio::block;

ServedBlock::ServedBlock(BlockBackend& disk, QueueServer& server) : server_(&server) {
    const QueueServer::Limits limits = server.limits();
    const BlockGeometry geometry = disk.geometry();
    const bool writable = !disk.read_only();
    features_ = kSegmentMax | kBlockSize | kTopology | (limits.flushes ? kFlush : 0) |
                (disk.read_only() ? kReadOnly : 0) |
                (writable && limits.discard_sectors != 0 ? kDiscard : 0) |
                (writable && limits.zeroes_sectors != 0 ? kWriteZeroes : 0);
    std::byte* const field = configuration_.data();
    store_le(field + kCapacityField, disk.capacity() / kSector);
    store_le(field + kSegmentMaxField, limits.segments);
    store_le(field + kBlockSizeField, geometry.block_size);
    store_le(field + kPhysicalExponentField, geometry.physical_block_exponent);
    store_le(field + kMinimumIoField, geometry.minimum_io_blocks);
    store_le(field + kOptimalIoField, geometry.optimal_io_blocks);
    store_le(field + kQueuesField, std::uint16_t{1});
    store_le(field + kDiscardSectorsField, limits.discard_sectors);
    store_le(field + kDiscardSegmentsField, std::uint32_t{1});
    store_le(field + kDiscardAlignmentField, static_cast<std::uint32_t>(geometry.block_size / kSector));
    store_le(field + kZeroSectorsField, limits.zeroes_sectors);
    store_le(field + kZeroSegmentsField, std::uint32_t{1});
}

} // namespace ashlar::jit::board
