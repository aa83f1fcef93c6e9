#include "jit/mmu/replacement.h"

namespace ashlar::jit::mmu {

std::optional<Replacement> replacement_named(std::string_view name) {
    if (name == "lru")
        return Replacement::Lru;
    if (name == "plru")
        return Replacement::TreePlru;
    if (name == "random")
        return Replacement::Random;
    if (name == "adaptive")
        return Replacement::Adaptive;
    return std::nullopt;
}

} // namespace ashlar::jit::mmu
