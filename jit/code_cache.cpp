#include "jit/code_cache.h"

#include <algorithm>

namespace ashlar::jit {

using interpreter::Op;

Result<std::unique_ptr<CodeCache>> CodeCache::create(GuestMemory& memory, std::uint64_t bytes) {
    const std::size_t page_count = memory.size() >> kPageShift;
    const std::size_t chunk_limit = std::max<std::size_t>(1, bytes / kChunkBytes);
    std::unique_ptr<Page*[]> pages(new (std::nothrow) Page*[page_count]());
    std::unique_ptr<std::unique_ptr<std::byte[]>[]> chunks(new (std::nothrow)
                                                               std::unique_ptr<std::byte[]>[chunk_limit]);
    if (pages == nullptr || chunks == nullptr)
        return Error::OutOfMemory;
    std::unique_ptr<CodeCache> cache(new (std::nothrow)
                                         CodeCache(memory, std::move(pages), std::move(chunks), chunk_limit));
    if (cache == nullptr || !cache->ensure(1))
        return Error::OutOfMemory;
    return cache;
}

// A bit for each line that the bytes touch; length is not 0.
std::uint64_t CodeCache::lines(std::uint64_t page_offset, std::uint64_t length) {
    const std::uint64_t first = page_offset / Page::kLineBytes;
    const std::uint64_t last = std::min<std::uint64_t>(63, (page_offset + length - 1) / Page::kLineBytes);
    return (~std::uint64_t{0} >> (63 - last)) & (~std::uint64_t{0} << first);
}

bool CodeCache::holds_code(GuestPhysicalAddress address, std::uint64_t length) {
    const Page* entry = page(address);
    return entry != nullptr && (entry->code_lines & lines(address.page_offset(), length)) != 0;
}

Block* CodeCache::find(const BlockKey& key) {
    const Page* entry = page(key.address);
    if (entry == nullptr)
        return nullptr;
    for (Block* block = entry->buckets[bucket(key.address)]; block != nullptr; block = block->next)
        if (block->key == key)
            return block;
    return nullptr;
}

bool CodeCache::ensure(std::size_t bytes) {
    ASHLAR_ASSERT(bytes <= kChunkBytes);
    if (kChunkBytes - cursor_ >= bytes)
        return true;
    const std::size_t next = chunk_count_ == 0 ? 0 : chunk_ + 1;
    if (next == chunk_limit_)
        return false;
    if (next == chunk_count_) {
        chunks_[next].reset(new (std::nothrow) std::byte[kChunkBytes]);
        if (chunks_[next] == nullptr)
            return false;
        ++chunk_count_;
    }
    chunk_ = next;
    cursor_ = 0;
    return true;
}

std::byte* CodeCache::allocate(std::size_t bytes) {
    if (!ensure(bytes))
        return nullptr;
    std::byte* const memory = chunks_[chunk_].get() + cursor_;
    cursor_ += bytes;
    return memory;
}

std::span<Op> CodeCache::reserve(std::size_t ops) {
    // The block's page entries may have to be allocated first, when it is inserted.
    if (!ensure(sizeof(Block) + ops * sizeof(Op) + 2 * sizeof(Page)))
        return {};
    return {reinterpret_cast<Op*>(chunks_[chunk_].get() + cursor_ + sizeof(Block)), ops};
}

Block* CodeCache::insert(const BlockKey& key, std::size_t ops, std::uint32_t guest_instructions,
                         std::uint32_t guest_bytes, bool& first_in_page) {
    // The code lies at the cursor already; page entries are placed behind it.
    std::byte* const memory = allocate(sizeof(Block) + ops * sizeof(Op));
    if (memory == nullptr)
        return nullptr;
    bool created_second = false;
    Page* const home = claim_page(key.address, first_in_page);
    Page* const second = key.straddles() ? claim_page(key.second_page, created_second) : home;
    if (home == nullptr || second == nullptr)
        return nullptr;
    home->code_lines |= lines(key.address.page_offset(), guest_bytes);
    if (key.straddles()) {
        second->holds_tails = true;
        second->code_lines |= 1;
    }
    first_in_page = first_in_page || created_second;
    Block*& head = home->buckets[bucket(key.address)];
    head = ::new (memory)
        Block{head, key, guest_instructions, guest_bytes, static_cast<std::uint32_t>(ops), true};
    return head;
}

CodeCache::Page* CodeCache::claim_page(GuestPhysicalAddress address, bool& created) {
    Page*& entry = page(address);
    created = entry == nullptr;
    if (entry != nullptr)
        return entry;
    std::byte* const memory = allocate(sizeof(Page));
    if (memory == nullptr)
        return nullptr;
    entry = ::new (memory) Page{used_pages_, (address - memory_.base()) >> kPageShift, false, 0, {}};
    used_pages_ = entry;
    memory_.mark_code_page(address, true);
    return entry;
}

std::uint64_t CodeCache::invalidate(GuestPhysicalAddress address) {
    Page* const entry = page(address);
    memory_.mark_code_page(address, false);
    if (entry == nullptr)
        return 0;
    std::uint64_t count = 0;
    for (Block*& head : entry->buckets) {
        for (Block* block = head; block != nullptr; block = block->next) {
            block->is_current = false;
            ++count;
        }
        head = nullptr;
    }
    if (entry->holds_tails)
        count += invalidate_tails(address.align_down(kPageSize));
    entry->holds_tails = false;
    for (Page** link = &used_pages_; *link != nullptr; link = &(*link)->next_used)
        if (*link == entry) {
            *link = entry->next_used;
            break;
        }
    page(address) = nullptr;
    return count;
}

// Rare enough to look at every page: the blocks are those at the very end of one.
std::uint64_t CodeCache::invalidate_tails(GuestPhysicalAddress second_page) {
    std::uint64_t count = 0;
    const std::size_t last = bucket(GuestPhysicalAddress(kPageSize - 2));
    for (Page* entry = used_pages_; entry != nullptr; entry = entry->next_used)
        for (Block** link = &entry->buckets[last]; *link != nullptr;) {
            Block* const block = *link;
            if (block->key.second_page == second_page) {
                block->is_current = false;
                *link = block->next;
                ++count;
            } else {
                link = &block->next;
            }
        }
    return count;
}

void CodeCache::flush() {
    for (const Page* entry = used_pages_; entry != nullptr; entry = entry->next_used) {
        memory_.mark_code_page(memory_.base() + (entry->number << kPageShift), false);
        pages_[entry->number] = nullptr;
    }
    used_pages_ = nullptr;
    chunk_ = 0;
    cursor_ = 0;
    ++epoch_;
}

} // namespace ashlar::jit
