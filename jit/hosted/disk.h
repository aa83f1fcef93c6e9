// Disks of the host: raw files, block devices, and servers of the NBD protocol.
#pragma once

#include <memory>
#include <poll.h>
#include <string>

#include "jit/hosted/options.h"
#include "jit/platform.h"
#include "lib/format.h"

namespace ashlar::jit::hosted {

class HostDisk : public BlockBackend {
public:
    virtual ~HostDisk() = default;
    // What becomes ready when poll() has something to do; its descriptor is -1 when nothing is in flight.
    virtual pollfd wake_up() const = 0;
};

// Nothing after `error` has been set (the disk and the reason). What the user should know of a disk that
// works goes to `messages`, which outlives it.
std::unique_ptr<HostDisk> open_disk(const DiskOption& option, Sink& messages, std::string& error);

} // namespace ashlar::jit::hosted
