// Recursive, mutually recursive and indirect calls: what call, return and jump prediction cost.
#include "kernel.h"

const char kernel_name[] = "fib";
const uint64_t kernel_default_repeat = 300;

static NOINLINE uint64_t fibonacci(uint64_t n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static NOINLINE uint64_t is_odd(uint64_t n, uint64_t salt);
static NOINLINE uint64_t is_even(uint64_t n, uint64_t salt) {
    return n == 0 ? salt : is_odd(n - 1, salt * 3) + 1;
}
static NOINLINE uint64_t is_odd(uint64_t n, uint64_t salt) {
    return n == 0 ? salt : is_even(n - 1, salt + 7) ^ 1;
}

static NOINLINE uint64_t add_one(uint64_t x) {
    return x + 1;
}
static NOINLINE uint64_t times_three(uint64_t x) {
    return x * 3;
}
static NOINLINE uint64_t fold(uint64_t x) {
    return x ^ x >> 7;
}
static NOINLINE uint64_t invert(uint64_t x) {
    return ~x;
}

static uint64_t (*volatile const operations[])(uint64_t) = {add_one, times_three, fold, invert};

static NOINLINE uint64_t indirect(uint64_t rounds) {
    uint64_t value = 1;
    for (uint64_t i = 0; i < rounds; ++i)
        value = operations[(value ^ i) & 3](value);
    return value;
}

// Volatile arguments keep the compiler from evaluating the recursion itself.
uint64_t kernel_run(uint64_t repeat) {
    volatile uint64_t depth = 24, chain = 1000, rounds = 100000;
    uint64_t checksum = 1;
    for (uint64_t i = 0; i < repeat; ++i) {
        checksum = mix(checksum, fibonacci(depth + (i & 1)));
        for (int j = 0; j < 50; ++j)
            checksum = mix(checksum, is_even(chain, i));
        checksum = mix(checksum, indirect(rounds));
    }
    return checksum;
}
