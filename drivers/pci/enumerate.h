// Finds the functions behind a host bridge, over all bridges.
#pragma once

#include <span>

#include "drivers/pci/function.h"

namespace ashlar::pci {

// Hears of the functions that are found: bridges before what is behind them, by when their last bus may not
// be known yet.
class FunctionVisitor {
public:
    virtual void found(const Function& function) = 0;

protected:
    ~FunctionVisitor() = default;
};

// Walks the buses of a segment from `range.first` on. Bridges that firmware has left without buses get some
// where the numbers suffice. Lines about what makes no sense go to `diagnostics`. Each bus is visited once,
// whatever the bridges say.
void enumerate(ConfigAccess& access, const BusRange& range, FunctionVisitor& visitor, Sink& diagnostics);

// Reads anew what the bridges among them pass on.
void refresh_bridges(ConfigAccess& access, std::span<Function> functions);

} // namespace ashlar::pci
