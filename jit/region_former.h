// Chooses what becomes a region: from a hot block along the likely ways, through calls and returns.
#pragma once

#include <cstdint>

#include "jit/code_cache.h"
#include "jit/ir/block.h"
#include "jit/optimizer/source.h"

namespace ashlar::jit {

// The translated blocks as one hart sees them.
class BlockFinder {
public:
    // The block at a virtual pc if it is translated and its code may be executed now, else nullptr.
    virtual Block* find_block(std::uint64_t pc) = 0;
    // How often it has run, relative to others.
    virtual std::uint32_t executions(const Block& block) const = 0;
    // What is known of the load or store at a virtual pc.
    virtual optimizer::Site site(std::uint64_t pc) const = 0;
    // Its IR, valid until the next call.
    virtual const ir::Block& lift_block(const Block& block) = 0;

protected:
    ~BlockFinder() = default;
};

// A page that a region has code in.
struct RegionPage {
    std::int64_t offset; // of its virtual address from that of the region's first page
    GuestPhysicalAddress physical;
};

// Reusable.
class RegionFormer {
public:
    static constexpr std::size_t kMaxPages = 8;
    using Pages = optimizer::Bounded<RegionPage, kMaxPages>;

    static constexpr unsigned kMaxGuestInstructions = 400;

    // Fills source() and pages() with the region that begins with `root`, which is at `pc`, of at most about
    // so many guest instructions.
    void form(BlockFinder& finder, Block& root, std::uint64_t pc, unsigned limit = kMaxGuestInstructions);
    const optimizer::RegionSource& source() const { return source_; }
    const Pages& pages() const { return pages_; }
    unsigned guest_instructions() const { return guest_instructions_; }
    // Integer registers that accesses of the region go through, or stores of it, a bit each.
    std::uint32_t bases(bool of_stores) const;
    void set_addresses(const optimizer::RegionSource::Addresses& addresses) { source_.addresses = addresses; }

private:
    static constexpr unsigned kMaxDepth = 3;
    // An inlined block is another one for each chain of calls that it is reached by.
    struct Place {
        std::int64_t pc = 0; // relative to the root's
        std::uint8_t depth = 0;
        std::array<std::int64_t, kMaxDepth> returns{}, callees{};
        bool operator==(const Place&) const = default;
    };
    struct Pending {
        std::size_t from;
        bool taken;
        Place place;
        std::uint32_t weight;
    };

    std::int16_t add(BlockFinder& finder, const Place& place, std::uint32_t weight);
    bool claim_page(std::int64_t pc, GuestPhysicalAddress physical);
    void expand(std::size_t index);
    void consider(std::size_t from, bool taken, const Place& place);

    std::uint64_t root_pc_ = 0;
    std::uint32_t root_weight_ = 0;
    unsigned guest_instructions_ = 0, limit_ = 0;
    optimizer::Leave leave_{}; // why add() has left a block out
    optimizer::RegionSource source_;
    Pages pages_;
    std::array<Place, optimizer::kMaxBlocks> places_{};
    optimizer::Bounded<Pending, 2 * optimizer::kMaxBlocks> pending_;
};

} // namespace ashlar::jit
