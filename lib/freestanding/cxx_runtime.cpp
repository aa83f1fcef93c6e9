// What compiled C++ and libstdc++'s headers call, without libstdc++. Exceptions do not exist here: a
// standard component that wants to throw was used wrongly.
#include <cstddef>
#include <new>

#include "lib/assert.h"

namespace {

[[noreturn]] void stop(const char* what) {
    ashlar::assertion_failed(what, "C++ runtime", 0);
}

} // namespace

extern "C" {

[[gnu::visibility("hidden")]] void* __dso_handle = nullptr;

[[noreturn]] void __cxa_pure_virtual() {
    stop("pure virtual function called");
}
// Nothing runs at exit: there is none.
int __cxa_atexit(void (*)(void*), void*, void*) {
    return 0;
}
[[noreturn]] void abort() noexcept {
    stop("abort() called");
}

} // extern "C"

namespace std {

const nothrow_t nothrow{};

[[noreturn]] void __throw_bad_alloc() {
    stop("std::bad_alloc");
}
[[noreturn]] void __throw_bad_array_new_length() {
    stop("std::bad_array_new_length");
}
[[noreturn]] void __throw_length_error(const char* what) {
    stop(what);
}
[[noreturn]] void __throw_logic_error(const char* what) {
    stop(what);
}
[[noreturn]] void __throw_out_of_range(const char* what) {
    stop(what);
}
[[noreturn]] void __throw_out_of_range_fmt(const char* what, ...) {
    stop(what);
}
[[noreturn]] void __throw_invalid_argument(const char* what) {
    stop(what);
}
[[noreturn]] void __throw_bad_function_call() {
    stop("std::bad_function_call");
}
[[noreturn]] void __throw_bad_optional_access() {
    stop("std::bad_optional_access");
}

} // namespace std
