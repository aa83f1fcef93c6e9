#include "drivers/pci/capabilities.h"

namespace ashlar::pci {

std::optional<std::uint16_t> find_capability(ConfigAccess& access, FunctionAddress at, std::uint8_t wanted) {
    std::optional<std::uint16_t> found;
    for_each_capability(access, at, [&](std::uint8_t id, std::uint16_t offset) {
        if (id == wanted)
            found = offset;
        return id != wanted;
    });
    return found;
}

} // namespace ashlar::pci
