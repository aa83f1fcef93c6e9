// An open-addressing hash table with insertion, look-up and deletion of 64-bit keys.
#include "kernel.h"

const char kernel_name[] = "hash";
const uint64_t kernel_default_repeat = 240;

enum { kSlots = 1 << 16, kKeys = kSlots / 2 };
typedef struct {
    uint64_t key; // 0: empty
    uint64_t value;
} Slot;
static Slot slots[kSlots];

static inline size_t home(uint64_t key) {
    return (size_t)((key * 0x9e3779b97f4a7c15) >> 48) & (kSlots - 1);
}

static NOINLINE Slot* find(uint64_t key) {
    size_t at = home(key);
    while (slots[at].key != 0 && slots[at].key != key)
        at = (at + 1) & (kSlots - 1);
    return &slots[at];
}

// Backward-shift deletion: no tombstones.
static NOINLINE void erase(Slot* slot) {
    size_t hole = (size_t)(slot - slots), at = hole;
    for (;;) {
        at = (at + 1) & (kSlots - 1);
        if (slots[at].key == 0)
            break;
        if (((at - home(slots[at].key)) & (kSlots - 1)) >= ((at - hole) & (kSlots - 1))) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole].key = 0;
}

uint64_t kernel_run(uint64_t repeat) {
    uint64_t checksum = 1;
    memset(slots, 0, sizeof slots);
    for (uint64_t r = 0; r < repeat; ++r) {
        uint64_t random = 0x123456789 + r;
        for (int i = 0; i < kKeys; ++i) {
            const uint64_t key = next_random(&random);
            Slot* slot = find(key);
            slot->key = key;
            slot->value += (uint64_t)i + key;
        }
        random = 0x123456789 + r;
        uint64_t found = 0, sum = 0;
        for (int i = 0; i < kKeys; ++i) {
            const uint64_t key = next_random(&random) ^ (i % 3 == 0); // a third misses
            const Slot* slot = find(key);
            found += slot->key == key;
            sum += slot->key == key ? slot->value : 1;
        }
        checksum = mix(mix(checksum, found), sum);
        random = 0x123456789 + r;
        for (int i = 0; i < kKeys; ++i) {
            Slot* slot = find(next_random(&random));
            if (slot->key != 0)
                erase(slot);
        }
    }
    return checksum;
}
