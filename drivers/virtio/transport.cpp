#include "drivers/virtio/transport.h"

namespace ashlar::virtio {

Status reset(Transport& transport, Platform& platform) {
    transport.write_status(0);
    const std::uint64_t until = platform.now_ns() + kResetPatienceNs;
    while (transport.read_status() != 0) {
        if (platform.now_ns() >= until)
            return Error::Io;
        platform.pause();
    }
    return {};
}

} // namespace ashlar::virtio
