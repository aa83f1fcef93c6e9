// What a program that wants to look into the engine learns of its translations: for dumps and profilers.
//
// The engine calls an observer on the thread that runs the hart, in the middle of its work: it must not call
// the engine back. Everything that it is given is valid during the call only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/address.h"
#include "lib/bytes.h"

namespace ashlar::jit {

namespace ir {
class Block;
}
namespace optimizer {
struct Graph;
struct RegisterFile;
class Allocation;
} // namespace optimizer

// Guest instructions that lie one behind the other.
struct GuestCode {
    // The address at which they were executed when they were translated. Other mappings of the same memory
    // share the translation.
    GuestVirtualAddress virtual_address;
    GuestPhysicalAddress physical_address;
    std::uint32_t instructions = 0;
    Bytes bytes;
};

// Host code from `host_offset` up to the next mark belongs to one guest instruction.
struct CodeMark {
    // As `part`: to none; it is not code but data.
    static constexpr std::uint16_t kNoGuest = 0xffff, kData = 0xfffe;
    std::uint32_t host_offset;  // from the beginning of EmittedCode::code
    std::uint16_t part;         // index into EmittedCode::guest
    std::uint16_t guest_offset; // of the instruction in that part, bytes
};

// A place in host code.
struct CodeLabel {
    std::uint32_t host_offset; // from the beginning of EmittedCode::code
    std::string_view name;     // "block", or what is there
    std::int32_t number = -1;  // where there are several with that name
    // Of a basic block:
    std::uint16_t part = CodeMark::kNoGuest; // index into EmittedCode::guest: what it was made of
    std::uint16_t loop = 0;                  // number of the block that heads the innermost loop around it
    std::uint8_t loop_depth = 0;             // 0: in none
    std::uint32_t weight = 0;                // how often it is expected to run, relative to the others
};

struct EmittedCode {
    std::string_view name; // "block", "region", or the purpose of code without a guest part
    unsigned tier = 0;
    // What was translated, beginning with what the code is entered for; empty for code that translations
    // share.
    std::span<const GuestCode> guest;
    // At the addresses where it is executed. Links are not in it yet: code is patched later.
    Bytes code;
    std::span<const CodeMark> marks;     // by ascending host_offset; empty when not known
    std::span<const CodeLabel> labels{}; // by ascending host_offset
};

// A region as the optimizer left it.
struct OptimizedRegion {
    std::span<const GuestCode> guest; // block N of the graph was made of part N - 1
    std::string_view refusal;         // why it was not compiled; empty when it was
    optimizer::Graph& graph;          // not complete when it was refused
    const optimizer::Allocation& allocation;
    const optimizer::RegisterFile& registers;
};

class CodeObserver {
public:
    // A block has become IR, and will run in tier 0 first.
    virtual void block_lifted(const GuestCode&, const ir::Block&) {}
    // A hot region has been optimized; its code is emitted next.
    virtual void region_optimized(const OptimizedRegion&) {}
    // A tier has emitted host code.
    virtual void code_emitted(const EmittedCode&) {}
    // All translations of guest code are gone; their host addresses will be used again.
    virtual void code_flushed() {}

    virtual ~CodeObserver() = default;
};

} // namespace ashlar::jit
