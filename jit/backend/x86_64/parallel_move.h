// Moves that happen at once: sources are read before destinations change.
#pragma once

#include "jit/optimizer/allocate.h"

namespace ashlar::jit::x86_64 {

struct Move {
    optimizer::Location to, from;
    optimizer::NodeId node = optimizer::kNoNode; // what `from` is, for Recompute
    bool extend = false;                         // the low half is to be sign-extended
};

constexpr std::size_t kMaxMoves = 96;
using Moves = optimizer::Bounded<Move, kMaxMoves>;

// Calls emit(move) in an order that is safe one by one. Where moves form a cycle, save(location) is called
// first: it keeps the location's value aside and returns where; one value at a time is aside.
template <class Emit, class Save>
void order_moves(Moves& moves, Emit emit, Save save) {
    std::size_t left = moves.size();
    const auto is_source = [&](const optimizer::Location& location, std::size_t except) {
        for (std::size_t i = 0; i < left; ++i)
            if (i != except && moves[i].from == location)
                return true;
        return false;
    };
    while (left != 0) {
        bool progress = false;
        for (std::size_t i = 0; i < left;) {
            if (is_source(moves[i].to, i)) {
                ++i;
                continue;
            }
            if (!(moves[i].to == moves[i].from) || moves[i].extend)
                emit(moves[i]);
            moves[i] = moves[--left];
            progress = true;
        }
        if (progress)
            continue;
        const optimizer::Location blocked = moves[0].to;
        const optimizer::Location aside = save(blocked);
        for (std::size_t i = 0; i < left; ++i)
            if (moves[i].from == blocked)
                moves[i].from = aside;
    }
    moves.clear();
}

} // namespace ashlar::jit::x86_64
