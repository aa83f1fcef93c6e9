#include "drivers/pci/function.h"

#include <bit>

#include "drivers/pci/capabilities.h"

namespace ashlar::pci {
namespace {

constexpr std::uint8_t kBridgeClass = 0x06, kHostBridge = 0x00, kPciBridge = 0x04;
constexpr std::uint32_t kIoBar = 1, kWideBar = 2 << 1, kTypeMask = 3 << 1, kPrefetchable = 1 << 3;

// What a BAR register keeps of all ones.
std::uint32_t probe(ConfigAccess& access, FunctionAddress at, std::uint16_t offset) {
    const std::uint32_t before = access.read32(at, offset);
    access.write32(at, offset, ~std::uint32_t{0});
    const std::uint32_t mask = access.read32(at, offset);
    access.write32(at, offset, before);
    return mask;
}

// The size that goes with the address bits which can be set. 0 unless these are the upper ones without gap.
std::uint64_t size_of(std::uint64_t mask) {
    const std::uint64_t size = ~mask + 1;
    return mask != 0 && std::has_single_bit(size) ? size : 0;
}

Bar read_bar(ConfigAccess& access, FunctionAddress at, unsigned index, unsigned count) {
    const auto offset = static_cast<std::uint16_t>(reg::kBar0 + 4 * index);
    const std::uint32_t low = access.read32(at, offset);
    const std::uint32_t low_mask = probe(access, at, offset);
    Bar bar;
    if (low_mask == 0 || low_mask == ~std::uint32_t{0})
        return bar;
    if ((low_mask & kIoBar) != 0) {
        // Some leave out the upper half, which no x86 machine uses.
        bar.size = size_of(~std::uint64_t{0xffff} | (low_mask & 0xfffc));
        bar.address = low & ~std::uint32_t{3};
        bar.kind = bar.size != 0 ? Bar::Kind::Io : Bar::Kind::None;
        return bar;
    }
    std::uint64_t mask = ~std::uint64_t{0xffff'ffff} | (low_mask & ~std::uint32_t{15});
    bar.address = low & ~std::uint32_t{15};
    bar.prefetchable = (low_mask & kPrefetchable) != 0;
    if ((low_mask & kTypeMask) == kWideBar) {
        if (index + 1 == count)
            return {}; // no register for the upper half
        const auto upper = static_cast<std::uint16_t>(offset + 4);
        bar.wide = true;
        bar.address |= std::uint64_t{access.read32(at, upper)} << 32;
        mask = std::uint64_t{probe(access, at, upper)} << 32 | (mask & 0xffff'ffff);
    }
    bar.size = size_of(mask);
    bar.kind = bar.size != 0 ? Bar::Kind::Memory : Bar::Kind::None;
    // Firmware does not place what overlaps another's by its alignment, nor at the very end.
    if ((bar.address & (bar.size - 1)) != 0 || bar.address + bar.size < bar.address)
        bar.address = 0;
    return bar;
}

void read_bars(ConfigAccess& access, Function& function) {
    const unsigned count = function.is_bridge ? 2 : 6;
    const FunctionAddress at = function.address;
    const std::uint16_t command = access.read16(at, reg::kCommand);
    access.write16(at, reg::kCommand,
                   static_cast<std::uint16_t>(command & ~(reg::kCommandIo | reg::kCommandMemory)));
    for (unsigned i = 0; i < count; ++i) {
        function.bars[i] = read_bar(access, at, i, count);
        if (function.bars[i].wide)
            ++i;
    }
    access.write16(at, reg::kCommand, command);
}

// The upper 12 bits of the first and the last MiB (PCI-to-PCI Bridge Architecture 1.2, 3.2.5.8). One that
// begins at 0 was not set up.
AddressRange window(std::uint64_t upper_base, std::uint16_t base, std::uint64_t upper_limit,
                    std::uint16_t limit) {
    const std::uint64_t begin = upper_base << 32 | std::uint64_t{base & 0xfff0u} << 16;
    const std::uint64_t last = upper_limit << 32 | std::uint64_t{limit & 0xfff0u} << 16 | 0xf'ffff;
    return begin != 0 && begin <= last ? AddressRange{begin, last + 1} : AddressRange{};
}

// Whether [offset, offset + size) lies in a memory BAR.
bool inside(const Function& function, std::uint8_t bar, std::uint32_t offset, std::uint64_t size) {
    if (bar >= function.bars.size() || function.bars[bar].kind != Bar::Kind::Memory)
        return false;
    const std::uint64_t room = function.bars[bar].size;
    return offset <= room && size <= room - offset;
}

std::optional<MsixLayout> read_msix(ConfigAccess& access, const Function& function,
                                    std::uint16_t capability) {
    constexpr std::uint32_t kBarMask = 7;
    constexpr std::size_t kVectorSize = 16;
    MsixLayout layout;
    layout.capability = capability;
    layout.vectors = static_cast<std::uint16_t>(
        (access.read16(function.address, static_cast<std::uint16_t>(capability + 2)) & 0x7ff) + 1);
    const std::uint32_t table = access.read32(function.address, static_cast<std::uint16_t>(capability + 4));
    const std::uint32_t pending = access.read32(function.address, static_cast<std::uint16_t>(capability + 8));
    layout.table_bar = static_cast<std::uint8_t>(table & kBarMask);
    layout.table_offset = table & ~kBarMask;
    layout.pending_bar = static_cast<std::uint8_t>(pending & kBarMask);
    layout.pending_offset = pending & ~kBarMask;
    const std::uint64_t pending_size = (std::uint64_t{layout.vectors} + 63) / 64 * 8;
    if (!inside(function, layout.table_bar, layout.table_offset, kVectorSize * layout.vectors) ||
        !inside(function, layout.pending_bar, layout.pending_offset, pending_size))
        return std::nullopt;
    return layout;
}

void read_capabilities(ConfigAccess& access, Function& function) {
    for_each_capability(access, function.address, [&](std::uint8_t id, std::uint16_t offset) {
        if (id == capability::kExpress)
            function.express = true;
        else if (id == capability::kMsi)
            function.msi = true;
        else if (id == capability::kMsix && !function.msix && offset <= 256 - 12)
            function.msix = read_msix(access, function, offset);
        return true;
    });
}

} // namespace

BridgeWindows read_bridge(ConfigAccess& access, FunctionAddress at) {
    constexpr std::uint16_t kTypeMask16 = 15, kWide = 1;
    BridgeWindows bridge;
    bridge.secondary = access.read8(at, reg::kSecondaryBus);
    bridge.subordinate = access.read8(at, reg::kSubordinateBus);
    bridge.memory = window(0, access.read16(at, reg::kMemoryBase), 0, access.read16(at, reg::kMemoryLimit));
    const std::uint16_t base = access.read16(at, reg::kPrefetchBase);
    const bool wide = (base & kTypeMask16) == kWide;
    bridge.prefetchable = window(wide ? access.read32(at, reg::kPrefetchBaseUpper) : 0, base,
                                 wide ? access.read32(at, reg::kPrefetchLimitUpper) : 0,
                                 access.read16(at, reg::kPrefetchLimit));
    return bridge;
}

Function read_function(ConfigAccess& access, FunctionAddress at) {
    Function function;
    function.address = at;
    function.vendor = access.read16(at, reg::kVendor);
    function.device = access.read16(at, reg::kDevice);
    function.revision = access.read8(at, reg::kRevision);
    function.interface = access.read8(at, reg::kInterface);
    const std::uint16_t classes = access.read16(at, reg::kClass);
    function.base_class = static_cast<std::uint8_t>(classes >> 8);
    function.sub_class = static_cast<std::uint8_t>(classes & 0xff);
    const unsigned header = access.read8(at, reg::kHeaderType) & 0x7f;
    function.is_bridge =
        header == 1 && function.base_class == kBridgeClass && function.sub_class == kPciBridge;
    if (header == 0) {
        function.subsystem_vendor = access.read16(at, reg::kSubsystemVendor);
        function.subsystem = access.read16(at, reg::kSubsystem);
    }
    if (function.is_bridge)
        function.bridge = read_bridge(access, at);
    // The bridge to the CPU must not stop answering for a moment.
    const bool host_bridge = function.base_class == kBridgeClass && function.sub_class == kHostBridge;
    if ((header == 0 && !host_bridge) || function.is_bridge)
        read_bars(access, function);
    read_capabilities(access, function);
    return function;
}

} // namespace ashlar::pci
