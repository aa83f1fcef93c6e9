// Tier 2 on x86-64: a region's source to host code.
#pragma once

#include "jit/backend/x86_64/region_emitter.h"
#include "jit/optimizer/optimizer.h"

namespace ashlar::jit::x86_64 {

// Large.
class RegionCompiler {
public:
    static Result<std::unique_ptr<RegionCompiler>> create(bool shared_memory);

    // What regions share, through the emitter of the tier below; `thunks` are that tier's, to be completed.
    void emit_shared(Emitter& emitter, RegionThunks thunks);
    // The region's code, empty when it is not to be: see refusal(). Valid until the next call. May be another
    // thread's, as may what follows here.
    UnplacedCode compile(const optimizer::RegionSource& source, const RegionEnvironment& environment,
                         unsigned passes);
    // Of the immediate of its entry's guard, 0 for a region in one page.
    std::uint32_t generation_offset() const {
        return region_.generation_site() == 0
                   ? 0
                   : static_cast<std::uint32_t>(region_.generation_site() - Encoder::kUnplaced);
    }
    // Graphs are looked at between passes; one that is not well-formed stops the program.
    void set_verification(bool wanted) { optimizer_.set_verification(wanted); }
    // What became of the last region, for observers.
    optimizer::Graph& graph() { return optimizer_.graph(); }
    const optimizer::Allocation& allocation() { return optimizer_.allocation(); }
    std::string_view refusal() const {
        return optimizer_.refusal().empty() ? "too much code" : optimizer_.refusal();
    }
    const RegionThunks& thunks() const { return region_.thunks(); }

private:
    RegionCompiler(std::unique_ptr<Emitter> emitter, bool shared_memory)
        : emitter_(std::move(emitter)), region_(*emitter_, shared_memory) {}

    static void emit_probe_thunk(Emitter& emitter, const RegionThunks& thunks, bool with_float);

    std::unique_ptr<Emitter> emitter_;
    RegionEmitter region_;
    optimizer::Optimizer optimizer_;
};

} // namespace ashlar::jit::x86_64
