// For a program without a heap: virtual destructors refer to operator delete, and nothing may call it.
#include <cstddef>
#include <new>

#include "lib/assert.h"

namespace {

[[noreturn]] void stop() {
    ashlar::assertion_failed("operator delete called without a heap", "C++ runtime", 0);
}

} // namespace

void operator delete(void*) noexcept {
    stop();
}
void operator delete(void*, std::size_t) noexcept {
    stop();
}
void operator delete(void*, std::align_val_t) noexcept {
    stop();
}
void operator delete(void*, std::size_t, std::align_val_t) noexcept {
    stop();
}
