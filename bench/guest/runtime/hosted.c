// The same kernels as Linux programs: natively, to check the checksum and for the ratio to native speed, and
// as static riscv64 binaries. Usage: NAME [repeat]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernel.h"

static uint64_t microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int main(int argc, char** argv) {
    const uint64_t repeat = argc > 1 ? strtoull(argv[1], NULL, 10) : kernel_default_repeat;
    const uint64_t start = microseconds();
    const uint64_t checksum = kernel_run(repeat);
    printf("kernel %s mode user repeat %" PRIu64 " checksum %016" PRIx64 " microseconds %" PRIu64 "\n",
           kernel_name, repeat, checksum, microseconds() - start);
    return 0;
}
