// Random walk over 64 MiB: beyond every cache and every TLB.
#define WALK_BYTES (64 << 20)
#include "pointer_walk.h"

const char kernel_name[] = "walk";
const uint64_t kernel_default_repeat = 4000;
