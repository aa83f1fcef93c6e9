// Quick sort through a comparison function and heap sort without: branches that nobody predicts.
#include "kernel.h"

const char kernel_name[] = "sort";
const uint64_t kernel_default_repeat = 80;

enum { kCount = 40000 };
static uint64_t values[kCount];

static NOINLINE int compare(const uint64_t* a, const uint64_t* b) {
    return *a < *b ? -1 : *a > *b;
}

static void quick_sort(uint64_t* first, size_t count, int (*order)(const uint64_t*, const uint64_t*)) {
    while (count > 12) {
        const uint64_t pivot = first[count / 2];
        size_t i = 0, j = count - 1;
        for (;; ++i, --j) {
            while (order(&first[i], &pivot) < 0)
                ++i;
            while (order(&pivot, &first[j]) < 0)
                --j;
            if (i >= j)
                break;
            const uint64_t swapped = first[i];
            first[i] = first[j];
            first[j] = swapped;
        }
        quick_sort(first, j + 1, order);
        first += j + 1;
        count -= j + 1;
    }
    for (size_t i = 1; i < count; ++i) {
        const uint64_t value = first[i];
        size_t j = i;
        for (; j > 0 && order(&value, &first[j - 1]) < 0; --j)
            first[j] = first[j - 1];
        first[j] = value;
    }
}

static NOINLINE void sift_down(uint64_t* heap, size_t from, size_t count) {
    const uint64_t value = heap[from];
    for (size_t child; (child = 2 * from + 1) < count; from = child) {
        if (child + 1 < count && heap[child] < heap[child + 1])
            ++child;
        if (heap[child] <= value)
            break;
        heap[from] = heap[child];
    }
    heap[from] = value;
}

static void heap_sort(uint64_t* heap, size_t count) {
    for (size_t i = count / 2; i-- > 0;)
        sift_down(heap, i, count);
    for (size_t last = count; last-- > 1;) {
        const uint64_t largest = heap[0];
        heap[0] = heap[last];
        heap[last] = largest;
        sift_down(heap, 0, last);
    }
}

static uint64_t verify(void) {
    uint64_t checksum = 1;
    for (size_t i = 0; i < kCount; ++i) {
        if (i > 0 && values[i - 1] > values[i])
            return 0;
        if (i % 64 == 0)
            checksum = mix(checksum, values[i]);
    }
    return checksum;
}

uint64_t kernel_run(uint64_t repeat) {
    int (*volatile order)(const uint64_t*, const uint64_t*) = compare;
    uint64_t random = 11, checksum = 1;
    for (uint64_t r = 0; r < repeat; ++r) {
        for (size_t i = 0; i < kCount; ++i)
            values[i] = next_random(&random) >> (r % 50);
        if (r & 1)
            heap_sort(values, kCount);
        else
            quick_sort(values, kCount, order);
        checksum = mix(checksum, verify());
    }
    return checksum;
}
