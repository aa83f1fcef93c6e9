// Radix-2 fast Fourier transform, single precision, and its inverse: strided FP loads and stores.
#include "kernel.h"

const char kernel_name[] = "fft";
const uint64_t kernel_default_repeat = 1500;

enum { kBits = 11, kPoints = 1 << kBits };
static float real[kPoints], imaginary[kPoints], cosine[kPoints / 2], sine[kPoints / 2];

// Roots of unity by angle doubling from a Taylor series: no libm in a freestanding program.
static void compute_roots(void) {
    const double angle = -6.283185307179586 / kPoints;
    const double square = angle * angle;
    const double c1 = 1 - square / 2 + square * square / 24,
                 s1 = angle * (1 - square / 6 + square * square / 120);
    double c = 1, s = 0;
    for (int i = 0; i < kPoints / 2; ++i) {
        cosine[i] = (float)c;
        sine[i] = (float)s;
        const double next = c * c1 - s * s1;
        s = s * c1 + c * s1;
        c = next;
    }
}

static NOINLINE void transform(float direction) {
    for (uint32_t i = 1, j = 0; i < kPoints; ++i) {
        uint32_t bit = kPoints >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            const float r = real[i], m = imaginary[i];
            real[i] = real[j];
            imaginary[i] = imaginary[j];
            real[j] = r;
            imaginary[j] = m;
        }
    }
    for (uint32_t half = 1; half < kPoints; half <<= 1)
        for (uint32_t group = 0; group < kPoints; group += 2 * half)
            for (uint32_t k = 0; k < half; ++k) {
                const uint32_t root = k * (kPoints / 2 / half), a = group + k, b = a + half;
                const float c = cosine[root], s = direction * sine[root];
                const float r = real[b] * c - imaginary[b] * s, m = real[b] * s + imaginary[b] * c;
                real[b] = real[a] - r;
                imaginary[b] = imaginary[a] - m;
                real[a] += r;
                imaginary[a] += m;
            }
}

static uint32_t bits(float value) {
    uint32_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

uint64_t kernel_run(uint64_t repeat) {
    compute_roots();
    for (int i = 0; i < kPoints; ++i) {
        real[i] = (float)((i * 37) % 101) / 101.0f;
        imaginary[i] = 0;
    }
    uint64_t checksum = 1;
    for (uint64_t r = 0; r < repeat; ++r) {
        transform(1.0f);
        checksum =
            mix(checksum, (uint64_t)bits(real[r % kPoints]) << 32 | bits(imaginary[(r * 3) % kPoints]));
        transform(-1.0f);
        for (int i = 0; i < kPoints; ++i) {
            real[i] /= kPoints;
            imaginary[i] /= kPoints;
        }
        checksum = mix(checksum, bits(real[(r * 7) % kPoints]));
    }
    return checksum;
}
