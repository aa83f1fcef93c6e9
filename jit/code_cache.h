// Translated blocks, found by the guest-physical address of their first instruction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "jit/guest_memory.h"
#include "jit/interpreter/op.h"
#include "jit/jump_profile.h"
#include "lib/address.h"
#include "lib/result.h"

namespace ashlar::jit {

// Which of the blocks that may begin at an address.
struct BlockKey {
    GuestPhysicalAddress address;
    // The page of the second half when the block is one instruction that lies across two pages, else 0.
    GuestPhysicalAddress second_page;
    // Holds just one instruction, since the rights of its page are not the same everywhere (PMP).
    bool single = false;

    bool straddles() const { return second_page.value() != 0; }
    bool operator==(const BlockKey&) const = default;
};

// Followed in memory by its ops.
struct Block {
    Block* next; // in its bucket
    BlockKey key;
    std::uint32_t guest_instructions;
    std::uint32_t guest_bytes;
    std::uint32_t op_count;
    bool is_current; // its bytes have not changed
    // Of tier 1's code: how often it is to run before it is looked at again, and the hart's instructions
    // then.
    std::uint64_t interval = 0, counted_at = 0;
    JumpProfile* jumps = nullptr; // of its indirect jump, while it is the owner
    std::uint64_t reforms = 0;    // how often its region was given up, to follow more jumps

    static Block& of(const interpreter::Op* code) {
        return *(reinterpret_cast<Block*>(const_cast<interpreter::Op*>(code)) - 1);
    }
    std::span<interpreter::Op> ops() { return {reinterpret_cast<interpreter::Op*>(this + 1), op_count}; }
    const interpreter::Op* code() const { return reinterpret_cast<const interpreter::Op*>(this + 1); }
};
static_assert(sizeof(Block) % alignof(interpreter::Op) == 0);

// Blocks are never freed one by one: invalidated ones stay readable, since a hart may be in them, until the
// whole cache is flushed. Not synchronized.
class CodeCache {
public:
    // Bounded by `bytes`, of which chunks are allocated as they are needed. `memory` outlives the cache and
    // learns which pages hold code.
    static Result<std::unique_ptr<CodeCache>> create(GuestMemory& memory, std::uint64_t bytes);

    Block* find(const BlockKey& key);
    // Room for a block of at most `ops` ops; empty when the cache is full: flush() and try again. Only the
    // last reservation counts.
    std::span<interpreter::Op> reserve(std::size_t ops);
    // Makes the last reservation's first `ops` ops a block. Nullptr when the cache is full. `first_in_page`
    // tells whether the pages of the key held no code before, so that writes to them must be watched now.
    Block* insert(const BlockKey& key, std::size_t ops, std::uint32_t guest_instructions,
                  std::uint32_t guest_bytes, bool& first_in_page);
    // Whether bytes in [address, address + length), which lies in one page, may belong to blocks.
    bool holds_code(GuestPhysicalAddress address, std::uint64_t length);
    // Forgets the blocks with bytes in the page. Returns how many.
    std::uint64_t invalidate(GuestPhysicalAddress page);
    void flush();
    // Changes with every flush: pointers into the cache from before are dead.
    std::uint64_t epoch() const { return epoch_; }

private:
    struct Page {
        static constexpr std::size_t kBuckets = 128;
        static constexpr std::size_t kLineBytes = kPageSize / 64;
        Page* next_used; // all pages with code
        std::size_t number;
        bool holds_tails;         // second halves of straddling blocks
        std::uint64_t code_lines; // a bit for each kLineBytes that blocks have bytes in
        std::array<Block*, kBuckets> buckets;
    };
    static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

    CodeCache(GuestMemory& memory, std::unique_ptr<Page*[]> pages,
              std::unique_ptr<std::unique_ptr<std::byte[]>[]> chunks, std::size_t chunk_limit)
        : memory_(memory), pages_(std::move(pages)), chunks_(std::move(chunks)), chunk_limit_(chunk_limit) {}

    static std::uint64_t lines(std::uint64_t page_offset, std::uint64_t length);
    static std::size_t bucket(GuestPhysicalAddress address) {
        return address.value() >> 1 & (Page::kBuckets - 1);
    }
    Page*& page(GuestPhysicalAddress address) { return pages_[(address - memory_.base()) >> kPageShift]; }
    // The page's entry, created when missing; nullptr when the cache is full.
    Page* claim_page(GuestPhysicalAddress address, bool& created);
    // `bytes` at the cursor, moving to the next chunk as needed; nullptr when full.
    std::byte* allocate(std::size_t bytes);
    bool ensure(std::size_t bytes);
    std::uint64_t invalidate_tails(GuestPhysicalAddress second_page);

    GuestMemory& memory_;
    std::unique_ptr<Page*[]> pages_;
    Page* used_pages_ = nullptr;
    std::unique_ptr<std::unique_ptr<std::byte[]>[]> chunks_;
    std::size_t chunk_limit_;
    std::size_t chunk_count_ = 0; // allocated
    std::size_t chunk_ = 0;       // being filled
    std::size_t cursor_ = kChunkBytes;
    std::uint64_t epoch_ = 0;
};

} // namespace ashlar::jit
