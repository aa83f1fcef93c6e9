// operator new and delete over the program's heap. The throwing forms stop the program when memory is out;
// code that can go on uses new (std::nothrow).
#include <cstddef>
#include <new>

#include "lib/assert.h"
#include "lib/freestanding/heap/program_heap.h"

namespace {

constexpr std::size_t kDefaultAlignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

void* must_allocate(std::size_t size, std::size_t alignment) {
    void* const block = ashlar::heap_allocate(size, alignment);
    ASHLAR_ASSERT(block != nullptr && "out of memory in operator new");
    return block;
}

} // namespace

void* operator new(std::size_t size) {
    return must_allocate(size, kDefaultAlignment);
}
void* operator new[](std::size_t size) {
    return must_allocate(size, kDefaultAlignment);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return must_allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return must_allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return ashlar::heap_allocate(size, kDefaultAlignment);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return ashlar::heap_allocate(size, kDefaultAlignment);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return ashlar::heap_allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return ashlar::heap_allocate(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* block) noexcept {
    ashlar::heap_free(block);
}
void operator delete[](void* block) noexcept {
    ashlar::heap_free(block);
}
void operator delete(void* block, std::size_t) noexcept {
    ashlar::heap_free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    ashlar::heap_free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    ashlar::heap_free(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
    ashlar::heap_free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    ashlar::heap_free(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    ashlar::heap_free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    ashlar::heap_free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    ashlar::heap_free(block);
}
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    ashlar::heap_free(block);
}
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    ashlar::heap_free(block);
}
