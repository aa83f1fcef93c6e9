#include "kernel/embedded.h"

namespace ashlar::kernel {

// There is no translator for this host.
Bytes embedded_translator() {
    return {};
}
Bytes embedded_guest() {
    return {};
}

} // namespace ashlar::kernel
