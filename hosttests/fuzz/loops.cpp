// Control flow of loop programs. Every loop has a counter or a pointer that nothing in it changes, so that it
// ends.
#include "hosttests/fuzz/loops.h"

#include "hosttests/fuzz/encode.h"

namespace ashlar::jit::fuzz {

namespace {

constexpr std::uint64_t kMaxCost = 3000; // turns of the innermost loops
constexpr std::size_t kMaxUnits = 200;
constexpr unsigned kRa = 1, kCounters = 18, kDepth = 24, kStack = 25, kLimits = 26;
constexpr unsigned kPointers[3] = {2, 8, 9};

// How far branches reach.
constexpr std::int64_t kCompressedReach = 240, kReach = 4000, kIndirectReach = 2000;

std::vector<std::int64_t> byte_positions(const Program& program) {
    std::vector<std::int64_t> positions{0};
    for (const Unit& unit : program.units)
        positions.push_back(positions.back() + 2 * static_cast<std::int64_t>(unit.halves.size()));
    return positions;
}

// Units that do not reach their targets get longer; false when a branch does not even then.
bool reach_targets(Program& program) {
    for (bool changed = true; changed;) {
        changed = false;
        const std::vector<std::int64_t> at = byte_positions(program);
        if (at.back() > kReach)
            return false;
        for (std::size_t i = 0; i < program.units.size(); ++i) {
            Unit& unit = program.units[i];
            const std::int64_t distance = std::abs(at[unit.target] - at[i]);
            if (unit.fixup == Fixup::CompressedBranch && distance > kCompressedReach) {
                const std::uint32_t half = unit.halves[0];
                const std::uint32_t funct3 = half >= 0xe000 ? 1 : 0, rs1 = 8 + (half >> 7 & 7);
                unit.halves.clear();
                push_word(unit.halves, 0x63 | funct3 << 12 | rs1 << 15);
                unit.fixup = Fixup::Branch;
                changed = true;
            } else if (unit.fixup == Fixup::AddressAndJalr && distance > kIndirectReach) {
                unit.halves.clear();
                push_word(unit.halves, 0x6f | kRa << 7);
                unit.fixup = Fixup::Jump;
                changed = true;
            }
        }
    }
    return true;
}

} // namespace

Program LoopGenerator::run() {
    for (;;) {
        Program program = generate();
        if (reach_targets(program))
            return program;
        *this = LoopGenerator(random_.next()); // too long
    }
}

Program LoopGenerator::generate() {
    set_start();
    functions_ = static_cast<unsigned>(random_.below(4));
    add({encode_i(0x13, kDepth, 0, static_cast<std::int64_t>(random_.below(random_.one_in(4) ? 40 : 7)))});
    add_body(5 + static_cast<unsigned>(random_.below(10)));
    const std::size_t end = here();
    if (functions_ != 0) {
        add({0x6f}, Fixup::Jump);
        add_functions();
        program_.units[end].target = here();
    }
    return std::move(program_);
}

void LoopGenerator::add(std::initializer_list<std::uint32_t> words, Fixup fixup, std::size_t target) {
    Unit unit;
    for (const std::uint32_t word : words)
        push_word(unit.halves, word);
    unit.fixup = fixup;
    unit.target = target;
    unit.group = group_;
    program_.units.push_back(std::move(unit));
}

void LoopGenerator::add_body(unsigned statements) {
    for (; statements != 0 && here() < kMaxUnits; --statements)
        add_statement();
}

void LoopGenerator::add_statement() {
    const std::uint64_t choice = random_.below(100);
    if (choice < 62)
        return add_operation();
    if (choice < 74)
        return add_choice();
    if (choice < 84)
        return add_loop();
    if (choice < 89)
        return add_pointer_loop();
    if (choice < 92)
        return add_copy_loop();
    if (choice < 94)
        return add_switch();
    if (choice < 96)
        return add_call_of_pointer();
    add_call();
}

std::size_t LoopGenerator::add_branch_ahead(bool seldom) {
    if (seldom && !random_.one_in(4)) {
        add({branch(0, any(), any())}, Fixup::Branch); // values are seldom equal
        return here() - 1;
    }
    if (random_.one_in(4)) {
        Unit unit;
        unit.halves = {
            static_cast<std::uint16_t>((random_.one_in(2) ? 0xc001 : 0xe001) | random_.below(8) << 7)};
        unit.fixup = Fixup::CompressedBranch;
        unit.group = group_;
        program_.units.push_back(std::move(unit));
    } else {
        const auto funct3 = static_cast<unsigned>(random_.pick<6>({0, 1, 4, 5, 6, 7}));
        add({branch(funct3, any(), random_.one_in(3) ? 0 : any())}, Fixup::Branch);
    }
    return here() - 1;
}

// If, perhaps with an else.
void LoopGenerator::add_choice() {
    const std::size_t otherwise = add_branch_ahead();
    add_body(1 + static_cast<unsigned>(random_.below(3)));
    if (!random_.one_in(2))
        return land(otherwise);
    const std::size_t done = here();
    add({0x6f}, Fixup::Jump);
    land(otherwise);
    add_body(1 + static_cast<unsigned>(random_.below(2)));
    land(done);
}

// A counted loop that may be left in its midst and begun anew early.
void LoopGenerator::add_loop() {
    const std::uint64_t turns = 1 + random_.below(depth_ == 0 ? 40 : 9);
    if (depth_ == (function_ == 0 ? 3 : 3 + function_) || cost_ * turns > kMaxCost)
        return add_operation();
    const unsigned counter = kCounters + depth_, outer = group_, mine = ++groups_;
    const std::uint64_t cost = cost_;
    group_ = mine;
    add({encode_i(0x13, counter, 0, static_cast<std::int64_t>(turns))});
    group_ = outer;
    const std::size_t top = here();
    const bool tests_first = random_.one_in(4);
    if (tests_first) {
        group_ = mine;
        add({branch(5, 0, counter)}, Fixup::Branch); // bge zero, counter: out
        group_ = outer;
    }
    ++depth_;
    cost_ *= turns;
    std::vector<std::size_t> leave, next;
    for (std::uint64_t parts = 1 + random_.below(3); parts != 0; --parts) {
        add_body(1 + static_cast<unsigned>(random_.below(3)));
        if (random_.one_in(3))
            (random_.one_in(3) ? next : leave).push_back(add_branch_ahead(true));
    }
    cost_ = cost;
    --depth_;
    for (const std::size_t jump : next)
        land(jump);
    group_ = mine;
    const std::uint32_t step = encode_i(0x13, counter, counter, -1);
    if (tests_first)
        add({step, 0x6f}, Fixup::Jump, top);
    else
        add({step, branch(4, 0, counter)}, Fixup::Branch, top); // blt zero, counter
    group_ = outer;
    if (tests_first)
        land(top);
    for (const std::size_t jump : leave)
        land(jump);
}

// A pointer walks to a limit, by steps that may be conditional beside the last.
void LoopGenerator::add_pointer_loop() {
    const std::uint64_t which = random_.below(3), turns = 2 + random_.below(60);
    const auto stride = static_cast<std::int64_t>(random_.pick<10>({1, 2, 3, 4, 8, 8, 16, 24, 40, 64}));
    const std::int64_t way = stride * static_cast<std::int64_t>(turns);
    if (busy_[which] || pointer_depth_ == 2 || cost_ * turns > kMaxCost || way > 1200)
        return add_operation();
    const unsigned walker = kPointers[which], limit = kLimits + pointer_depth_, outer = group_;
    const std::uint64_t cost = cost_;
    const bool down = random_.one_in(4);
    const unsigned mine = ++groups_;
    group_ = mine;
    add_pointer(walker);
    add({encode_i(0x13, limit, walker, down ? -way : way)});
    group_ = outer;
    const std::size_t top = here();
    busy_[which] = true;
    cost_ *= turns;
    ++pointer_depth_;
    const std::size_t units = 1 + random_.below(4);
    for (std::size_t i = 0; i < units; ++i)
        random_.one_in(3) ? add_statement() : add_memory();
    if (random_.one_in(4)) { // an extra step on one of two ways: only grows
        const std::size_t over = add_branch_ahead();
        group_ = mine;
        add({encode_i(0x13, walker, walker, down ? -stride : stride)});
        group_ = outer;
        land(over);
    }
    --pointer_depth_;
    cost_ = cost;
    busy_[which] = false;
    group_ = mine;
    const std::uint32_t step = encode_i(0x13, walker, walker, down ? -stride : stride);
    add({step, down ? branch(6, limit, walker) : branch(6, walker, limit)}, Fixup::Branch, top);
    group_ = outer;
}

// From one pointer to another, that may overlap; some bytes behind the last turn, too.
void LoopGenerator::add_copy_loop() {
    const std::uint64_t turns = 4 + random_.below(100);
    if (cost_ * turns > kMaxCost || busy_[0] || busy_[1] || pointer_depth_ == 2)
        return add_operation();
    const auto width = static_cast<unsigned>(random_.below(4));
    const unsigned bytes = 1u << width, from = kPointers[0], to = kPointers[1],
                   limit = kLimits + pointer_depth_;
    const unsigned outer = group_, unroll = 1 + static_cast<unsigned>(random_.below(3)), through = data();
    group_ = ++groups_;
    add_pointer(from);
    add_pointer(to);
    add({encode_i(0x13, limit, from,
                  static_cast<std::int64_t>(std::min<std::uint64_t>(turns * bytes * unroll, 1500)))});
    const std::size_t top = here();
    for (unsigned i = 0; i < unroll; ++i) {
        const std::uint32_t offset = i * bytes;
        add({encode_i(0x03, through, from, offset) | width << 12,
             0x23 | width << 12 | to << 15 | through << 20 | bits(offset, 0, 5, 7) | bits(offset, 5, 7, 25)});
    }
    const auto step = static_cast<std::int64_t>(bytes * unroll);
    add({encode_i(0x13, from, from, step), encode_i(0x13, to, to, step), branch(6, from, limit)},
        Fixup::Branch, top);
    group_ = outer;
}

// Of a function further on; or of one before or the one that this is in, which then is recursion.
void LoopGenerator::add_call() {
    // Functions move pointers, and a function that loops call runs often.
    if (pointer_depth_ != 0 || cost_ > (function_ != 0 ? 4 * kFunctionCost : 60))
        return add_operation();
    if (function_ != 0 && recursive_ && random_.one_in(2)) {
        const unsigned outer = group_;
        group_ = ++groups_;
        const std::size_t over = here();
        add({branch(5, 0, kDepth)}, Fixup::Branch); // bge zero, depth
        add({encode_i(0x13, kDepth, kDepth, -1), 0x6f | kRa << 7}, Fixup::Jump,
            random_.one_in(2) ? function_starts_.back()
                              : function_starts_[random_.below(function_starts_.size())]);
        land(over);
        group_ = outer;
        return;
    }
    if (function_ >= functions_)
        return add_operation();
    const unsigned callee = function_ + 1 + static_cast<unsigned>(random_.below(functions_ - function_));
    calls_.emplace_back(here(), callee);
    if (random_.one_in(3))
        add({0x17 | kRa << 7, encode_i(0x67, kRa, kRa, 0)}, Fixup::AddressAndJalr);
    else
        add({0x6f | kRa << 7}, Fixup::Jump);
}

void LoopGenerator::add_functions() {
    cost_ = kFunctionCost;
    for (unsigned index = 1; index <= functions_; ++index)
        add_function(index);
}

void LoopGenerator::add_function(unsigned index) {
    function_ = index;
    recursive_ = random_.one_in(2);
    function_starts_.push_back(here());
    for (const auto& [unit, callee] : calls_)
        if (callee == index)
            program_.units[unit].target = here();
    // Counters of their own: a caller's loop goes on with its own count.
    depth_ = 2 + index;
    const bool keeps_ra = recursive_ || index != functions_ || random_.one_in(2);
    if (keeps_ra)
        add({encode_i(0x13, kStack, kStack, -16), 0x3023 | kStack << 15 | kRa << 20});
    add_body(1 + static_cast<unsigned>(random_.below(4)));
    if (keeps_ra)
        add({encode_i(0x3003, kRa, kStack, 0), encode_i(0x13, kStack, kStack, 16)});
    if (random_.one_in(2))
        return add({encode_i(0x67, 0, kRa, 0)});
    Unit unit; // c.jr ra
    unit.halves = {0x8082};
    program_.units.push_back(std::move(unit));
}

} // namespace ashlar::jit::fuzz
