// The guest instructions that a block is made of.
#pragma once

#include "jit/code_cache.h"
#include "jit/ir/block.h"

namespace ashlar::jit {

// What a block may consist of: the bytes from its start to the end of the page, or the gathered halves of its
// one instruction across two pages.
class GuestBytes {
public:
    GuestBytes(GuestMemory& memory, const BlockKey& key) {
        if (!key.straddles()) {
            bytes_ = {memory.host(key.address), kPageSize - key.address.page_offset()};
            return;
        }
        std::memcpy(straddling_, memory.host(key.address), 2);
        std::memcpy(straddling_ + 2, memory.host(key.second_page), 2);
        bytes_ = straddling_;
    }
    GuestBytes(const GuestBytes&) = delete;
    GuestBytes& operator=(const GuestBytes&) = delete;
    Bytes get() const { return bytes_; }

private:
    std::byte straddling_[4];
    Bytes bytes_;
};

// Makes `block` the IR of the block that `key` names.
void lift(GuestMemory& memory, const BlockKey& key, ir::Block& block);

} // namespace ashlar::jit
