#include "jit/eviction.h"

namespace ashlar::jit {

namespace {

// Executions that show that a block is in use which does not count otherwise.
constexpr std::uint32_t kUses = 8;

bool fills(std::size_t used, std::size_t capacity, std::size_t sixteenths) {
    return used > capacity / 16 * sixteenths;
}

} // namespace

bool Eviction::is_crowded(std::size_t sixteenths) const {
    if (fills(cache_.used(), cache_.capacity(), sixteenths))
        return true;
    if (native_ == nullptr)
        return false;
    const CodeRoom room = native_->room(CodePart::Blocks);
    return fills(room.used, room.capacity, sixteenths);
}

// Changes when host code of the page's blocks runs that counts.
std::uint64_t Eviction::activity(CodePage& page) const {
    std::uint64_t sum = 0;
    page.for_each_block([&](const Block& block) {
        if (native_ != nullptr && native_->is_compiled(block.code()))
            sum += native_->executions_left(block.code());
    });
    return sum;
}

bool Eviction::is_in_use(CodePage& page) const {
    return page.in_use || (page.was_looked_at && page.activity != activity(page));
}

// A quarter of the pages is more than will be dropped next.
void Eviction::look() {
    has_looked_ = true;
    if (regions_ != nullptr)
        regions_->look_for_use();
    std::size_t bytes = 0;
    for (CodePage& page : cache_.pages()) {
        if (bytes > cache_.used() / 4)
            return;
        bytes += page.bytes + sizeof page;
        page.for_each_block([&](const Block& block) {
            if (block.is_plain)
                native_->count_anew(block.code(), kUses);
        });
        page.activity = activity(page);
        page.was_looked_at = true;
    }
}

void Eviction::make_room() {
    ++statistics_.evictions;
    has_looked_ = false;
    // Something goes in any case: there may be room, but in pieces that are too small.
    const std::size_t enough = cache_.used() / 16 * 15;
    free_forgotten();
    if (regions_ != nullptr)
        regions_->for_each_page_in_use([this](GuestPhysicalAddress address) {
            if (CodePage* const page = cache_.find_page(address))
                page->in_use = true;
        });
    while (!cache_.pages().empty() && (cache_.used() > enough || is_crowded(kRoomy))) {
        CodePage& page = cache_.pages().front();
        if (is_in_use(page)) {
            page.in_use = page.was_looked_at = false;
            cache_.keep(page);
            ++statistics_.pages_kept;
            continue;
        }
        ++statistics_.pages_evicted;
        page.for_each_block(
            [this](const Block& block) { statistics_.regions_evicted += block.region != Block::kNoRegion; });
        statistics_.blocks_evicted += cache_.invalidate(page.address);
        free_forgotten();
    }
    for (CodePage& page : cache_.pages())
        page.in_use = false;
    if (regions_ != nullptr)
        regions_->give_up_unwatched(
            [this](GuestPhysicalAddress address) { return cache_.holds_page(address); });
}

void Eviction::free_forgotten() {
    cache_.free_forgotten([this](Block& block) {
        if (native_ == nullptr || !native_->is_compiled(block.code()))
            return;
        if (regions_ != nullptr)
            regions_->forget_root(block);
        native_->free_block(block.code());
    });
}

} // namespace ashlar::jit
