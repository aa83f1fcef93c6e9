// What the command line says of a disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ashlar::jit::hosted {

// How a disk's file is read and written beside the guest; what the host has, if it was not said.
enum class DiskEngine : std::uint8_t { Any, IoUring, Threads };

struct DiskOption {
    std::string path; // or nbd:..., nbd://...
    bool read_only = false;
    bool direct = false;           // past the host's page cache
    std::uint32_t sector_size = 0; // 512 or 4096; 0: what suits the file
    DiskEngine engine = DiskEngine::Any;
    std::string serial{}; // at most 20 characters; empty: the file's name
};

// NAME[,OPTION...], a comma within the name written twice. Nothing after `error` has been set.
std::optional<DiskOption> parse_disk_option(const std::string& text, std::string& error);

} // namespace ashlar::jit::hosted
