// Listings of what the engine makes of guest code: IR and host code.
#pragma once

#include "jit/hosted/host_disassembler.h"
#include "jit/hosted/listing.h"

namespace ashlar::jit::hosted {

// The IR of each block, between the guest instructions that it is of.
class IrDump final : public CodeObserver {
public:
    IrDump(Sink& sink, const Symbols& symbols, const AddressFilter& filter)
        : sink_(sink), symbols_(symbols), filter_(filter) {}
    void block_lifted(const GuestCode& guest, const ir::Block& block) override;

private:
    Sink& sink_;
    const Symbols& symbols_;
    AddressFilter filter_;
};

// The graphs of regions, between the guest instructions that values were made for first.
class GraphDump final : public CodeObserver {
public:
    GraphDump(Sink& sink, const Symbols& symbols, const AddressFilter& filter)
        : sink_(sink), symbols_(symbols), filter_(filter) {}
    void region_optimized(const OptimizedRegion& region) override;

private:
    Sink& sink_;
    const Symbols& symbols_;
    AddressFilter filter_;
};

// The host code of all tiers, between the guest instructions that it is of.
class CodeDump final : public CodeObserver {
public:
    CodeDump(Sink& sink, const Symbols& symbols, const AddressFilter& filter)
        : sink_(sink), symbols_(symbols), filter_(filter) {}
    void code_emitted(const EmittedCode& emitted) override;
    void code_flushed() override;

private:
    bool wanted(const EmittedCode& emitted) const;
    void print_marked(const EmittedCode& emitted);
    void print_guest(const EmittedCode& emitted, const CodeMark& mark);
    void print_label(const EmittedCode& emitted, std::span<const CodeLabel>::iterator label);
    static std::string name_of(const CodeLabel& label);

    Sink& sink_;
    const Symbols& symbols_;
    AddressFilter filter_;
    HostDisassembler disassembler_;
    HostPlaces shared_; // code that translations share
};

} // namespace ashlar::jit::hosted
