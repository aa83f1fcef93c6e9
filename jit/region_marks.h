// Says for an observer which guest instructions a region's host code is of, while it is emitted.
#pragma once

#include "jit/code_marks.h"
#include "jit/optimizer/source.h"

namespace ashlar::jit {

// Positions are the emitter's, pcs are relative to the region's start. EmittedCode::guest is to have a part
// for each source block.
class RegionMarks {
public:
    // Nobody looks when `marks` is nullptr.
    RegionMarks() = default;
    RegionMarks(CodeMarks* marks, const optimizer::RegionSource& source, std::size_t start)
        : marks_(marks), source_(&source), start_(start) {
        if (marks_ != nullptr)
            marks_->clear();
    }

    // From `position` on: code of the guest instruction at `pc`, best as a part of the source block `likely`.
    void guest(std::size_t position, std::size_t likely, std::int32_t pc) const {
        if (marks_ == nullptr)
            return;
        if (contains(likely, pc))
            return add(position, likely, pc);
        for (std::size_t part = 0; part < source_->blocks.size(); ++part)
            if (contains(part, pc))
                return add(position, part, pc);
        none(position);
    }
    void none(std::size_t position) const {
        if (marks_ != nullptr)
            marks_->no_guest(position - start_);
    }
    // `size` bytes at `position` are no code.
    void data(std::size_t position, std::size_t size) const {
        if (marks_ != nullptr)
            marks_->data(position - start_, size);
    }
    void block(std::size_t position, optimizer::BlockId id, const optimizer::BasicBlock& block) const {
        CodeLabel label{};
        label.name = "block";
        label.number = id;
        label.part = id == 0 ? CodeMark::kNoGuest : block.source;
        label.loop = block.loop;
        label.loop_depth = block.depth;
        label.weight = block.weight;
        add(position, label);
    }
    void place(std::size_t position, std::string_view name, std::int32_t number = -1) const {
        CodeLabel label{};
        label.name = name;
        label.number = number;
        add(position, label);
    }

private:
    bool contains(std::size_t part, std::int32_t pc) const {
        const optimizer::SourceBlock& block = source_->blocks[part];
        const ir::Instruction& last = source_->instructions[block.first + block.count - 1];
        return pc >= block.pc && pc - block.pc <= last.pc_offset;
    }
    void add(std::size_t position, std::size_t part, std::int32_t pc) const {
        marks_->guest(position - start_, part, static_cast<std::uint64_t>(pc - source_->blocks[part].pc));
    }
    void add(std::size_t position, CodeLabel& label) const {
        label.host_offset = static_cast<std::uint32_t>(position - start_);
        if (marks_ != nullptr)
            marks_->label(label);
    }

    CodeMarks* marks_ = nullptr;
    const optimizer::RegionSource* source_ = nullptr;
    std::size_t start_ = 0;
};

} // namespace ashlar::jit
