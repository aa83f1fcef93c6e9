// Which page is worth a look into the page tables before anybody asks for it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "jit/mmu/page.h"

namespace ashlar::jit::mmu {

enum class Prefetch : std::uint8_t {
    None,
    NextPage,
    Stride, // the page as far from a walk as that was from the one before, when it was so twice
};
// "none", "next", "stride".
std::optional<Prefetch> prefetch_named(std::string_view name);

class Prefetcher {
public:
    explicit Prefetcher(Prefetch kind) : kind_(kind) {}
    bool is_on() const { return kind_ != Prefetch::None; }
    // An address in the page that may be wanted after a walk for `address`. It may be any address at all.
    std::optional<std::uint64_t> after_walk(std::uint64_t address);

private:
    // Walks in a stretch of 16 MiB, which is one stream: what is laid out together is walked through
    // together.
    struct Stream {
        std::uint64_t stretch = ~std::uint64_t{0}, page = 0, stride = 0;
    };
    static constexpr std::size_t kStreams = 16;
    static constexpr unsigned kStretchShift = 24;

    Prefetch kind_;
    std::array<Stream, kStreams> streams_{};
};

} // namespace ashlar::jit::mmu
