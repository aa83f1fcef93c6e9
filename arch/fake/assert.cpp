// How a hosted program reports a failed assertion, unless it defines the function itself: death tests match
// this text.
#include "lib/assert.h"

#include <cstdio>
#include <cstdlib>

namespace ashlar {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    std::abort();
}

} // namespace ashlar
