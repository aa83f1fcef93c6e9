#include "jit/code_cache.h"

#include <algorithm>

#include "jit/interpreter/lower.h"

namespace ashlar::jit {

using interpreter::Op;

Result<std::unique_ptr<CodeCache>> CodeCache::create(GuestMemory& memory, std::uint64_t bytes) {
    const std::size_t page_count = memory.size() >> kPageShift;
    const std::size_t chunk_bytes = std::clamp<std::size_t>(bytes, kLeastChunkBytes, kChunkBytes);
    const std::size_t chunk_limit = std::max<std::size_t>(1, bytes / chunk_bytes);
    std::unique_ptr<CodePage*[]> table(new (std::nothrow) CodePage*[page_count]());
    std::unique_ptr<std::unique_ptr<std::byte[]>[]> chunks(new (std::nothrow)
                                                               std::unique_ptr<std::byte[]>[chunk_limit]);
    if (table == nullptr || chunks == nullptr)
        return Error::OutOfMemory;
    std::unique_ptr<CodeCache> cache(
        new (std::nothrow) CodeCache(memory, std::move(table), std::move(chunks), chunk_bytes, chunk_limit));
    if (cache == nullptr || !cache->add_chunk())
        return Error::OutOfMemory;
    return cache;
}

// A bit for each line that the bytes touch; length is not 0.
std::uint64_t CodeCache::lines(std::uint64_t page_offset, std::uint64_t length) {
    const std::uint64_t first = page_offset / CodePage::kLineBytes;
    const std::uint64_t last = std::min<std::uint64_t>(63, (page_offset + length - 1) / CodePage::kLineBytes);
    return (~std::uint64_t{0} >> (63 - last)) & (~std::uint64_t{0} << first);
}

bool CodeCache::holds_code(GuestPhysicalAddress address, std::uint64_t length) {
    const CodePage* entry = page(address);
    return entry != nullptr && (entry->code_lines & lines(address.page_offset(), length)) != 0;
}

Block* CodeCache::find(const BlockKey& key) {
    const CodePage* entry = page(key.address);
    if (entry == nullptr)
        return nullptr;
    for (Block* block = entry->buckets[bucket(key.address)]; block != nullptr; block = block->next)
        if (block->key == key)
            return block;
    return nullptr;
}

bool CodeCache::add_chunk() {
    if (chunk_count_ == chunk_limit_)
        return false;
    chunks_[chunk_count_].reset(new (std::nothrow) std::byte[chunk_bytes_]);
    if (chunks_[chunk_count_] == nullptr)
        return false;
    heap_.add({chunks_[chunk_count_++].get(), chunk_bytes_});
    return true;
}

std::byte* CodeCache::allocate(std::size_t bytes) {
    std::byte* const memory = heap_.allocate(bytes);
    return memory != nullptr || !add_chunk() ? memory : heap_.allocate(bytes);
}

Block* CodeCache::insert(const BlockKey& key, std::span<const Op> code, std::uint32_t guest_instructions,
                         std::uint32_t guest_bytes, bool& first_in_page) {
    const std::size_t bytes = sizeof(Block) + code.size_bytes();
    bool created_second = false;
    CodePage* const home = claim_page(key.address, first_in_page);
    CodePage* const second = key.straddles() ? claim_page(key.second_page, created_second) : home;
    std::byte* const memory = home != nullptr && second != nullptr ? allocate(bytes) : nullptr;
    if (memory == nullptr) {
        if (created_second && second != nullptr)
            drop_page(*second);
        if (first_in_page && home != nullptr)
            drop_page(*home);
        return nullptr;
    }
    home->code_lines |= lines(key.address.page_offset(), guest_bytes);
    home->bytes += static_cast<std::uint32_t>(bytes);
    if (key.straddles()) {
        second->holds_tails = true;
        second->code_lines |= 1;
    }
    first_in_page = first_in_page || created_second;
    Block*& head = home->buckets[bucket(key.address)];
    head = ::new (memory)
        Block{head, key, guest_instructions, guest_bytes, static_cast<std::uint32_t>(code.size()), true};
    interpreter::copy_code(code, head->ops());
    return head;
}

CodePage* CodeCache::claim_page(GuestPhysicalAddress address, bool& created) {
    CodePage*& entry = page(address);
    created = entry == nullptr;
    if (entry != nullptr)
        return entry;
    std::byte* const memory = allocate(sizeof(CodePage));
    if (memory == nullptr)
        return nullptr;
    entry = ::new (memory) CodePage(address.align_down(kPageSize));
    pages_.push_back(*entry);
    memory_.mark_code_page(address, true);
    return entry;
}

void CodeCache::drop_page(CodePage& dropped) {
    memory_.mark_code_page(dropped.address, false);
    page(dropped.address) = nullptr;
    dropped.unlink();
    heap_.free(reinterpret_cast<std::byte*>(&dropped));
}

void CodeCache::forget(Block& block) {
    block.is_current = false;
    block.next = forgotten_;
    forgotten_ = &block;
}

std::uint64_t CodeCache::invalidate(GuestPhysicalAddress address) {
    CodePage* const entry = page(address);
    if (entry == nullptr)
        return 0;
    std::uint64_t count = 0;
    for (Block* const head : entry->buckets)
        for (Block* block = head; block != nullptr; ++count) {
            Block* const next = block->next;
            forget(*block);
            block = next;
        }
    const bool holds_tails = entry->holds_tails;
    drop_page(*entry);
    return holds_tails ? count + invalidate_tails(address.align_down(kPageSize)) : count;
}

// Rare enough to look at every page: the blocks are those at the very end of one.
std::uint64_t CodeCache::invalidate_tails(GuestPhysicalAddress second_page) {
    std::uint64_t count = 0;
    const std::size_t last = bucket(GuestPhysicalAddress(kPageSize - 2));
    for (CodePage& entry : pages_)
        for (Block** link = &entry.buckets[last]; *link != nullptr;) {
            Block* const block = *link;
            if (block->key.second_page == second_page) {
                *link = block->next;
                forget(*block);
                ++count;
            } else {
                link = &block->next;
            }
        }
    return count;
}

void CodeCache::flush() {
    while (CodePage* const entry = pages_.pop_front()) {
        memory_.mark_code_page(entry->address, false);
        page(entry->address) = nullptr;
    }
    forgotten_ = nullptr;
    heap_.clear();
    for (std::size_t i = 0; i < chunk_count_; ++i)
        heap_.add({chunks_[i].get(), chunk_bytes_});
}

} // namespace ashlar::jit
