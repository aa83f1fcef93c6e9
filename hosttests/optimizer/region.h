// Regions for tests, built block by block.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include "hosttests/optimizer/model.h"
#include "jit/ir/builder.h"
#include "jit/optimizer/unroll.h"

namespace ashlar::jit::optimizer::test {

// Every guest instruction takes four bytes.
class Region {
public:
    ir::Builder& build() { return builder_; }
    // The block at `pc`, whose number is the count of those before it.
    void begin(std::int32_t pc, std::uint32_t weight = 1) {
        pc_ = pc;
        weight_ = weight;
        block_.clear();
    }
    // A guest instruction; what is built then belongs to it.
    ir::Builder& next() {
        builder_.begin_guest_instruction(static_cast<std::uint16_t>(block_.guest_bytes()), 4);
        return builder_;
    }
    // End the block with one more guest instruction. Targets are numbers of blocks, or kOutside.
    void jump(std::int16_t target) {
        next().jump(distance(target));
        end(target, SourceBlock::kOutside);
    }
    // Within the guest instruction that was begun last.
    void branch(ir::Condition condition, ir::Value a, ir::Value b, std::int16_t taken, std::int16_t other) {
        builder_.branch(condition, a, b, distance(taken), static_cast<std::int32_t>(distance(other)));
        end(taken, other);
    }
    void jump_indirect(ir::Value address, std::int32_t displacement, std::int16_t expected) {
        builder_.jump_indirect(address, displacement);
        end(expected, SourceBlock::kOutside);
    }
    // To one of the ways, most of the time.
    void jump_indirect(ir::Value address, std::int32_t displacement, const std::vector<Way>& ways) {
        const auto first = static_cast<std::uint16_t>(source_->ways.size());
        for (const Way& way : ways)
            source_->ways.push(way);
        jump_indirect(address, displacement, SourceBlock::kOutside);
        SourceBlock& block = source_->blocks[source_->blocks.size() - 1];
        block.first_way = first;
        block.way_count = static_cast<std::uint8_t>(ways.size());
    }
    // Where a block lies that is yet to be built.
    void place(std::int16_t block, std::int32_t pc) { places_[static_cast<std::size_t>(block)] = pc; }
    std::int32_t pc_of(std::int16_t block) const { return places_[static_cast<std::size_t>(block)]; }
    const RegionSource& source() const { return *source_; }
    void unroll() { unroll_loops(*source_, kMaxBlocks - 1 - source_->blocks.size()); }
    // For blocks at 0, 256, 512 and so on.
    Region() {
        for (std::size_t i = 0; i < kMaxBlocks; ++i)
            places_[i] = static_cast<std::int32_t>(i) * 256;
    }

private:
    std::int64_t distance(std::int16_t block) const {
        return block == SourceBlock::kOutside ? 0x8000 : std::int64_t{pc_of(block)} - pc_;
    }
    void end(std::int16_t taken, std::int16_t other) {
        SourceBlock added;
        added.pc = pc_;
        added.first = static_cast<std::uint32_t>(source_->instructions.size());
        added.count = static_cast<std::uint32_t>(block_.size());
        added.guest_instructions = static_cast<std::uint16_t>(block_.guest_instructions());
        added.weight = weight_;
        added.taken = taken;
        added.not_taken = other;
        for (const ir::Instruction& i : block_.instructions())
            source_->instructions.push(i);
        source_->blocks.push(added);
    }

    ir::Block block_ = ir::Block::create(1024).value();
    ir::Builder builder_{block_};
    std::unique_ptr<RegionSource> source_ = std::make_unique<RegionSource>();
    std::int32_t pc_ = 0;
    std::uint32_t weight_ = 1;
    std::array<std::int32_t, kMaxBlocks> places_{};
};

// An optimizer that looks at its graph behind every pass, kept for all tests since it is large.
Optimizer& optimizer();
// As x86-64's, with some registers that guest slots live in, or with next to none.
RegisterFile register_file();
RegisterFile small_register_file();
inline bool supports_all(const ir::Instruction&) {
    return true;
}
// Optimizes the region; fails the test when the graph is not well-formed.
Graph& optimize(const RegionSource& source, unsigned passes = kAllPasses, Supports supports = supports_all);

// The graph's nodes of one kind, in the order of its blocks.
std::vector<Node> nodes(Graph& graph, Kind kind);

// The graph and the allocation of its last run.
std::string to_string(Optimizer& of);

// Pages at the ends of the address space, across zero, and in the middle, some not writable, with holes
// between.
Memory test_memory(std::mt19937_64& random);
State random_state(std::mt19937_64& random);

// A region of up to `blocks` blocks that accesses memory through slots 8 to 10, does arithmetic on the others
// and jumps about within and out of itself.
Region random_region(std::mt19937_64& random, std::size_t blocks);

// Runs the graph from `state` and its source as far, and compares. Empty when both agree.
std::string difference(const RegionSource& source, Graph& graph, const State& state, GraphMachine& machine);

} // namespace ashlar::jit::optimizer::test
