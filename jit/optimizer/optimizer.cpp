#include "jit/optimizer/optimizer.h"

#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

bool Optimizer::run(const RegionSource& source, Supports supports, const RegisterFile& file,
                    unsigned passes) {
    const auto wanted = [&](Pass pass) { return (passes & pass) != 0; };
    if (!build(source, supports, graph_, folder_))
        return false;
    simplify_phis(graph_);
    find_words(graph_);
    renumber(graph_, folder_);
    if (wanted(kRenumber)) {
        simplify_phis(graph_);
        find_words(graph_);
        renumber(graph_, folder_);
    }
    if (wanted(kFuseBranches))
        fuse_branches(graph_);
    if (wanted(kMergeGuards))
        merge_guards(graph_);
    if (wanted(kHoist))
        hoist_invariants(graph_);
    insert_probes(graph_, wanted(kShareProbes));
    remove_dead(graph_);
    if (wanted(kSink))
        sink_into_exits(graph_);
    if (wanted(kNarrow))
        find_demanded(graph_);
    else
        for (Node& node : graph_.nodes)
            node.needs_upper = true;
    plan_charges(graph_);
    return !graph_.overflowed() && allocation_.run(graph_, file);
}

} // namespace ashlar::jit::optimizer
