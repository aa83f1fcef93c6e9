// Assertions are for our own bugs; bad input is an error value instead. They stay on in release builds.
#pragma once

namespace ashlar {

// Each program defines it: reports and stops.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

} // namespace ashlar

#define ASHLAR_ASSERT(condition)                                                                             \
    (__builtin_expect(static_cast<bool>(condition), 1)                                                       \
         ? static_cast<void>(0)                                                                              \
         : ::ashlar::assertion_failed(#condition, __FILE__, __LINE__))
