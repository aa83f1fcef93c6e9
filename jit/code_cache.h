// Translated blocks, found by the guest-physical address of their first instruction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "jit/guest_memory.h"
#include "jit/interpreter/op.h"
#include "jit/jump_profile.h"
#include "jit/piece_heap.h"
#include "lib/address.h"
#include "lib/intrusive_list.h"
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
    static constexpr std::uint16_t kNoRegion = 0xffff, kMaxRegion = 400;

    Block* next; // in its bucket, or of those to be freed
    BlockKey key;
    std::uint32_t guest_instructions;
    std::uint32_t guest_bytes;
    std::uint32_t op_count;
    bool is_current;                         // its bytes have not changed, and it may be found
    bool probes_alone = false;               // its region's probes serve one access each
    bool is_plain = false;                   // its host code does not count: there is to be no region
    std::uint16_t region = kNoRegion;        // name of the one that begins with it, see RegionTier
    std::uint16_t region_limit = kMaxRegion; // guest instructions that one may have
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

// A guest page that blocks have bytes in.
struct CodePage : ListLink<> {
    static constexpr std::size_t kBuckets = 128;
    static constexpr std::size_t kLineBytes = kPageSize / 64;

    explicit CodePage(GuestPhysicalAddress where) : address(where) {}
    template <class Visit>
    void for_each_block(Visit visit) {
        for (Block* const head : buckets)
            for (Block* block = head; block != nullptr; block = block->next)
                visit(*block);
    }

    GuestPhysicalAddress address;
    std::uint64_t code_lines = 0;               // a bit for each kLineBytes that blocks have bytes in
    std::uint64_t activity = 0;                 // for EvictionPolicy
    std::uint32_t bytes = 0;                    // that its blocks take
    bool holds_tails = false;                   // second halves of straddling blocks
    bool was_looked_at = false, in_use = false; // for EvictionPolicy
    std::array<Block*, kBuckets> buckets{};
};

// Pages of blocks are dropped as a whole. Blocks stay readable, since a hart may be in them, until they are
// freed. Not synchronized.
class CodeCache {
public:
    // Bounded by `bytes`, of which chunks are allocated as they are needed. `memory` outlives the cache and
    // learns which pages hold code.
    static Result<std::unique_ptr<CodeCache>> create(GuestMemory& memory, std::uint64_t bytes);
    ~CodeCache() { flush(); }

    Block* find(const BlockKey& key);
    // A block with a copy of the code. Nullptr when the cache is full. `first_in_page` tells whether the
    // pages of the key held no code before, so that writes to them must be watched now.
    Block* insert(const BlockKey& key, std::span<const interpreter::Op> code,
                  std::uint32_t guest_instructions, std::uint32_t guest_bytes, bool& first_in_page);
    // Whether bytes in [address, address + length), which lies in one page, may belong to blocks.
    bool holds_code(GuestPhysicalAddress address, std::uint64_t length);
    bool holds_page(GuestPhysicalAddress address) { return page(address) != nullptr; }
    // Forgets the blocks with bytes in the page. Returns how many.
    std::uint64_t invalidate(GuestPhysicalAddress page);
    // Frees blocks that were forgotten; release(block) is called before. No hart may be in one, nor remember
    // it.
    template <class Release>
    void free_forgotten(Release release) {
        while (Block* const block = forgotten_) {
            forgotten_ = block->next;
            release(*block);
            heap_.free(reinterpret_cast<std::byte*>(block));
        }
    }
    // Forgets and frees everything.
    void flush();

    // Those that have been there for longest, or have not been kept for longest, come first.
    IntrusiveList<CodePage>& pages() { return pages_; }
    CodePage* find_page(GuestPhysicalAddress address) { return page(address); }
    // Makes it one of the latest.
    void keep(CodePage& page) {
        page.unlink();
        pages_.push_back(page);
    }
    std::size_t capacity() const { return chunk_limit_ * chunk_bytes_; }
    std::size_t used() const { return heap_.used(); }

private:
    static constexpr std::size_t kChunkBytes = std::size_t{1} << 20, kLeastChunkBytes = kChunkBytes / 8;

    CodeCache(GuestMemory& memory, std::unique_ptr<CodePage*[]> table,
              std::unique_ptr<std::unique_ptr<std::byte[]>[]> chunks, std::size_t chunk_bytes,
              std::size_t chunk_limit)
        : memory_(memory),
          table_(std::move(table)),
          chunks_(std::move(chunks)),
          chunk_bytes_(chunk_bytes),
          chunk_limit_(chunk_limit) {}

    static std::uint64_t lines(std::uint64_t page_offset, std::uint64_t length);
    static std::size_t bucket(GuestPhysicalAddress address) {
        return address.value() >> 1 & (CodePage::kBuckets - 1);
    }
    CodePage*& page(GuestPhysicalAddress address) { return table_[(address - memory_.base()) >> kPageShift]; }
    // The page's entry, created when missing; nullptr when the cache is full.
    CodePage* claim_page(GuestPhysicalAddress address, bool& created);
    void drop_page(CodePage& page);
    std::byte* allocate(std::size_t bytes);
    bool add_chunk();
    void forget(Block& block);
    std::uint64_t invalidate_tails(GuestPhysicalAddress second_page);

    GuestMemory& memory_;
    std::unique_ptr<CodePage*[]> table_; // by page number
    IntrusiveList<CodePage> pages_;
    Block* forgotten_ = nullptr;
    std::unique_ptr<std::unique_ptr<std::byte[]>[]> chunks_;
    std::size_t chunk_bytes_, chunk_limit_;
    std::size_t chunk_count_ = 0; // allocated
    PieceHeap heap_;
};

} // namespace ashlar::jit
