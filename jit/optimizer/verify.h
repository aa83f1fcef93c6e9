// Checks that a region's graph is well-formed. Run between the passes where EngineOptions::verify_ir asks for
// it.
#pragma once

#include <string_view>

#include "jit/optimizer/graph.h"

namespace ashlar::jit::optimizer {

enum class Stage : std::uint8_t {
    Values, // before loads and stores have probes
    Probed,
    Charged, // Probed, and BasicBlock::pending is set
};

struct GraphVerdict {
    // Empty when the graph is well-formed; else what is wrong in `block`, at `node` if that is one.
    std::string_view message;
    BlockId block = kNoBlock;
    NodeId node = kNoNode;

    bool ok() const { return message.empty(); }
};

// The rules: a block's nodes are one list, phis and entry values where they belong. Every value that a node,
// a block's end, a phi's predecessor or an exit's state looks at is in the graph, of the right type, and
// computed before on every way there. An exit comes before anything that its guest instruction or a later one
// has done to memory. Every load and store has a probe that covers it, for writing if it writes; streams
// start right before their loop, from where their address starts. What is charged on the ways to a block does
// not depend on the way.
GraphVerdict verify(Graph& graph, Stage stage);

} // namespace ashlar::jit::optimizer
