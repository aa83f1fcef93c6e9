// Copies, fills, comparisons and string lengths of many sizes and alignments, in plain loops.
#include "kernel.h"

const char kernel_name[] = "memops";
const uint64_t kernel_default_repeat = 12000;

enum { kBytes = 32768 };
static uint8_t source[kBytes + 64] __attribute__((aligned(64))),
    target[kBytes + 64] __attribute__((aligned(64)));

static NOINLINE void copy_words(uint64_t* to, const uint64_t* from, size_t words) {
    for (size_t i = 0; i + 4 <= words; i += 4) {
        const uint64_t w0 = from[i], w1 = from[i + 1], w2 = from[i + 2], w3 = from[i + 3];
        to[i] = w0;
        to[i + 1] = w1;
        to[i + 2] = w2;
        to[i + 3] = w3;
    }
}
static NOINLINE void copy_bytes(volatile uint8_t* to, const uint8_t* from, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i)
        to[i] = from[i];
}
static NOINLINE size_t length(const char* text) {
    const char* end = text;
    while (*end != '\0')
        ++end;
    return (size_t)(end - text);
}
static NOINLINE void fill(volatile uint64_t* to, uint64_t value, size_t words) {
    for (size_t i = 0; i < words; ++i)
        to[i] = value;
}
static NOINLINE size_t mismatch(const uint8_t* x, const uint8_t* y, size_t bytes) {
    size_t i = 0;
    while (i < bytes && x[i] == y[i])
        ++i;
    return i;
}

uint64_t kernel_run(uint64_t repeat) {
    uint64_t random = 7, checksum = 1;
    for (size_t i = 0; i < sizeof source; ++i)
        source[i] = (uint8_t)(next_random(&random) % 255 + 1);
    for (uint64_t r = 0; r < repeat; ++r) {
        const size_t shift = r % 13;
        copy_words((uint64_t*)(void*)target, (const uint64_t*)(const void*)source, kBytes / 8);
        copy_bytes(target + shift, source + 1, kBytes / 4);
        target[kBytes - 1 - r % 100] = 0;
        checksum = mix(checksum, length((const char*)target + shift));
        checksum = mix(checksum, mismatch(target + kBytes / 2, source + kBytes / 2, kBytes / 2));
        fill((volatile uint64_t*)(void*)target, checksum, kBytes / 16);
        checksum = mix(checksum, target[r % kBytes]);
    }
    return checksum;
}
