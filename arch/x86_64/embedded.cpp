#include "kernel/embedded.h"

namespace ashlar::kernel {

extern "C" const std::byte embedded_translator_begin[], embedded_translator_end[], embedded_guest_begin[],
    embedded_guest_end[];

Bytes embedded_translator() {
    return {embedded_translator_begin, embedded_translator_end};
}
Bytes embedded_guest() {
    return {embedded_guest_begin, embedded_guest_end};
}

} // namespace ashlar::kernel
