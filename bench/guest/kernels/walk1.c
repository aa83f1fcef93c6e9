// Random walk over 128 KiB: within the second-level cache, beyond small software TLBs.
#define WALK_BYTES (128 << 10)
#include "pointer_walk.h"

const char kernel_name[] = "walk1";
const uint64_t kernel_default_repeat = 200000;
