// Indirect jumps and calls of loop programs. They go to slots, one behind the other, each a jump to the code
// that is meant.
#include "hosttests/fuzz/encode.h"
#include "hosttests/fuzz/loops.h"

namespace ashlar::jit::fuzz {

namespace {

constexpr unsigned kRa = 1, kAddress = 30, kTable = 31;
// Where no pointer comes, nor the stack.
constexpr std::uint64_t kTableAddress = FUZZ_DATA + 0x3800;

} // namespace

// kAddress = that of the slot with a number that is in some register, below a power of two; the slots follow
// behind the code that does so and `more` bytes.
void LoopGenerator::add_slot_address(std::uint32_t count, std::uint32_t more) {
    const unsigned from = random_.one_in(2) ? any() : loop_register();
    add({encode_i(0x7013, kTable, from, count - 1), // andi
         0x1013 | kTable << 7 | kTable << 15 | 2u << 20, 0x17 | kAddress << 7,
         0x33 | kAddress << 7 | kAddress << 15 | kTable << 20,
         encode_i(0x13, kAddress, kAddress, 12 + more)});
}

// What changes from turn to turn: the counter or the pointer of a loop.
unsigned LoopGenerator::loop_register() {
    return static_cast<unsigned>(random_.one_in(2) ? 18 + random_.below(6) : random_.pick<3>({2, 8, 9}));
}

std::size_t LoopGenerator::add_slots(std::uint32_t count) {
    const std::size_t first = here();
    for (std::uint32_t i = 0; i < count; ++i)
        add({0x6f}, Fixup::Jump);
    return first;
}

// A switch, by computed jump or by way of a table in memory that is written meanwhile.
void LoopGenerator::add_switch() {
    if (switches_ == 4)
        return add_operation();
    ++switches_;
    const std::uint32_t count = 1u << (1 + random_.below(3));
    const unsigned outer = group_, mine = ++groups_;
    group_ = mine;
    if (random_.one_in(2)) {
        add_slot_address(count, 4);
        add({encode_i(0x67, 0, kAddress, 0)});
    } else {
        add_table_jump(count);
    }
    const std::size_t slots = add_slots(count);
    group_ = outer;
    std::vector<std::size_t> done;
    for (std::uint32_t i = 0; i < count; ++i) {
        land(slots + i);
        if (random_.one_in(6))
            continue; // falls into the next
        add_body(1 + static_cast<unsigned>(random_.below(2)));
        group_ = mine;
        done.push_back(here());
        add({0x6f}, Fixup::Jump);
        group_ = outer;
    }
    for (const std::size_t jump : done)
        land(jump);
}

// Two entries of the table are made to lead to slots that registers tell; it goes to one of them.
void LoopGenerator::add_table_jump(std::uint32_t count) {
    constexpr auto kLow = static_cast<std::int32_t>(static_cast<std::uint32_t>(kTableAddress) << 20) >> 20;
    constexpr std::uint32_t kHigh =
        (static_cast<std::uint32_t>(kTableAddress) - static_cast<std::uint32_t>(kLow)) & 0xfffff000;
    constexpr std::uint32_t kStore = 16, kLoadAndJump = 16, kSlotAddress = 20; // bytes
    for (const std::uint32_t entry : {0u, 8u}) {
        const std::uint32_t behind = entry == 0 ? kSlotAddress + kStore + kLoadAndJump : kLoadAndJump;
        add_slot_address(count, kStore + behind);
        add({0x37 | kTable << 7 | kHigh, encode_i(0x1b, kTable, kTable, kLow),
             0x0800003b | kTable << 7 | kTable << 15, // zext.w
             0x3023 | kTable << 15 | kAddress << 20 | bits(entry, 0, 5, 7)});
    }
    const unsigned index = random_.one_in(2) ? any() : loop_register();
    add({encode_i(0x7013, kAddress, index, 8), 0x33 | kTable << 7 | kTable << 15 | kAddress << 20,
         encode_i(0x3003, kAddress, kTable, 0), encode_i(0x67, 0, kAddress, 0)});
}

// One of two functions by way of a pointer.
void LoopGenerator::add_call_of_pointer() {
    if (pointer_depth_ != 0 || cost_ > (function_ != 0 ? 4 * kFunctionCost : 60) || function_ >= functions_)
        return add_operation();
    const unsigned outer = group_;
    group_ = ++groups_;
    add_slot_address(2, 8);
    add({encode_i(0x67, kRa, kAddress, 0)});
    const std::size_t over = here();
    add({0x6f}, Fixup::Jump);
    for (unsigned i = 0; i < 2; ++i) {
        const unsigned callee = function_ + 1 + static_cast<unsigned>(random_.below(functions_ - function_));
        calls_.emplace_back(here(), callee);
        add({0x6f}, Fixup::Jump);
    }
    land(over);
    group_ = outer;
}

} // namespace ashlar::jit::fuzz
