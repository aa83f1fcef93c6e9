// What people want to know of a function, in one line.
#include "drivers/pci/function.h"

namespace ashlar::pci {
namespace {

struct ClassName {
    std::uint8_t base_class, sub_class;
    const char* name;
};

constexpr ClassName kNames[] = {
    {0x01, 0x00, "SCSI"},       {0x01, 0x01, "IDE"}, {0x01, 0x06, "SATA"},        {0x01, 0x08, "NVMe"},
    {0x02, 0x00, "Ethernet"},   {0x03, 0x00, "VGA"}, {0x06, 0x00, "host bridge"}, {0x06, 0x01, "ISA bridge"},
    {0x06, 0x04, "PCI bridge"}, {0x0c, 0x03, "USB"}, {0x0c, 0x05, "SMBus"},
};

const char* class_name(const Function& function) {
    for (const ClassName& name : kNames)
        if (name.base_class == function.base_class && name.sub_class == function.sub_class)
            return name.name;
    return "device";
}

void describe_bars(Sink& sink, const Function& function) {
    for (std::size_t i = 0; i < function.bars.size(); ++i) {
        const Bar& bar = function.bars[i];
        if (bar.kind == Bar::Kind::None)
            continue;
        format(sink, ", bar{} {} ", i, bar.kind == Bar::Kind::Io ? "io" : bar.wide ? "mem64" : "mem32");
        if (bar.assigned())
            format(sink, "{:#x}", bar.address);
        else
            sink.write("unassigned");
        format(sink, "+{:#x}", bar.size);
    }
}

} // namespace

void describe(Sink& sink, FunctionAddress at) {
    if (at.segment != 0)
        format(sink, "{:04x}:", at.segment);
    format(sink, "{:02x}:{:02x}.{}", at.bus, at.device, at.function);
}

void describe(Sink& sink, const Function& function) {
    describe(sink, function.address);
    format(sink, " {:04x}:{:04x} {:02x}.{:02x}.{:02x} {}", function.vendor, function.device,
           function.base_class, function.sub_class, function.interface, class_name(function));
    if (function.is_bridge) {
        const BridgeWindows& bridge = function.bridge;
        if (bridge.secondary == 0)
            sink.write(", no bus");
        else
            format(sink, ", buses {:02x} to {:02x}", bridge.secondary, bridge.subordinate);
        for (const AddressRange& window : {bridge.memory, bridge.prefetchable})
            if (!window.empty())
                format(sink, ", window {:#x} to {:#x}", window.begin, window.end);
    }
    describe_bars(sink, function);
    if (function.msi)
        sink.write(", msi");
    if (function.msix)
        format(sink, ", msix {}", function.msix->vectors);
}

} // namespace ashlar::pci
