// A line of text for every block that runs.
#pragma once

#include "jit/execution_observer.h"
#include "jit/hosted/listing.h"

namespace ashlar::jit::hosted {

class ExecutionTrace final : public ExecutionObserver {
public:
    ExecutionTrace(Sink& sink, const Symbols& symbols, const AddressFilter& filter)
        : sink_(sink), symbols_(symbols), filter_(filter) {}
    void executed(const Execution& execution) override;

private:
    Sink& sink_;
    const Symbols& symbols_;
    AddressFilter filter_;
};

} // namespace ashlar::jit::hosted
