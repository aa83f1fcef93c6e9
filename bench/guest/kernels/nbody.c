// Planetary motion in double precision: divisions, square roots and long expressions.
#include "kernel.h"

const char kernel_name[] = "nbody";
const uint64_t kernel_default_repeat = 2400;

enum { kBodies = 5 };
typedef struct {
    double position[3], velocity[3], mass;
} Body;

static Body bodies[kBodies];

static void place_bodies(void) {
    for (int i = 0; i < kBodies; ++i) {
        bodies[i].mass = i == 0 ? 39.5 : 0.01 / i;
        for (int axis = 0; axis < 3; ++axis) {
            bodies[i].position[axis] = i == 0 ? 0 : (double)(i * (axis + 1) * (axis == 1 ? -3 : 2)) + 0.5;
            bodies[i].velocity[axis] = i == 0 ? 0 : (axis == 0 ? 1.5 : 0.75) / i;
        }
    }
}

static NOINLINE void advance(double step) {
    for (int i = 0; i < kBodies; ++i)
        for (int j = i + 1; j < kBodies; ++j) {
            double difference[3], square = 0;
            for (int axis = 0; axis < 3; ++axis) {
                difference[axis] = bodies[i].position[axis] - bodies[j].position[axis];
                square += difference[axis] * difference[axis];
            }
            const double magnitude = step / (square * __builtin_sqrt(square));
            for (int axis = 0; axis < 3; ++axis) {
                bodies[i].velocity[axis] -= difference[axis] * bodies[j].mass * magnitude;
                bodies[j].velocity[axis] += difference[axis] * bodies[i].mass * magnitude;
            }
        }
    for (int i = 0; i < kBodies; ++i)
        for (int axis = 0; axis < 3; ++axis)
            bodies[i].position[axis] += step * bodies[i].velocity[axis];
}

static uint64_t bits(double value) {
    uint64_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

uint64_t kernel_run(uint64_t repeat) {
    place_bodies();
    uint64_t checksum = 1;
    for (uint64_t r = 0; r < repeat; ++r) {
        for (int step = 0; step < 1000; ++step)
            advance(0.001);
        for (int i = 0; i < kBodies; ++i)
            checksum = mix(checksum, bits(bodies[i].position[r % 3]));
    }
    return checksum;
}
