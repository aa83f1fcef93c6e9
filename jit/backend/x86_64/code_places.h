// Where host code stays: the code memory, with a part for tier 1's blocks and one for tier 2's regions.
#pragma once

#include "jit/backend/x86_64/emitter.h"
#include "jit/native_compiler.h"
#include "jit/piece_heap.h"

namespace ashlar::jit::x86_64 {

// Positions are offsets in the code memory, below Encoder::kUnplaced.
class CodePlaces {
public:
    // The memory begins with what `shared` has emitted, which stays.
    CodePlaces(const CodeMemory& memory, const Emitter& shared);

    // A copy of the code, for good or until it is freed: its position, or 0 if there is no room.
    std::size_t place(CodePart part, const UnplacedCode& code);
    void free(CodePart part, std::size_t position) { heap(part).free(memory_.writable.data() + position); }
    // Frees everything but what is shared.
    void clear();
    CodeRoom room(CodePart part) const;

    std::size_t shared_bytes() const { return shared_bytes_; }
    const std::byte* executable(std::size_t position) const { return memory_.executable + position; }
    std::size_t position_of(const void* code) const {
        return static_cast<std::size_t>(static_cast<const std::byte*>(code) - memory_.executable);
    }
    // Changes to placed code.
    template <class T>
    void patch(std::size_t position, T value) {
        std::memcpy(memory_.writable.data() + position, &value, sizeof value);
    }
    void bind(std::size_t rel32_position, std::size_t target) {
        patch(rel32_position, static_cast<std::uint32_t>(target - (rel32_position + 4)));
    }
    template <class T>
    T read(std::size_t position) const {
        T value;
        std::memcpy(&value, memory_.writable.data() + position, sizeof value);
        return value;
    }

private:
    PieceHeap& heap(CodePart part) { return heaps_[static_cast<std::size_t>(part)]; }

    CodeMemory memory_;
    std::size_t shared_bytes_;
    std::array<PieceHeap, kCodeParts> heaps_;
};

} // namespace ashlar::jit::x86_64
