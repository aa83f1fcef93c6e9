// Random programs for what compiles loops and calls: nested loops with several ways out, switches, functions
// that call others and themselves, also through pointers, and each other, pointers that walk across pages,
// code that changes itself.
#pragma once

#include "hosttests/fuzz/program.h"
#include "hosttests/fuzz/random.h"

namespace ashlar::jit::fuzz {

class LoopGenerator {
public:
    explicit LoopGenerator(std::uint64_t seed) : random_(seed) {}
    Program run();

private:
    // Statements: loops.cpp.
    Program generate();
    void add_body(unsigned statements);
    void add_statement();
    void add_loop();
    void add_pointer_loop();
    void add_copy_loop();
    void add_choice();
    void add_call();
    void add_functions();
    void add_function(unsigned index);
    // Indirect jumps: loops_jumps.cpp.
    void add_switch();
    void add_call_of_pointer();
    void add_slot_address(std::uint32_t count, std::uint32_t more);
    void add_table_jump(std::uint32_t count);
    std::size_t add_slots(std::uint32_t count);
    unsigned loop_register();
    // Straight-line code: loops_operations.cpp.
    void set_start();
    void add_operation();
    void add_integer();
    void add_word_chain();
    void add_shift_pair();
    void add_memory();
    void add_indexed();
    void add_step();
    void add_pointer(unsigned pointer);
    void add_float();
    void add_atomic();
    void add_reservation();
    void add_code_change();
    void add_code_load();
    void add_words();
    void add_odd();

    void add(std::initializer_list<std::uint32_t> words, Fixup fixup = Fixup::None, std::size_t target = 0);
    std::size_t here() const { return program_.units.size(); }
    // A conditional branch to a unit yet to come; its index, to be given to land().
    std::size_t add_branch_ahead(bool seldom = false);
    void land(std::size_t branch) { program_.units[branch].target = here(); }
    std::uint32_t branch(unsigned funct3, unsigned rs1, unsigned rs2) const {
        return 0x63 | funct3 << 12 | rs1 << 15 | rs2 << 20;
    }
    unsigned any() { return static_cast<unsigned>(random_.below(32)); }
    unsigned data();    // a register that may be written
    unsigned pointer(); // one that may be moved here
    std::uint64_t data_address();

    static constexpr std::int64_t kRoom = 2000;
    static constexpr std::uint64_t kFunctionCost = 40; // calls that are assumed

    // Runs of the code that is being generated, at most; and what is left for pointers to move.
    std::uint64_t cost_ = 1;
    std::int64_t room_[3] = {kRoom, kRoom, kRoom};
    bool busy_[3] = {false, false, false}; // the pointer controls a loop
    Random random_;
    Program program_;
    unsigned depth_ = 0, pointer_depth_ = 0, functions_ = 0, switches_ = 0;
    unsigned function_ = 0; // being generated, from 1; 0: none
    bool recursive_ = false;
    unsigned group_ = 0, groups_ = 0;
    std::uint32_t reservation_width_ = 0;      // of all of a program's: bits of the instruction
    std::vector<std::size_t> function_starts_; // of those that have been generated, and of this one
    std::vector<std::pair<std::size_t, unsigned>> calls_; // units whose target is a function yet to come
};

} // namespace ashlar::jit::fuzz
