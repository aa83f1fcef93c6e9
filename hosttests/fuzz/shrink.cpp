#include "hosttests/fuzz/shrink.h"

namespace ashlar::jit::fuzz {

namespace {

constexpr int kMaxAttempts = 400;

// Switches off the units [first, first + count), with whatever else is in their groups.
Program without(Program program, std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count && i < program.units.size(); ++i) {
        const unsigned group = program.units[i].group;
        program.units[i].enabled = false;
        for (Unit& unit : program.units)
            if (group != 0 && unit.group == group)
                unit.enabled = false;
    }
    return program;
}

bool changes(const Program& program, std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count && i < program.units.size(); ++i)
        if (program.units[i].enabled)
            return true;
    return false;
}

} // namespace

Program shrink(Program program, const std::function<bool(const Program&)>& fails) {
    int attempts = 0;
    const auto accept = [&](const Program& candidate) {
        if (++attempts > kMaxAttempts || !fails(candidate))
            return false;
        program = candidate;
        return true;
    };
    for (std::size_t count = program.units.size(); count > 0; count /= 2)
        for (std::size_t first = 0; first < program.units.size(); first += count)
            if (changes(program, first, count))
                accept(without(program, first, count));
    for (std::size_t i = 1; i < 32; ++i) {
        Program candidate = program;
        if (i != 2 && i != 8 && i != 9 && candidate.start.x[i] != 0) {
            candidate.start.x[i] = 0;
            accept(candidate);
        }
    }
    return program;
}

} // namespace ashlar::jit::fuzz
