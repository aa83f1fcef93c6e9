// Keeps a disk image from being written by two programs, or written while others read it.
#pragma once

#include <string>

namespace ashlar::jit::hosted {

// Locks the open file as a writer (alone) or a reader (with other readers): among programs like this one
// with flock, and against QEMU and its tools by the byte ranges that those lock. The locks go with the
// descriptor. An empty string, or why not.
std::string lock_image(int file, bool writer);

} // namespace ashlar::jit::hosted
