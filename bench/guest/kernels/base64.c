// Base64 (RFC 4648) of 48 KiB and back: byte shuffling with small tables.
#include "kernel.h"

const char kernel_name[] = "base64";
const uint64_t kernel_default_repeat = 1200;

enum { kInput = 49152 };
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static uint8_t input[kInput], decoded[kInput], values[256];
static char encoded[kInput / 3 * 4];

static NOINLINE void encode(void) {
    char* out = encoded;
    for (size_t i = 0; i < kInput; i += 3) {
        const uint32_t word = (uint32_t)input[i] << 16 | (uint32_t)input[i + 1] << 8 | input[i + 2];
        *out++ = alphabet[word >> 18];
        *out++ = alphabet[word >> 12 & 63];
        *out++ = alphabet[word >> 6 & 63];
        *out++ = alphabet[word & 63];
    }
}

static NOINLINE int decode(void) {
    uint8_t* out = decoded;
    for (size_t i = 0; i < sizeof encoded; i += 4) {
        uint32_t word = 0;
        for (int k = 0; k < 4; ++k) {
            const uint8_t value = values[(uint8_t)encoded[i + (size_t)k]];
            if (value > 63)
                return 0;
            word = word << 6 | value;
        }
        *out++ = (uint8_t)(word >> 16);
        *out++ = (uint8_t)(word >> 8);
        *out++ = (uint8_t)word;
    }
    return 1;
}

uint64_t kernel_run(uint64_t repeat) {
    memset(values, 255, sizeof values);
    for (int i = 0; i < 64; ++i)
        values[(uint8_t)alphabet[i]] = (uint8_t)i;
    uint64_t random = 5, checksum = 1;
    for (size_t i = 0; i < kInput; ++i)
        input[i] = (uint8_t)next_random(&random);
    for (uint64_t r = 0; r < repeat; ++r) {
        input[r % kInput] ^= (uint8_t)r;
        encode();
        if (!decode() || memcmp(input, decoded, kInput) != 0)
            return 0;
        checksum = mix(checksum, (uint64_t)encoded[(r * 13) % sizeof encoded]);
    }
    return checksum;
}
