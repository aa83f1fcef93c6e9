#include "jit/frontend/riscv64/lifter.h"

#include <array>

#include "jit/frontend/riscv64/decoder.h"
#include "jit/frontend/riscv64/lift.h"
#include "jit/frontend/riscv64/state.h"

namespace ashlar::jit::riscv64 {

// The slots that the IR knows are where HartState has them.
static_assert(offsetof(HartState, x) == 8 * ir::kIntegerSlot &&
              offsetof(HartState, f) == 8 * ir::kFloatSlot && offsetof(HartState, pc) == 8 * ir::kPcSlot &&
              offsetof(HartState, fflags) == 8 * ir::kFloatFlagsSlot &&
              offsetof(HartState, frm) == 8 * ir::kRoundingSlot &&
              offsetof(HartState, reservation_valid) == 8 * ir::kReservationValidSlot &&
              offsetof(HartState, reservation_address) == 8 * ir::kReservationAddressSlot &&
              offsetof(HartState, reservation_value) == 8 * ir::kReservationValueSlot &&
              offsetof(HartState, instret) == 8 * ir::kRetiredSlot &&
              offsetof(HartState, control) == 8 * ir::kFrontendSlot &&
              offsetof(HartState, control.pmp) == 8 * ir::kStateSlots);

Lifted Lifter::raise_illegal(const Instruction& i) {
    build.raise(static_cast<std::uint64_t>(Cause::IllegalInstruction), build.constant(i.bits));
    return Lifted::End;
}

namespace {

// An instruction lifts to at most this many operations, a final jump included.
constexpr std::size_t kMaxOperations = 20;

Lifted lift_instruction(Lifter& lift, const Instruction& i) {
    static constexpr std::array kExtensions = {lift_integer,  lift_memory,   lift_control,
                                               lift_multiply, lift_bitmanip, lift_atomic,
                                               lift_float,    lift_csr,      lift_system};
    if (i.opcode != Opcode::Illegal)
        for (const auto extension : kExtensions)
            if (const Lifted lifted = extension(lift, i); lifted != Lifted::NotMine)
                return lifted;
    return lift.raise_illegal(i);
}

// The instruction at the start of `code`; false when it does not lie wholly in it.
bool fetch(Bytes code, Instruction& instruction) {
    if (code.size() < 2)
        return false;
    std::uint32_t bits = load_le<std::uint16_t>(code.data());
    if (instruction_length(static_cast<std::uint16_t>(bits)) == 4) {
        if (code.size() < 4)
            return false;
        bits = load_le<std::uint32_t>(code.data());
    }
    instruction = decode(bits);
    return true;
}

} // namespace

void lift_block(Bytes code, unsigned max_instructions, ir::Block& block) {
    Lifter lift(block);
    std::size_t offset = 0;
    Instruction instruction;
    while (block.guest_instructions() < max_instructions && block.room_for(kMaxOperations) &&
           fetch(code.subspan(offset), instruction)) {
        lift.build.begin_guest_instruction(static_cast<std::uint16_t>(offset), instruction.length);
        offset += instruction.length;
        if (lift_instruction(lift, instruction) == Lifted::End)
            return;
    }
    if (block.guest_instructions() != 0)
        lift.build.jump(static_cast<std::int64_t>(offset));
}

} // namespace ashlar::jit::riscv64
