// A dependent pointer chase through WALK_BYTES of memory in random order: cache and TLB misses, nothing else.
#include "kernel.h"

enum { kCells = WALK_BYTES / 64 };

typedef struct Cell {
    struct Cell* next;
    uint64_t payload[7]; // one cell per cache line
} Cell;

static Cell cells[kCells] __attribute__((section(".bss.arena"), aligned(4096)));

// One cycle through all cells (Sattolo's shuffle of the successor).
static void link_cells(void) {
    uint64_t random = 0x2545f4914f6cdd1d;
    for (uint64_t i = 0; i < kCells; ++i) {
        cells[i].payload[0] = i;
        cells[i].payload[1] = i * 0x9e3779b97f4a7c15;
    }
    for (uint64_t i = kCells - 1; i > 0; --i) {
        const uint64_t j = next_random(&random) % i;
        const uint64_t swapped = cells[i].payload[0];
        cells[i].payload[0] = cells[j].payload[0];
        cells[j].payload[0] = swapped;
    }
    for (uint64_t i = 0; i < kCells; ++i)
        cells[i].next = &cells[cells[i].payload[0]];
}

uint64_t kernel_run(uint64_t repeat) {
    link_cells();
    uint64_t checksum = 1;
    const Cell* cell = &cells[0];
    for (uint64_t i = 0; i < repeat; ++i) {
        uint64_t sum = 0;
        for (int step = 0; step < 1024; ++step) {
            sum += cell->payload[1];
            cell = cell->next;
        }
        checksum = mix(checksum, sum);
    }
    return checksum;
}
