// Which guest code the regions are made of: kept for observers of execution only.
#pragma once

#include <memory>
#include <span>

#include "jit/execution_observer.h"
#include "jit/interpreter/op.h"
#include "jit/optimizer/source.h"
#include "lib/result.h"

namespace ashlar::jit {

// Until clear(). A region that is formed again replaces the one before it.
class RegionExtents {
public:
    static Result<std::unique_ptr<RegionExtents>> create() {
        std::unique_ptr<RegionExtents> result(new (std::nothrow) RegionExtents);
        return result != nullptr ? Result<std::unique_ptr<RegionExtents>>(std::move(result))
                                 : Error::OutOfMemory;
    }

    // Forgets the others when there is no room.
    void add(const interpreter::Op* root, const optimizer::RegionSource& source) {
        if (count_ == kMaxRegions || parts_used_ + source.blocks.size() > kMaxParts)
            clear();
        Entry& entry = find(root);
        if (entry.root == nullptr)
            ++count_;
        entry = {root, parts_used_, source.blocks.size()};
        for (const optimizer::SourceBlock& block : source.blocks) {
            const ir::Instruction& last = source.instructions[block.first + block.count - 1];
            parts_[parts_used_++] = {block.pc, std::uint32_t{last.pc_offset} + last.guest_length};
        }
    }
    void remove(const interpreter::Op* root) {
        if (Entry& entry = find(root); entry.root != nullptr)
            entry.root = removed();
    }
    // Empty when no region begins there.
    std::span<const ExecutedPart> of(const interpreter::Op* root) {
        const Entry& entry = find(root);
        return entry.root == nullptr ? std::span<const ExecutedPart>{}
                                     : std::span<const ExecutedPart>{&parts_[entry.first], entry.count};
    }
    void clear() {
        entries_ = {};
        count_ = parts_used_ = 0;
    }

private:
    static constexpr std::size_t kMaxRegions = 4096, kMaxParts = 16 * kMaxRegions, kEntries = 2 * kMaxRegions;
    struct Entry {
        const interpreter::Op* root = nullptr;
        std::size_t first = 0, count = 0;
    };

    // In place of a root: others may be found behind it.
    static const interpreter::Op* removed() {
        static constexpr interpreter::Op none{};
        return &none;
    }
    // Where it is, or may be put.
    Entry& find(const interpreter::Op* root) {
        std::size_t i = reinterpret_cast<std::uintptr_t>(root) / sizeof(interpreter::Op);
        while (entries_[i % kEntries].root != nullptr && entries_[i % kEntries].root != root)
            ++i;
        return entries_[i % kEntries];
    }

    std::array<Entry, kEntries> entries_{};
    std::array<ExecutedPart, kMaxParts> parts_{};
    std::size_t count_ = 0, parts_used_ = 0;
};

} // namespace ashlar::jit
