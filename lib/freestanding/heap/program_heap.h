// The heap behind operator new in a freestanding program that has one: the program defines these two.
#pragma once

#include <cstddef>

namespace ashlar {

// nullptr when there is no memory left. `alignment` is a power of two. Not callable from interrupt handlers.
void* heap_allocate(std::size_t size, std::size_t alignment);
// Of what heap_allocate returned, or nullptr.
void heap_free(void* block);

} // namespace ashlar
