#include "drivers/pci/msix.h"

namespace ashlar::pci {
namespace {

enum Word : unsigned { kAddress = 0, kUpperAddress = 1, kData = 2, kControl = 3 };
constexpr std::uint32_t kMasked = 1;
constexpr std::uint16_t kEnable = 1 << 15, kMaskAll = 1 << 14;

} // namespace

// Masked while it changes: the function may read it at any time.
void MsixTable::set(std::uint16_t vector, const MsixMessage& message) {
    mask(vector, true);
    word(vector, kAddress) = static_cast<std::uint32_t>(message.address);
    word(vector, kUpperAddress) = static_cast<std::uint32_t>(message.address >> 32);
    word(vector, kData) = message.data;
    mask(vector, false);
}

void MsixTable::mask(std::uint16_t vector, bool masked) {
    volatile std::uint32_t& control = word(vector, kControl);
    const std::uint32_t before = control;
    control = masked ? before | kMasked : before & ~kMasked;
}

bool MsixTable::masked(std::uint16_t vector) const {
    return (word(vector, kControl) & kMasked) != 0;
}

void enable_msix(ConfigAccess& access, const Function& function, bool on) {
    ASHLAR_ASSERT(function.msix.has_value());
    const auto control_at = static_cast<std::uint16_t>(function.msix->capability + 2);
    const std::uint16_t control = access.read16(function.address, control_at);
    access.write16(function.address, control_at,
                   static_cast<std::uint16_t>(on ? (control & ~kMaskAll) | kEnable : control & ~kEnable));
    const std::uint16_t command = access.read16(function.address, reg::kCommand);
    access.write16(function.address, reg::kCommand,
                   static_cast<std::uint16_t>(on ? command | reg::kCommandNoInterrupt
                                                 : command & ~reg::kCommandNoInterrupt));
}

} // namespace ashlar::pci
