// The system operations that lifted code leaves to the engine: the helper numbers of ir::Opcode::Guard, Call
// and CallExit. The argument of each is the instruction's encoding.
#pragma once

#include <cstdint>

namespace ashlar::jit::riscv64 {

enum class Helper : std::uint8_t {
    FloatEnabled,  // illegal instruction when mstatus.FS is Off
    FloatDirty,    // the same, and sets FS to Dirty
    Csr,           // CSRRW, CSRRS, CSRRC and their immediate forms
    StatusChanged, // after watched bits of sstatus were changed
    EnvironmentCall,
    SupervisorReturn,
    MachineReturn,
    WaitForInterrupt,
    FenceVirtual,    // SFENCE.VMA
    FloatCsr = 0x80, // Csr for fflags, frm and fcsr
};

} // namespace ashlar::jit::riscv64
