// A raw disk image or block device of the host, opened and locked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "jit/hosted/descriptor.h"
#include "jit/hosted/options.h"
#include "jit/hosted/transfer.h"
#include "jit/platform.h"

namespace ashlar::jit::hosted {

struct ImageFile {
    Descriptor file;
    std::uint64_t capacity; // bytes, a multiple of the block size
    BlockGeometry geometry;
    bool read_only;
    std::string serial;
    Alignment alignment; // of direct I/O; else there is none
};

// Nothing after `error` has been set.
std::optional<ImageFile> open_image(const DiskOption& option, std::string& error);

// What fallocate() needs to do it. The length and place are whole blocks.
int erase_mode(const BlockRequest& request);
// What the negated error number of fallocate() means: file systems that cannot do it are no failure.
Status erase_status(int result);

} // namespace ashlar::jit::hosted
