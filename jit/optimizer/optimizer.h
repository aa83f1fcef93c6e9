// The optimizing tier up to the host: from a region's IR to a graph with registers.
#pragma once

#include "jit/optimizer/allocate.h"
#include "jit/optimizer/build.h"
#include "jit/optimizer/verify.h"

namespace ashlar::jit::optimizer {

// Passes that may be left out, to find the one that errs. What they all do is worth the same code, only
// slower.
enum Pass : unsigned {
    kRenumber = 1u << 0, // value numbering across phis
    kFuseBranches = 1u << 1,
    kHoist = 1u << 2, // invariants out of loops
    kShareProbes = 1u << 3,
    kNarrow = 1u << 4, // no sign extension that nobody looks at
    kMergeGuards = 1u << 5,
    kSink = 1u << 6,        // what only exits need is left to them
    kExtents = 1u << 7,     // checks against extents where they are expected to hold, in place of probes
    kUnrollLoops = 1u << 8, // where a region is formed
    kDelayNans = 1u << 9,   // NaNs are made canonical where somebody sees which they are
    kDelayBoxes = 1u << 10, // and singles boxed
    kAllPasses = (1u << 11) - 1,
};

// Reusable; large. Used by one thread.
class Optimizer {
public:
    // False when the region is too large or needs too many registers: see refusal().
    bool run(const RegionSource& source, Supports supports, const RegisterFile& file,
             unsigned passes = kAllPasses);
    // From now on every pass is followed by a look at the graph; run() ends where that finds something.
    void set_verification(bool wanted) { verifies_ = wanted; }
    // What it found in the last run, and behind which pass.
    const GraphVerdict& verdict() const { return verdict_; }
    std::string_view failed_pass() const { return failed_pass_; }
    Graph& graph() { return graph_; }
    Allocation& allocation() { return allocation_; }
    std::string_view refusal() const { return refusal_; }

private:
    bool holds(std::string_view pass, Stage stage);

    bool verifies_ = false;
    GraphVerdict verdict_;
    std::string_view failed_pass_;
    Graph graph_;
    Folder folder_{graph_};
    Allocation allocation_;
    std::string_view refusal_;
};

} // namespace ashlar::jit::optimizer
