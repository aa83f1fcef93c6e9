// Chooses what becomes a region: from a hot block along the likely ways, through calls and returns.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "jit/code_cache.h"
#include "jit/ir/block.h"
#include "jit/jump_profile.h"
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
    // Of its indirect jump.
    virtual JumpProfile* jump_profile(Block& block) = 0;

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
    explicit RegionFormer(std::unique_ptr<optimizer::RegionSource> source) : source_(std::move(source)) {}

    static constexpr std::size_t kMaxPages = 8;
    using Pages = optimizer::Bounded<RegionPage, kMaxPages>;

    static constexpr unsigned kMaxGuestInstructions = Block::kMaxRegion;

    // Fills source() and pages() with the region that begins with `root`, which is at `pc`, of at most about
    // so many guest instructions.
    void form(BlockFinder& finder, Block& root, std::uint64_t pc, unsigned limit = kMaxGuestInstructions);
    // Repeats small loops; blocks are added, pages are not.
    void unroll();
    const optimizer::RegionSource& source() const { return *source_; }
    // Gives the source away for another one, which is overwritten.
    void exchange_source(std::unique_ptr<optimizer::RegionSource>& other) { source_.swap(other); }
    const Pages& pages() const { return pages_; }
    unsigned guest_instructions() const { return guest_instructions_; }
    // Integer registers that accesses of the region go through, or stores of it, a bit each.
    std::uint32_t bases(bool of_stores) const;
    void set_addresses(const optimizer::RegionSource::Addresses& addresses) {
        source_->addresses = addresses;
    }

private:
    static constexpr unsigned kMaxDepth = 3;
    // An inlined block is another one for each chain of calls that it is reached by. What is reached by a
    // call that is not inlined is in no chain.
    struct Place {
        std::int64_t pc = 0; // relative to the root's
        std::uint8_t depth = 0;
        std::array<std::int64_t, kMaxDepth> returns{}, callees{};
        bool operator==(const Place&) const = default;
    };
    // A way out of a block whose target is yet to be found.
    struct Pending {
        enum class Exit : std::uint8_t { Taken, NotTaken, Way };
        std::size_t from = 0;
        Exit exit{};
        // Behind the function that the region begins in, or in a call that is not inlined.
        bool outward = false;
        std::uint16_t way = 0; // which of RegionSource::ways
        Place place;
        std::uint32_t weight = 0;

        // It is a call.
        void enter(std::int64_t callee, std::int64_t return_pc);
    };

    std::int16_t add(BlockFinder& finder, const Pending& pending);
    void resolve(const Pending& pending, std::int16_t target);
    bool leads_outside(const optimizer::SourceBlock& block) const;
    void drop_what_does_not_come_back(std::size_t inner);
    bool claim_page(std::int64_t pc, GuestPhysicalAddress physical);
    void expand(std::size_t index, BlockFinder& finder, Block& of);
    void expand_indirect(std::size_t index, const ir::Instruction& jump, JumpProfile* profile);
    void consider(Pending pending);

    std::uint64_t root_pc_ = 0;
    std::uint32_t root_weight_ = 0;
    unsigned guest_instructions_ = 0, limit_ = 0;
    bool follows_more_ = false; // than what is left for good at first
    std::size_t blocks_ = 0;    // of the graph to be
    optimizer::Leave leave_{};  // why add() has left a block out
    std::unique_ptr<optimizer::RegionSource> source_;
    Pages pages_;
    std::array<Place, optimizer::kMaxBlocks> places_{};
    std::array<GuestPhysicalAddress, optimizer::kMaxBlocks> physical_{};
    std::array<std::uint8_t, optimizer::kMaxBlocks> entries_{}; // ways that lead to a block
    optimizer::Bounded<Pending, 1024> pending_;
};

} // namespace ashlar::jit
