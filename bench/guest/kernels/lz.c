// An LZ77 compressor with a hash of three bytes, and its decompressor, over text with repetitions.
#include "kernel.h"

const char kernel_name[] = "lz";
const uint64_t kernel_default_repeat = 720;

enum { kInput = 65536, kHashBits = 13, kMinMatch = 4, kMaxMatch = 130, kWindow = 16384 };
static uint8_t input[kInput], compressed[kInput * 2], output[kInput];
static uint32_t heads[1 << kHashBits]; // position + 1 of the last occurrence

static inline uint32_t hash(const uint8_t* at) {
    const uint32_t word = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return word * 2654435761u >> (32 - kHashBits);
}

// A token below 128: so many literals + 1 follow. Otherwise a match of token - 128 + kMinMatch bytes, its
// distance in the two bytes that follow.
static NOINLINE size_t compress(void) {
    size_t out = 0, literals = 0, i = 0;
    memset(heads, 0, sizeof heads);
    while (i < kInput) {
        size_t best = 0, candidate = 0;
        if (i + kMinMatch <= kInput) {
            uint32_t* head = &heads[hash(input + i)];
            candidate = *head;
            *head = (uint32_t)i + 1;
            if (candidate != 0 && i - (candidate - 1) < kWindow) {
                const uint8_t* match = input + candidate - 1;
                while (best < kMaxMatch && i + best < kInput && match[best] == input[i + best])
                    ++best;
            }
        }
        if (best >= kMinMatch) {
            const size_t distance = i - (candidate - 1);
            compressed[out++] = (uint8_t)(128 + (best > 127 + kMinMatch ? 127 : best - kMinMatch));
            best = best > 127 + kMinMatch ? 127 + kMinMatch : best;
            compressed[out++] = (uint8_t)distance;
            compressed[out++] = (uint8_t)(distance >> 8);
            i += best;
            literals = 0;
        } else {
            if (literals == 0 || literals == 128) {
                ++out;
                literals = 0;
            }
            compressed[out - literals - 1] = (uint8_t)literals;
            compressed[out++] = input[i++];
            ++literals;
        }
    }
    return out;
}

static NOINLINE size_t decompress(size_t size) {
    size_t out = 0;
    for (size_t i = 0; i < size;) {
        const uint8_t token = compressed[i++];
        if (token < 128) {
            for (int k = 0; k <= token; ++k)
                output[out++] = compressed[i++];
        } else {
            const size_t distance = compressed[i] | (size_t)compressed[i + 1] << 8;
            i += 2;
            for (int k = 0; k < token - 128 + kMinMatch; ++k, ++out)
                output[out] = output[out - distance];
        }
    }
    return out;
}

static void make_text(uint64_t seed) {
    static const char* const words[] = {"guest ",    "host ", "page ", "translation ", "the ", "of ",
                                        "register ", "and ",  "a ",    "trap",         ".\n",  "is ",
                                        "block",     ", "};
    uint64_t random = seed * 2 + 1;
    for (size_t i = 0; i < kInput;) {
        const char* word = words[(next_random(&random) >> 20) % ARRAY_LENGTH(words)];
        while (*word != '\0' && i < kInput)
            input[i++] = (uint8_t)*word++;
    }
}

uint64_t kernel_run(uint64_t repeat) {
    uint64_t checksum = 1;
    for (uint64_t r = 0; r < repeat; ++r) {
        make_text(r);
        const size_t size = compress();
        if (decompress(size) != kInput || memcmp(input, output, kInput) != 0)
            return 0;
        checksum = mix(mix(checksum, size), compressed[size / 2]);
    }
    return checksum;
}
