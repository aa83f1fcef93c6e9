#include "jit/guest_memory.h"

#include <algorithm>

namespace ashlar::jit {

void GuestMemory::note_pages(GuestPhysicalAddress address, std::uint64_t length) {
    while (length != 0) {
        const std::uint64_t piece = std::min(length, kPageSize - address.page_offset());
        if (is_code_page(address) && observer_ != nullptr)
            observer_->code_page_written(address, piece);
        address += piece;
        length -= piece;
    }
}

} // namespace ashlar::jit
