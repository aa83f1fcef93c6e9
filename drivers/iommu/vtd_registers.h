// Registers of a VT-d unit (specification 4.1, chapter 11), and the entries of its tables (chapter 9).
#pragma once

#include <cstdint>

namespace ashlar::iommu::vtd {

enum Register : std::uint32_t {
    kVersion = 0x00,
    kCapability = 0x08,
    kExtendedCapability = 0x10,
    kGlobalCommand = 0x18,
    kGlobalStatus = 0x1c,
    kRootTable = 0x20,
    kContextCommand = 0x28,
    kFaultStatus = 0x34,
    kFaultControl = 0x38,
    kProtectedMemory = 0x64,
    kQueueHead = 0x80,
    kQueueTail = 0x88,
    kQueueAddress = 0x90,
    kInterruptTable = 0xb8,
};

// Of the global command and status registers.
namespace global {
constexpr std::uint32_t kTranslation = 1u << 31, kSetRoot = 1u << 30, kFlushWriteBuffer = 1u << 27,
                        kQueue = 1u << 26, kInterrupts = 1u << 25, kSetInterruptTable = 1u << 24,
                        kCompatibleInterrupts = 1u << 23;
// What is a state, not something done once.
constexpr std::uint32_t kStates = kTranslation | kQueue | kInterrupts | kCompatibleInterrupts | 1u << 28;
} // namespace global

namespace capability {
constexpr std::uint64_t domain_bits(std::uint64_t c) {
    return 4 + 2 * (c & 7);
}
constexpr bool needs_buffer_flush(std::uint64_t c) {
    return (c >> 4 & 1) != 0;
}
// Entries that are not present are cached, too.
constexpr bool caches_absent(std::uint64_t c) {
    return (c >> 7 & 1) != 0;
}
constexpr bool has_levels(std::uint64_t c, unsigned levels) {
    return (c >> (8 + levels - 2) & 1) != 0;
}
constexpr std::uint32_t fault_offset(std::uint64_t c) {
    return static_cast<std::uint32_t>(c >> 24 & 0x3ff) * 16;
}
constexpr unsigned fault_count(std::uint64_t c) {
    return static_cast<unsigned>(c >> 40 & 0xff) + 1;
}
constexpr unsigned largest_level(std::uint64_t c) {
    return (c >> 34 & 1) == 0 ? 1 : (c >> 35 & 1) == 0 ? 2 : 3;
}
constexpr std::uint64_t kDrainsWrites = std::uint64_t{1} << 54, kDrainsReads = std::uint64_t{1} << 55;
} // namespace capability

namespace extended {
constexpr std::uint64_t kCoherent = 1 << 0, kQueue = 1 << 1, kInterrupts = 1 << 3, kSnoop = 1 << 7;
constexpr std::uint32_t iotlb_offset(std::uint64_t e) {
    return static_cast<std::uint32_t>(e >> 8 & 0x3ff) * 16;
}
} // namespace extended

// Commands of the two invalidation registers, in their upper halves.
constexpr std::uint32_t kInvalidate = 1u << 31;
constexpr std::uint32_t kContextGlobal = 1u << 29, kContextDevice = 3u << 29;
constexpr std::uint32_t kIotlbGlobal = 1u << 28, kIotlbDomain = 2u << 28, kIotlbDrain = 3u << 16;

namespace fault {
constexpr std::uint32_t kOverflow = 1, kPending = 2, kQueueErrors = 7u << 4;
constexpr std::uint32_t kRecorded = 1u << 31, kRead = 1u << 30;
constexpr std::uint8_t kFirstInterruptReason = 0x20;
} // namespace fault

// Descriptors of the invalidation queue (section 6.5.2), their lower halves.
namespace descriptor {
constexpr std::uint64_t kContext = 1, kIotlb = 2, kInterruptEntries = 4, kWait = 5;
constexpr std::uint64_t kGlobal = 1 << 4, kDomain = 2 << 4, kDevice = 3 << 4;
constexpr std::uint64_t kDrain = 3 << 6;
constexpr std::uint64_t kStoreStatus = 1 << 5, kFence = 1 << 6;
} // namespace descriptor

constexpr std::uint64_t kPresent = 1;

} // namespace ashlar::iommu::vtd
