#include "jit/backend/x86_64/code_places.h"

namespace ashlar::jit::x86_64 {

CodePlaces::CodePlaces(const CodeMemory& memory, const Emitter& shared)
    : memory_(memory), shared_bytes_(shared.emitted().size()) {
    ASHLAR_ASSERT(shared_bytes_ <= memory_.writable.size());
    std::memcpy(memory_.writable.data(), shared.emitted().data(), shared_bytes_);
    clear();
}

void CodePlaces::clear() {
    // Regions are fewer than blocks, and several times as large.
    constexpr std::size_t kShare = 8, kShareOfRegions = 3;
    const MutableBytes rest = memory_.writable.subspan(shared_bytes_);
    const std::size_t blocks = rest.size() / kShare * (kShare - kShareOfRegions);
    for (PieceHeap& heap : heaps_)
        heap.clear();
    heap(CodePart::Blocks).add(rest.first(blocks));
    heap(CodePart::Regions).add(rest.subspan(blocks));
}

std::size_t CodePlaces::place(CodePart part, const UnplacedCode& code) {
    std::byte* const to = heap(part).allocate(code.bytes.size());
    if (to == nullptr)
        return 0;
    const auto position = static_cast<std::size_t>(to - memory_.writable.data());
    std::memcpy(to, code.bytes.data(), code.bytes.size());
    // As it is, the distances are those from where the code was emitted.
    const auto moved = static_cast<std::uint32_t>(Encoder::kUnplaced - position);
    for (const std::uint32_t outward : code.outward)
        patch(position + outward, read<std::uint32_t>(position + outward) + moved);
    return position;
}

CodeRoom CodePlaces::room(CodePart part) const {
    const PieceHeap& heap = heaps_[static_cast<std::size_t>(part)];
    return {heap.used(), heap.capacity()};
}

} // namespace ashlar::jit::x86_64
