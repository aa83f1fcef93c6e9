#include "jit/mmu/prefetch.h"

namespace ashlar::jit::mmu {

std::optional<Prefetch> prefetch_named(std::string_view name) {
    if (name == "none")
        return Prefetch::None;
    if (name == "next")
        return Prefetch::NextPage;
    if (name == "stride")
        return Prefetch::Stride;
    return std::nullopt;
}

std::optional<std::uint64_t> Prefetcher::after_walk(std::uint64_t address) {
    if (kind_ == Prefetch::NextPage)
        return address + kPageSize;
    if (kind_ != Prefetch::Stride)
        return std::nullopt;
    const std::uint64_t page = address >> kPageShift, stretch = address >> kStretchShift;
    Stream& stream = streams_[stretch % kStreams];
    if (stream.stretch != stretch) {
        stream = {stretch, page, 0};
        return std::nullopt;
    }
    const std::uint64_t stride = page - stream.page;
    const bool again = stride != 0 && stride == stream.stride;
    stream = {stretch, page, stride};
    if (!again)
        return std::nullopt;
    return (page + stride) << kPageShift;
}

} // namespace ashlar::jit::mmu
