// Double-precision matrix product with divisions and square roots (Cholesky-like scaling).
#include "kernel.h"

const char kernel_name[] = "matmul";
const uint64_t kernel_default_repeat = 300;

enum { kSide = 96 };
static double a[kSide][kSide], b[kSide][kSide], c[kSide][kSide];

static NOINLINE void multiply(void) {
    for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j) {
            double sum = 0;
            for (int k = 0; k < kSide; ++k)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

static NOINLINE void normalize(void) {
    for (int i = 0; i < kSide; ++i) {
        double square = 0;
        for (int j = 0; j < kSide; ++j)
            square += c[i][j] * c[i][j];
        const double norm = __builtin_sqrt(square + 1);
        for (int j = 0; j < kSide; ++j)
            a[i][j] = c[i][j] / norm + 1.0 / (1 + i + j);
    }
}

uint64_t kernel_run(uint64_t repeat) {
    for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j) {
            a[i][j] = 1.0 / (1 + i + j);
            b[i][j] = (i * 7 + j * 3) % 11 - 5;
        }
    uint64_t checksum = 1;
    for (uint64_t r = 0; r < repeat; ++r) {
        multiply();
        normalize();
        uint64_t bits;
        memcpy(&bits, &a[r % kSide][(r * 5) % kSide], sizeof bits);
        checksum = mix(checksum, bits);
    }
    return checksum;
}
