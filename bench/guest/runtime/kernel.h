// What a guest kernel offers to the runtime, and the little of C's library that kernels may use.
// The same sources are built freestanding for riscv64 and, to check the checksum, natively.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern const char kernel_name[];
// How often the kernel's unit of work is done by default: about one second under an emulator.
extern const uint64_t kernel_default_repeat;
// Does the work `repeat` times and returns a checksum of all results.
uint64_t kernel_run(uint64_t repeat);

void* memcpy(void* restrict to, const void* restrict from, size_t bytes);
void* memmove(void* to, const void* from, size_t bytes);
void* memset(void* to, int value, size_t bytes);
int memcmp(const void* a, const void* b, size_t bytes);

// Folds `value` into a checksum (FNV-1a over 64-bit words).
static inline uint64_t mix(uint64_t checksum, uint64_t value) {
    checksum = (checksum ^ value) * 0x100000001b3u;
    return checksum ^ (checksum >> 29);
}

// A xorshift generator: cheap, the same everywhere.
static inline uint64_t next_random(uint64_t* state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NOINLINE __attribute__((noinline))
