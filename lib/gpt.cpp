#include "lib/gpt.h"

#include <algorithm>
#include <bit>

#include "lib/crc32.h"

namespace ashlar::gpt {
namespace {

constexpr std::uint64_t kSignature = 0x5452'4150'2049'4645; // "EFI PART"
constexpr std::uint32_t kRevision1 = 0x0001'0000;

// Offsets in the header (table 5-5) and in an entry (table 5-6).
constexpr std::size_t kRevisionField = 8, kHeaderSizeField = 12, kHeaderCrcField = 16, kMyLbaField = 24,
                      kFirstUsableField = 40, kLastUsableField = 48, kEntriesLbaField = 72,
                      kEntryCountField = 80, kEntrySizeField = 84, kEntriesCrcField = 88, kHeaderEnd = 92;
constexpr std::size_t kTypeField = 0, kUniqueField = 16, kFirstField = 32, kLastField = 40,
                      kSmallestEntry = 128;

constexpr std::uint32_t kLargestBlock = 65536;
constexpr std::size_t kMostEntryBytes = kMemory - kLargestBlock;

Guid guid_at(const std::byte* from) {
    Guid guid;
    std::memcpy(guid.bytes.data(), from, guid.bytes.size());
    return guid;
}

} // namespace

struct Table::Header {
    std::uint64_t first_usable, last_usable, entries;
    std::uint32_t count, entry_size, entries_crc;
    std::uint64_t entry_bytes() const { return std::uint64_t{count} * entry_size; }
};

Result<Table::Header> Table::read_header(BlockReader& reader, std::uint32_t block_size, std::uint64_t blocks,
                                         std::uint64_t at, MutableBytes memory) {
    const MutableBytes block = memory.first(block_size);
    ASHLAR_TRY(reader.read(at, block));
    if (load_le<std::uint64_t>(block.data()) != kSignature)
        return Error::NotFound;
    const auto field32 = [&](std::size_t offset) { return load_le<std::uint32_t>(block.data() + offset); };
    const auto field64 = [&](std::size_t offset) { return load_le<std::uint64_t>(block.data() + offset); };
    const std::uint32_t size = field32(kHeaderSizeField), crc = field32(kHeaderCrcField);
    if (field32(kRevisionField) != kRevision1 || size < kHeaderEnd || size > block_size)
        return Error::Malformed;
    store_le(block.data() + kHeaderCrcField, std::uint32_t{0}); // as it was when it was summed up
    if (crc32(block.first(size)) != crc || field64(kMyLbaField) != at)
        return Error::Malformed;

    const Header header{field64(kFirstUsableField), field64(kLastUsableField), field64(kEntriesLbaField),
                        field32(kEntryCountField),  field32(kEntrySizeField),  field32(kEntriesCrcField)};
    // Entries take 128 * 2^n bytes; those that fit one after the other into our memory.
    if (header.count == 0 || header.entry_size < kSmallestEntry || !std::has_single_bit(header.entry_size) ||
        header.entry_bytes() > kMostEntryBytes)
        return Error::Malformed;
    const std::uint64_t array = (header.entry_bytes() + block_size - 1) / block_size;
    if (header.first_usable < 2 || header.first_usable > header.last_usable ||
        header.last_usable >= blocks - 1 || header.entries < 2 || header.entries >= blocks ||
        array > blocks - header.entries)
        return Error::Malformed;
    // The tables are no partition's.
    const bool before = header.entries + array <= header.first_usable;
    const bool behind = header.entries > header.last_usable;
    if (!(before || behind) || (at >= header.first_usable && at <= header.last_usable))
        return Error::Malformed;
    return header;
}

// No used entry reaches out of the usable blocks or into another, or has the GUID of another.
Status Table::check_entries(const Header& header) const {
    for (std::size_t i = 0; i < count_; ++i) {
        const std::byte* const entry = entries_.data() + i * entry_size_;
        if (guid_at(entry + kTypeField).is_zero())
            continue;
        const auto first = load_le<std::uint64_t>(entry + kFirstField);
        const auto last = load_le<std::uint64_t>(entry + kLastField);
        if (first < header.first_usable || last > header.last_usable || first > last)
            return Error::Malformed;
        for (std::size_t j = 0; j < i; ++j) {
            const Result<Partition> other = at(j);
            if (other.ok() &&
                ((first < other.value().first + other.value().blocks && other.value().first <= last) ||
                 other.value().unique == guid_at(entry + kUniqueField)))
                return Error::Malformed;
        }
    }
    return {};
}

Result<Table> Table::read_at(BlockReader& reader, std::uint32_t block_size, std::uint64_t blocks,
                             std::uint64_t at, MutableBytes memory) {
    const Header header = ASHLAR_TRY(read_header(reader, block_size, blocks, at, memory));
    const std::uint64_t rounded = (header.entry_bytes() + block_size - 1) / block_size * block_size;
    const MutableBytes array = memory.first(rounded);
    ASHLAR_TRY(reader.read(header.entries, array));
    Table table;
    table.entries_ = array.first(header.entry_bytes());
    table.count_ = header.count;
    table.entry_size_ = header.entry_size;
    if (crc32(table.entries_) != header.entries_crc)
        return Error::Malformed;
    ASHLAR_TRY(table.check_entries(header));
    return table;
}

Result<Table> Table::read(BlockReader& reader, std::uint32_t block_size, std::uint64_t blocks,
                          MutableBytes memory) {
    ASHLAR_ASSERT(memory.size() >= kMemory && block_size >= 512 && block_size <= kLargestBlock);
    if (blocks < 4) // not even the headers and a partition
        return Error::NotFound;
    Result<Table> primary = read_at(reader, block_size, blocks, 1, memory);
    if (primary.ok())
        return primary;
    Result<Table> backup = read_at(reader, block_size, blocks, blocks - 1, memory);
    if (!backup.ok())
        return primary.error() == Error::NotFound ? backup.error() : primary.error();
    Table table = std::move(backup).value();
    table.is_backup_ = true;
    return table;
}

Result<Partition> Table::at(std::size_t index) const {
    if (index >= count_)
        return Error::NotFound;
    const std::byte* const entry = entries_.data() + index * entry_size_;
    const Guid type = guid_at(entry + kTypeField);
    if (type.is_zero())
        return Error::NotFound;
    const auto first = load_le<std::uint64_t>(entry + kFirstField);
    return Partition{type, guid_at(entry + kUniqueField), first,
                     load_le<std::uint64_t>(entry + kLastField) - first + 1};
}

Result<Partition> Table::find(const Guid& unique) const {
    for (std::size_t i = 0; i < count_; ++i)
        if (Result<Partition> partition = at(i); partition.ok() && partition.value().unique == unique)
            return partition;
    return Error::NotFound;
}

} // namespace ashlar::gpt
