#include "jit/bare/program_heap.h"

#include "lib/freestanding/heap/program_heap.h"

namespace ashlar {
namespace {

constinit Heap heap;

} // namespace

namespace jit::bare {

Heap& program_heap() {
    return heap;
}

} // namespace jit::bare

void* heap_allocate(std::size_t size, std::size_t alignment) {
    return heap.allocate(size, alignment);
}

void heap_free(void* block) {
    heap.free(block);
}

} // namespace ashlar
