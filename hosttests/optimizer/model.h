// Guest state, memory and the two ways to run a region in these tests: its IR one guest instruction after the
// other, and its graph node by node.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "jit/optimizer/optimizer.h"

namespace ashlar::jit::optimizer::test {

// Pages at odd places of a 64-bit address space, each with its own place in the host's, far from the others:
// an access through the wrong page's addend hits nothing.
class Memory {
public:
    struct Page {
        std::uint64_t address;
        bool writable;
    };
    explicit Memory(std::vector<Page> pages) : pages_(std::move(pages)), bytes_(pages_.size() * kPageSize) {}

    static constexpr std::uint64_t kPageSize = 4096;
    void fill(std::mt19937_64& random);
    // What is added to addresses of the page that [address, address + length) lies in.
    std::optional<std::uint64_t> addend(std::uint64_t address, std::uint64_t length, bool writes) const;
    // By host addresses. False when some byte is no page's.
    bool load(std::uint64_t host, unsigned width, std::uint64_t& value) const;
    bool store(std::uint64_t host, unsigned width, std::uint64_t value, bool& writable);
    bool operator==(const Memory& other) const { return bytes_ == other.bytes_; }

private:
    static constexpr std::uint64_t kHost = 0x7000'0000'0000, kDistance = 0x100'0000;
    std::optional<std::size_t> find(std::uint64_t host, unsigned width) const;

    std::vector<Page> pages_;
    std::vector<std::uint8_t> bytes_;
};

struct Reservation {
    bool valid = false;
    std::uint64_t host = 0, value = 0;
    bool operator==(const Reservation&) const = default;
};

struct State {
    std::array<std::uint64_t, kValueSlots> slots{};
    std::uint64_t pc = 0; // virtual
    Memory memory;
    Reservation reservation{};
    std::array<std::uint64_t, ir::kStateSlots> words{}; // those that are no values
};

// An access at a host address, of a node or of an instruction of IR.
struct Access {
    ir::Opcode opcode;
    unsigned width, attribute;
    std::uint64_t host, value; // what is stored
};
// Returns what went wrong.
std::string access_memory(State& state, const Access& access, std::uint64_t& result);

// What floating point computes is not the optimizer's business: some function of its operands.
std::uint64_t float_result(ir::Opcode opcode, unsigned attribute, ir::Precision precision, unsigned rounding,
                           std::uint64_t a, std::uint64_t b, std::uint64_t c);
// Whether it depends on the rounding mode.
constexpr bool rounds(ir::Opcode opcode) {
    return opcode == ir::Opcode::FloatArithmetic || opcode == ir::Opcode::FloatFused;
}
// `raw` is what memory holds.
std::uint64_t extend(std::uint64_t raw, unsigned width, unsigned attribute);
bool holds(ir::Condition condition, std::uint64_t a, std::uint64_t b);

// Runs `instructions` guest instructions of the region that is entered at state.pc. Returns what went wrong.
std::string run_plainly(const RegionSource& source, State& state, unsigned instructions);

struct GraphRun {
    std::string error;
    unsigned charged = 0;  // by the rules of the emitter
    unsigned executed = 0; // guest instructions on the way that was taken
};

// Runs a graph until it is left. Values whose upper half is not needed have a random one.
class GraphMachine {
public:
    GraphMachine(Graph& graph, std::uint64_t seed) : graph_(graph), random_(seed), chance_(seed) {}

    // One in so many probes, guards and floating-point operations leaves the region without need; 0: none.
    void set_reluctance(unsigned one_in) { reluctance_ = one_in; }
    // Instructions after which a way back is an exit.
    void set_budget(unsigned instructions) { budget_ = instructions; }
    GraphRun run(State& state);
    // The value that a node had last.
    std::uint64_t value(NodeId id) { return values_[graph_.resolve(id)]; }
    bool is_known(NodeId id) const { return known_[id]; }

private:
    struct Stream {
        std::uint64_t end = 0, addend = 0;
    };

    struct Extent {
        std::uint64_t page = 0, addend = 0;
        bool valid = false;
    };

    bool refuses() { return reluctance_ != 0 && chance_() % reluctance_ == 0; }
    void fail(const std::string& message) {
        if (run_.error.empty())
            run_.error = message;
    }
    bool is_narrow(NodeId id) const;
    std::uint64_t full(NodeId id); // as an exit sees it
    void define(NodeId id, std::uint64_t value);
    void execute(NodeId id);
    void operate(NodeId id);
    void access(NodeId id);
    void probe(NodeId id);
    void start_stream(NodeId id);
    void choose_extents();
    void check_extent(NodeId id);
    bool compare(NodeId a, NodeId b, ir::Condition condition);
    void take(BlockId from, const Edge& edge);
    std::uint64_t address_of(const BasicBlock& block); // where an indirect jump goes
    void move_phis(BlockId from, BlockId to);
    void leave(BlockId block, unsigned sets, std::uint64_t pc, unsigned charge, unsigned index);
    void leave_before(NodeId id);

    Graph& graph_;
    std::mt19937_64 random_, chance_;
    unsigned reluctance_ = 0, budget_ = 2000;
    State* state_ = nullptr;
    std::uint64_t base_ = 0; // pc of the region
    bool left_ = false;
    BlockId next_ = kNoBlock;
    GraphRun run_;
    std::array<Stream, Graph::kMaxStreams> streams_{};
    std::array<Extent, kExtentSlots> extents_{};
    std::vector<std::uint64_t> values_ = std::vector<std::uint64_t>(kMaxNodes);
    std::vector<bool> known_ = std::vector<bool>(kMaxNodes);
};

} // namespace ashlar::jit::optimizer::test
