#include "hosttests/optimizer/region.h"

#include <gtest/gtest.h>

#include <cinttypes>

#include "jit/optimizer/printer.h"

namespace ashlar::jit::optimizer::test {

Optimizer& optimizer() {
    static const std::unique_ptr<Optimizer> kept = [] {
        auto created = std::make_unique<Optimizer>();
        created->set_verification(true);
        return created;
    }();
    return *kept;
}

RegisterFile register_file() {
    RegisterFile file;
    file.pinned.fill(-1);
    const std::array<std::pair<unsigned, int>, 4> pinned = {{{2, 3}, {8, 6}, {10, 7}, {11, 8}}};
    for (const auto& [slot, host] : pinned)
        file.pinned[slot] = static_cast<std::int8_t>(host);
    file.integer = 1u << 1 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 10 | 1u << 11;
    file.floating = 0x1fff;
    file.first_spill_slot = 100;
    file.spill_slots = 100;
    return file;
}

RegisterFile small_register_file() {
    RegisterFile file = register_file();
    file.integer = 1u << 1 | 1u << 3 | 1u << 6 | 1u << 7 | 1u << 8;
    file.floating = 3;
    return file;
}

Graph& optimize(const RegionSource& source, unsigned passes, Supports supports) {
    const bool done = optimizer().run(source, supports, register_file(), passes);
    const GraphVerdict& verdict = optimizer().verdict();
    EXPECT_TRUE(verdict.ok()) << "behind " << optimizer().failed_pass() << ": " << verdict.message
                              << ", block " << int{verdict.block} << ", node " << verdict.node;
    EXPECT_TRUE(done);
    return optimizer().graph();
}

std::vector<Node> nodes(Graph& graph, Kind kind) {
    std::vector<Node> found;
    for (const BlockId id : graph.order)
        for (NodeId n = graph.blocks[id].first; n != kNoNode; n = graph.at(n).next)
            if (graph.at(n).kind == kind)
                found.push_back(graph.at(n));
    return found;
}

std::string to_string(Optimizer& of) {
    static BufferSink<65536> sink;
    sink.clear();
    const RegisterFile file = register_file();
    Printer(of.graph(), of.allocation(), file, 0, sink).print();
    return std::string(sink.view());
}

Memory test_memory(std::mt19937_64& random) {
    Memory memory({{0, true},
                   {0x1000, random() % 2 == 0},
                   {0x2000, true},
                   {0x10'0000, true},
                   {0x10'1000, true},
                   {0x10'2000, random() % 4 != 0},
                   {0x10'3000, true},
                   {std::uint64_t{0} - 0x1000, true},
                   {std::uint64_t{0} - 0x2000, true},
                   {std::uint64_t{0} - 0x3000, random() % 2 == 0}});
    memory.fill(random);
    return memory;
}

namespace {

std::uint64_t random_value(std::mt19937_64& random) {
    switch (random() % 6) {
    case 0: return random() % 4 - 2;
    case 1: return std::uint64_t{1} << random() % 64;
    case 2: return (std::uint64_t{1} << random() % 64) - 1;
    case 3: return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(random())}); // a word
    default: return random();
    }
}

std::uint64_t random_pointer(std::mt19937_64& random) {
    const std::uint64_t offset = random() % 3 == 0 ? 0xf00 + random() % 0x100 : random() % 0x1000;
    if (random() % 4 == 0)
        return (random() % 6 << 12) - 0x3000 + offset; // across the end of the address space
    return 0x10'0000 + (random() % 4 << 12) + offset;
}

} // namespace

State random_state(std::mt19937_64& random) {
    State state{{}, 0x4000'0000 + (random() % 16 << 12), test_memory(random)};
    for (std::size_t slot = 1; slot < kValueSlots; ++slot)
        state.slots[slot] = random_value(random);
    for (const std::size_t slot : {8, 9, 10})
        state.slots[slot] = random_pointer(random);
    if (random() % 4 == 0)
        state.slots[9] = state.slots[8] & ~std::uint64_t{7};
    for (const std::size_t slot : {5, 6, 7})
        state.slots[slot] = 1 + random() % 40; // counters
    for (unsigned word = ir::kFrontendSlot; word < ir::kStateSlots; ++word)
        state.words[word] = random() % 3 == 0 ? 0 : random_value(random);
    state.words[ir::kRoundingSlot] = random() % 4 == 0 ? 1 : 0;
    return state;
}

std::string difference(const RegionSource& source, Graph& graph, const State& state, GraphMachine& machine) {
    State actual = state, expected = state;
    const GraphRun run = machine.run(actual);
    const auto text = [](const char* format, auto... values) {
        char buffer[200];
        std::snprintf(buffer, sizeof buffer, format, values...);
        return std::string(buffer);
    };
    if (!run.error.empty())
        return run.error;
    if (run.charged != run.executed)
        return text("%u instructions are charged and %u were executed", run.charged, run.executed);
    if (const std::string error = run_plainly(source, expected, run.executed); !error.empty())
        return error;
    if (actual.pc != expected.pc)
        return text("pc is %" PRIx64 " instead of %" PRIx64, actual.pc, expected.pc);
    for (unsigned slot = 0; slot < kValueSlots; ++slot)
        if (actual.slots[slot] != expected.slots[slot])
            return text("slot %u is %" PRIx64 " instead of %" PRIx64, slot, actual.slots[slot],
                        expected.slots[slot]);
    (void)graph;
    if (actual.reservation != expected.reservation)
        return "the reservation differs";
    if (actual.words != expected.words)
        return "words of the state differ";
    return actual.memory == expected.memory ? "" : "memory differs";
}

} // namespace ashlar::jit::optimizer::test
