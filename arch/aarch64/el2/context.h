// What run.S switches at each run, for assembly and C++.
#pragma once

#define CONTEXT_SP_EL0 248
#define CONTEXT_PC 256
#define CONTEXT_PSTATE 264
#define CONTEXT_HOST_SP 272

#ifndef __ASSEMBLER__
#include <cstddef>
#include <cstdint>

namespace ashlar::arch::el2 {

struct Context {
    std::uint64_t x[31];
    std::uint64_t sp_el0;
    std::uint64_t pc, pstate;
    std::uint64_t host_sp; // ours, while the VM runs
};
static_assert(offsetof(Context, sp_el0) == CONTEXT_SP_EL0 && offsetof(Context, pc) == CONTEXT_PC);
static_assert(offsetof(Context, pstate) == CONTEXT_PSTATE && offsetof(Context, host_sp) == CONTEXT_HOST_SP);

// Bytes that floating point and vector registers take: 32 of 16 bytes, FPCR, FPSR.
constexpr std::size_t kVectorBytes = 32 * 16 + 16;

extern "C" {
// Runs the VM until an exception takes it to EL2; returns which kind of vector (exception_frame.h).
std::uint32_t el2_run(Context* context);
void el2_save_vectors(std::byte* area);
void el2_restore_vectors(const std::byte* area);
}

} // namespace ashlar::arch::el2
#endif
