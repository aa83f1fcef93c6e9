#include "jit/optimizer/optimizer.h"

#include "jit/optimizer/passes.h"

namespace ashlar::jit::optimizer {

bool Optimizer::holds(std::string_view pass, Stage stage) {
    if (!verifies_ || graph_.overflowed())
        return true;
    verdict_ = verify(graph_, stage);
    if (!verdict_.ok()) {
        failed_pass_ = pass;
        refusal_ = verdict_.message;
    }
    return verdict_.ok();
}

bool Optimizer::run(const RegionSource& source, Supports supports, const RegisterFile& file,
                    unsigned passes) {
    const auto wanted = [&](Pass pass) { return (passes & pass) != 0; };
    const auto refuse = [this](std::string_view why) {
        refusal_ = why;
        return false;
    };
    refusal_ = failed_pass_ = {};
    verdict_ = {};
    if (!build(source, supports, graph_, folder_))
        return refuse(graph_.overflowed()
                          ? "too large to build"
                          : "leaves before its first instruction, or too many ways lead to a block");
    simplify_phis(graph_);
    find_words(graph_);
    renumber(graph_, folder_);
    if (!holds("building", Stage::Values))
        return false;
    if (wanted(kRenumber)) {
        simplify_phis(graph_);
        find_words(graph_);
        renumber(graph_, folder_);
        if (!holds("renumbering", Stage::Values))
            return false;
    }
    if (wanted(kFuseBranches))
        fuse_branches(graph_);
    if (wanted(kMergeGuards)) {
        merge_guards(graph_);
        merge_leaves(graph_);
        merge_alignments(graph_);
        pair_reservations(graph_);
    }
    if (!holds("fusing branches and merging checks", Stage::Values))
        return false;
    if (wanted(kHoist))
        hoist_invariants(graph_);
    if (!holds("hoisting", Stage::Values))
        return false;
    if (wanted(kExtents))
        insert_extents(graph_, source);
    insert_probes(graph_, wanted(kShareProbes));
    if (!holds("inserting probes", Stage::Probed))
        return false;
    remove_dead(graph_);
    if (!holds("removing the dead", Stage::Probed))
        return false;
    if (wanted(kSink))
        sink_into_exits(graph_);
    if (!holds("sinking", Stage::Probed))
        return false;
    if (wanted(kDelayNans))
        delay_nans(graph_);
    if (wanted(kDelayBoxes))
        delay_boxes(graph_);
    if (wanted(kNarrow))
        find_demanded(graph_);
    else
        for (Node& node : graph_.nodes)
            node.needs_upper = true;
    plan_charges(graph_);
    if (!holds("planning charges", Stage::Charged))
        return false;
    if (graph_.overflowed())
        return refuse("too large to optimize");
    return allocation_.run(graph_, file) || refuse("too many values to keep");
}

} // namespace ashlar::jit::optimizer
