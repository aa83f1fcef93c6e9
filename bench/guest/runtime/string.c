// The functions that the compiler itself calls.
#include "kernel.h"

void* memcpy(void* restrict to, const void* restrict from, size_t bytes) {
    uint8_t* out = to;
    const uint8_t* in = from;
    if ((((uintptr_t)out | (uintptr_t)in) & 7) == 0)
        for (; bytes >= 8; bytes -= 8, out += 8, in += 8)
            *(uint64_t*)(void*)out = *(const uint64_t*)(const void*)in;
    while (bytes-- != 0)
        *out++ = *in++;
    return to;
}

void* memmove(void* to, const void* from, size_t bytes) {
    uint8_t* out = to;
    const uint8_t* in = from;
    if (out <= in || out >= in + bytes)
        return memcpy(to, from, bytes);
    while (bytes-- != 0)
        out[bytes] = in[bytes];
    return to;
}

void* memset(void* to, int value, size_t bytes) {
    uint8_t* out = to;
    for (; bytes != 0 && ((uintptr_t)out & 7) != 0; --bytes)
        *out++ = (uint8_t)value;
    const uint64_t word = (uint8_t)value * 0x0101010101010101u;
    for (; bytes >= 8; bytes -= 8, out += 8)
        *(uint64_t*)(void*)out = word;
    while (bytes-- != 0)
        *out++ = (uint8_t)value;
    return to;
}

int memcmp(const void* a, const void* b, size_t bytes) {
    const uint8_t *left = a, *right = b;
    for (; bytes != 0; --bytes, ++left, ++right)
        if (*left != *right)
            return *left < *right ? -1 : 1;
    return 0;
}
