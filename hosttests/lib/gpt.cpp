#include "lib/gpt.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "lib/crc32.h"

namespace ashlar::gpt {
namespace {

const Guid kType = *Guid::parse("0fc63daf-8483-4772-8e79-3d69d8477de4");

Guid unique(unsigned number) {
    Guid guid;
    guid.bytes[0] = static_cast<std::byte>(number);
    guid.bytes[15] = std::byte{0x77};
    return guid;
}

// A disk with a table at both ends, which a test spoils.
class SmallDisk final : public BlockReader {
public:
    explicit SmallDisk(std::uint32_t block = 512, std::uint64_t disk_blocks = 200)
        : block_size(block), blocks(disk_blocks), content(block * disk_blocks) {}

    struct Entry {
        std::uint64_t first, last;
        unsigned number;
    };
    // Writes both tables, after `change` has had its will with the header and the entries.
    SmallDisk& table(const std::vector<Entry>& entries) {
        const std::uint32_t array = (count * entry_size + block_size - 1) / block_size;
        std::vector<std::byte> bytes(std::size_t{count} * entry_size);
        for (std::size_t i = 0; i < entries.size(); ++i) {
            std::byte* const entry = bytes.data() + i * entry_size;
            std::memcpy(entry, kType.bytes.data(), 16);
            std::memcpy(entry + 16, unique(entries[i].number).bytes.data(), 16);
            store_le(entry + 32, entries[i].first);
            store_le(entry + 40, entries[i].last);
        }
        first_usable = 2 + array;
        last_usable = blocks - 2 - array;
        write_table(1, 2, bytes);
        write_table(blocks - 1, blocks - 1 - array, bytes);
        return *this;
    }
    void write_table(std::uint64_t at, std::uint64_t array_at, const std::vector<std::byte>& bytes) {
        if ((array_at + 1) * block_size <= content.size())
            std::copy(bytes.begin(), bytes.end(),
                      content.begin() + static_cast<std::ptrdiff_t>(array_at * block_size));
        std::byte* const header = content.data() + at * block_size;
        std::memcpy(header, "EFI PART", 8);
        store_le(header + 8, std::uint32_t{0x10000});
        store_le(header + 12, std::uint32_t{92});
        store_le(header + 24, at);
        store_le(header + 32, blocks - at);
        store_le(header + 40, first_usable);
        store_le(header + 48, last_usable);
        store_le(header + 72, array_at);
        store_le(header + 80, count);
        store_le(header + 84, entry_size);
        store_le(header + 88, crc32(bytes));
        if (change)
            change(header);
        seal(at);
    }
    // The header's checksum is right again.
    void seal(std::uint64_t at) {
        std::byte* const header = content.data() + at * block_size;
        const std::uint32_t size = std::min(load_le<std::uint32_t>(header + 12), block_size);
        store_le(header + 16, std::uint32_t{0});
        store_le(header + 16, crc32({header, size}));
    }
    std::byte* byte(std::uint64_t block, std::size_t offset) {
        return content.data() + block * block_size + offset;
    }

    Status read(std::uint64_t first_block, MutableBytes to) override {
        EXPECT_EQ(to.size() % block_size, 0u);
        EXPECT_LE(first_block, blocks);
        EXPECT_LE(to.size() / block_size, blocks - first_block);
        if (first_block == fails_at)
            return Error::Io;
        std::memcpy(to.data(), content.data() + first_block * block_size, to.size());
        return {};
    }
    Result<Table> open() { return Table::read(*this, block_size, blocks, memory); }
    Error error() {
        const Result<Table> table = open();
        EXPECT_FALSE(table.ok());
        return table.ok() ? Error::Busy : table.error();
    }

