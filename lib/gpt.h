// Reading GUID partition tables. Nothing of what is read is trusted: a table counts only when all of it makes
// sense, so that what lies in one partition lies in no other. Specification: UEFI 2.10, section 5.3.
#pragma once

#include "lib/bytes.h"
#include "lib/guid.h"

namespace ashlar::gpt {

// Blocks of the disk, of one size.
class BlockReader {
public:
    // Whole blocks, `to.size()` / block size of them.
    virtual Status read(std::uint64_t first_block, MutableBytes to) = 0;

protected:
    ~BlockReader() = default;
};

struct Partition {
    Guid type, unique;
    std::uint64_t first = 0, blocks = 0; // in logical blocks; at least one
};

// What a table's memory must hold: its array of entries, and a block.
constexpr std::size_t kMemory = 256 * 1024;

class Table {
public:
    // The table of a disk with `blocks` blocks of `block_size` bytes (512 to 65536): the one at its
    // beginning, else the backup at its end. NotFound when there is neither, Malformed when what is there
    // cannot be trusted, the errors of `reader`. `memory` has kMemory bytes and outlives the table.
    static Result<Table> read(BlockReader& reader, std::uint32_t block_size, std::uint64_t blocks,
                              MutableBytes memory);

    bool is_backup() const { return is_backup_; }
    // Of all entries, used or not.
    std::size_t size() const { return count_; }
    // By its place; NotFound for an entry that is not used, or none.
    Result<Partition> at(std::size_t index) const;
    // By its own GUID.
    Result<Partition> find(const Guid& unique) const;

private:
    struct Header;
    static Result<Header> read_header(BlockReader& reader, std::uint32_t block_size, std::uint64_t blocks,
                                      std::uint64_t at, MutableBytes memory);
    static Result<Table> read_at(BlockReader& reader, std::uint32_t block_size, std::uint64_t blocks,
                                 std::uint64_t at, MutableBytes memory);
    Status check_entries(const Header& header) const;

    Bytes entries_;
    std::size_t count_ = 0, entry_size_ = 0;
    bool is_backup_ = false;
};

} // namespace ashlar::gpt
