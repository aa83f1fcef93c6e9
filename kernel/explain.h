// An error with what it was about.
#pragma once

#include <string_view>

#include "lib/format.h"
#include "lib/result.h"

namespace ashlar::kernel {

// Passes `result` on; writes "WHAT: ERROR" to `problem` when it is an error.
template <class T>
Result<T> explain(Sink& problem, std::string_view what, Result<T> result) {
    if (!result.ok())
        format(problem, "{}: {}", what, result.error());
    return result;
}

} // namespace ashlar::kernel
