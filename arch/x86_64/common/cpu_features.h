// Features that both kernels turn on.
#pragma once

namespace ashlar::arch {

// Protections of a kernel against itself and its guests (SMEP, SMAP, UMIP where present), and the extended
// state that guests may use.
void enable_cpu_features();

} // namespace ashlar::arch
