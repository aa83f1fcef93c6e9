// Tier 2 on x86-64: a region's source to host code.
#pragma once

#include "jit/backend/x86_64/region_emitter.h"
#include "jit/optimizer/optimizer.h"

namespace ashlar::jit::x86_64 {

// Emits through the emitter of the tier below, whose thunks it shares. Large.
class RegionCompiler {
public:
    RegionCompiler(Emitter& emitter, bool shared_memory) : e_(emitter), region_(emitter, shared_memory) {}

    // What regions share; `thunks` are tier 1's, to be completed.
    void emit_shared(RegionThunks thunks);
    // The position of the region's entry, 0 when it is not to be: `generation_site` as in RegionEmitter.
    std::size_t compile(const optimizer::RegionSource& source, const RegionEnvironment& environment,
                        unsigned passes, std::size_t& generation_site);
    // Graphs are looked at between passes; one that is not well-formed stops the program.
    void set_verification(bool wanted) { optimizer_.set_verification(wanted); }
    // What became of the last region, for observers.
    optimizer::Graph& graph() { return optimizer_.graph(); }
    const optimizer::Allocation& allocation() { return optimizer_.allocation(); }
    std::string_view refusal() const {
        return optimizer_.refusal().empty() ? "too much code" : optimizer_.refusal();
    }
    std::size_t constants() const { return region_.constants(); }
    const RegionThunks& thunks() const { return region_.thunks(); }

private:
    void emit_probe_thunk(bool with_float);

    Emitter& e_;
    RegionEmitter region_;
    optimizer::Optimizer optimizer_;
};

} // namespace ashlar::jit::x86_64
