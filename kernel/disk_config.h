// The values of `disk` in ashlar.conf: which disk a VM gets, and how. docs/configuration.md describes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "drivers/pci/config_access.h"
#include "lib/format.h"
#include "lib/guid.h"

namespace ashlar::kernel {

// The name of an image and the line that asked for it; an empty name: not given.
struct ImageReference {
    std::string_view name;
    unsigned line = 0;
    bool given() const { return !name.empty(); }
};

struct DiskConfig {
    enum class Source : std::uint8_t {
        Image,     // a copy in memory of a file of the bundle
        Pci,       // the disk at a PCI address
        Serial,    // the disk with that serial number (get-id)
        Partition, // a GPT partition, on whatever disk
    };
    enum class Mode : std::uint8_t {
        Shadow,      // through the hypervisor's queues; the default, and the only one of images
        Passthrough, // the whole device is the VM's
        ReadOnly,    // as Shadow, and not to be written
    };
    // Bytes of the machine's disk or partition, multiples of 512.
    struct Range {
        std::uint64_t offset = 0, length = 0;
    };

    Source source = Source::Image;
    Mode mode = Mode::Shadow;
    ImageReference image;          // of Image
    unsigned line = 0;             // in all cases
    std::string_view name;         // as written, with its prefix
    pci::FunctionAddress address;  // of Pci
    std::string_view serial;       // of Serial
    Guid partition;                // of Partition
    std::optional<Range> range;    // a part of the disk alone
    std::uint32_t sector_size = 0; // 512, 4096; 0: what suits the disk best
    bool device_sectors = false;   // sector_size = device

    bool read_only() const { return mode == Mode::ReadOnly; }
};

// What comes behind "disk =". On a mistake false, and `problem` has a sentence.
bool parse_disk(std::string_view text, unsigned line, DiskConfig& disk, Sink& problem);

} // namespace ashlar::kernel