    std::uint32_t block_size;
    std::uint64_t blocks;
    std::vector<std::byte> content, memory = std::vector<std::byte>(kMemory);
    std::uint32_t count = 128, entry_size = 128;
    std::uint64_t first_usable = 0, last_usable = 0, fails_at = ~std::uint64_t{0};
    std::function<void(std::byte* header)> change;
};

TEST(Gpt, FindsPartitionsByTheirGuid) {
    for (const std::uint32_t block : {512u, 4096u}) {
        SmallDisk disk(block);
        const Result<Table> table = disk.table({{40, 49, 1}, {60, 60, 2}, {100, 160, 3}}).open();
        ASSERT_TRUE(table.ok());
        EXPECT_FALSE(table.value().is_backup());
        EXPECT_EQ(table.value().size(), 128u);
        const Result<Partition> found = table.value().find(unique(3));
        ASSERT_TRUE(found.ok());
        EXPECT_EQ(found.value().type, kType);
        EXPECT_EQ(found.value().first, 100u);
        EXPECT_EQ(found.value().blocks, 61u);
        EXPECT_EQ(table.value().find(unique(2)).value().blocks, 1u);
        EXPECT_EQ(table.value().find(unique(4)).error(), Error::NotFound);
        EXPECT_EQ(table.value().at(0).value().unique, unique(1));
        EXPECT_EQ(table.value().at(3).error(), Error::NotFound);
        EXPECT_EQ(table.value().at(128).error(), Error::NotFound);
        EXPECT_EQ(table.value().find(Guid{}).error(), Error::NotFound);
    }
}

TEST(Gpt, AnEmptyDiskHasNone) {
    EXPECT_EQ(SmallDisk().error(), Error::NotFound);
    SmallDisk tiny(512, 3);
    EXPECT_EQ(tiny.error(), Error::NotFound);
}

TEST(Gpt, TheBackupServesWhenTheFirstIsSpoilt) {
    for (const std::size_t offset : {0u, 8u, 12u, 16u, 24u, 40u, 72u, 88u}) {
        SmallDisk disk;
        disk.table({{40, 49, 1}});
        *disk.byte(1, offset) ^= std::byte{0x55};
        const Result<Table> table = disk.open();
        ASSERT_TRUE(table.ok()) << offset;
        EXPECT_TRUE(table.value().is_backup());
        EXPECT_EQ(table.value().find(unique(1)).value().first, 40u);
    }
    SmallDisk disk;
    disk.table({{40, 49, 1}});
    *disk.byte(2, 33) ^= std::byte{1}; // of an entry: its checksum no longer fits
    EXPECT_TRUE(disk.open().value().is_backup());
    disk.table({{40, 49, 1}}).fails_at = 1;
    EXPECT_TRUE(disk.open().value().is_backup());
}

TEST(Gpt, WithoutAGoodTableThereIsAnError) {
    SmallDisk disk;
    disk.table({{40, 49, 1}});
    *disk.byte(1, 16) ^= std::byte{1};
    *disk.byte(199, 16) ^= std::byte{1};
    EXPECT_EQ(disk.error(), Error::Malformed);
    *disk.byte(1, 0) = std::byte{0}; // no signature: there is the other's error
    EXPECT_EQ(disk.error(), Error::Malformed);
    *disk.byte(199, 0) = std::byte{0};
    EXPECT_EQ(disk.error(), Error::NotFound);
    disk.fails_at = 1;
    EXPECT_EQ(disk.error(), Error::Io);
}

TEST(Gpt, HeadersThatMakeNoSenseAreRefused) {
    struct Lie {
        std::size_t offset, width;
        std::uint64_t value;
    };
    constexpr std::uint64_t kFar = ~std::uint64_t{0};
    for (const Lie lie : {Lie{8, 4, 0x20000},      Lie{12, 4, 91},  Lie{12, 4, 513},  Lie{24, 8, 2},
                          Lie{40, 8, 1},           Lie{40, 8, 180}, Lie{48, 8, 200},  Lie{48, 8, kFar},
                          Lie{48, 8, 199},         Lie{72, 8, 0},   Lie{72, 8, 1},    Lie{72, 8, 60},
                          Lie{72, 8, 190},         Lie{72, 8, 200}, Lie{72, 8, kFar}, Lie{80, 4, 0},
                          Lie{80, 4, 0xffff'ffff}, Lie{84, 4, 0},   Lie{84, 4, 64},   Lie{84, 4, 192},
                          Lie{84, 4, 0x8000'0000}}) {
        SmallDisk disk;
        disk.change = [&](std::byte* header) {
            if (lie.width == 4)
                store_le(header + lie.offset, static_cast<std::uint32_t>(lie.value));
            else
                store_le(header + lie.offset, lie.value);
        };
        EXPECT_EQ(disk.table({{40, 49, 1}}).error(), Error::Malformed) << lie.offset << ' ' << lie.value;
    }
}

TEST(Gpt, EntriesThatMakeNoSenseSpoilTheTable) {
    using Entries = std::vector<SmallDisk::Entry>;
    constexpr std::uint64_t kFar = ~std::uint64_t{0};
    for (const Entries& entries :
         {Entries{{50, 49, 1}}, Entries{{33, 49, 1}}, Entries{{40, 167, 1}}, Entries{{40, kFar, 1}},
          Entries{{kFar, kFar, 1}}, Entries{{40, 49, 1}, {49, 60, 2}}, Entries{{40, 49, 1}, {34, 40, 2}},
          Entries{{40, 49, 1}, {42, 43, 2}}, Entries{{42, 43, 1}, {40, 49, 2}},
          Entries{{40, 49, 1}, {50, 59, 1}}})
        EXPECT_EQ(SmallDisk().table(entries).error(), Error::Malformed);
    EXPECT_TRUE(SmallDisk().table({{34, 166, 1}}).open().ok()); // all of it
    EXPECT_TRUE(SmallDisk().table({{40, 49, 1}, {50, 59, 2}}).open().ok());
}

TEST(Gpt, EntriesMayBeLargerOrFewer) {
    SmallDisk disk(512, 400);
    disk.entry_size = 256;
    disk.count = 5;
    EXPECT_EQ(disk.table({{40, 49, 1}, {50, 59, 2}}).open().value().find(unique(2)).value().first, 50u);
}

// Whatever the bytes are, reads stay on the disk and in memory (the reader checks), and partitions within the
// disk and apart.
TEST(Gpt, AnyBytesAreSafe) {
    std::mt19937_64 random(20240517);
    unsigned accepted = 0;
    for (unsigned round = 0; round < 3000; ++round) {
        SmallDisk disk(round % 2 == 0 ? 512 : 4096, 80);
        disk.count = 8;
        disk.table({{20, 29, 1}, {40, 49, 2}, {50, 50, 3}});
        for (const std::uint64_t header : {std::uint64_t{1}, disk.blocks - 1}) {
            const std::uint64_t array = load_le<std::uint64_t>(disk.byte(header, 72));
            for (auto changes = 1 + random() % 3; changes != 0; --changes)
                if (random() % 2 == 0)
                    *disk.byte(header, random() % 92) = static_cast<std::byte>(random() % 4 * random());
                else
                    *disk.byte(array, random() % 512) = static_cast<std::byte>(random() % 4 * random());
            if (random() % 8 != 0) { // the checksums fit, so that what is behind them is reached
                const std::uint32_t size = load_le<std::uint32_t>(disk.byte(header, 80)) *
                                           load_le<std::uint32_t>(disk.byte(header, 84));
                if (size <= 10 * disk.block_size)
                    store_le(disk.byte(header, 88),
                             crc32({disk.byte(array, 0), std::min(size, 2 * disk.block_size)}));
                disk.seal(header);
            }
        }
        const Result<Table> table = disk.open();
        if (!table.ok())
            continue;
        ++accepted;
        std::vector<bool> taken(disk.blocks);
        for (std::size_t i = 0; i < table.value().size(); ++i) {
            const Result<Partition> partition = table.value().at(i);
            if (!partition.ok())
                continue;
            const auto [type, name, first, length] = partition.value();
            ASSERT_TRUE(first < disk.blocks && length != 0 && length <= disk.blocks - first);
            for (std::uint64_t block = first; block < first + length; ++block) {
                ASSERT_FALSE(taken[block]);
                taken[block] = true;
            }
        }
    }
    EXPECT_GT(accepted, 100u); // else the checks behind the checksums were never reached
}

} // namespace
} // namespace ashlar::gpt
