#include "arch/aarch64/registers.h"
#include "arch/cpu.h"

namespace ashlar::arch {
namespace {

// Main ID Register: implementer and part number of what is tested or common.
std::string_view part_name(std::uint64_t midr) {
    constexpr std::uint64_t kArm = 0x41;
    if ((midr >> 24 & 0xff) != kArm)
        return {};
    switch (midr >> 4 & 0xfff) {
    case 0xd03: return "Cortex-A53";
    case 0xd07: return "Cortex-A57";
    case 0xd08: return "Cortex-A72";
    case 0xd0b: return "Cortex-A76";
    case 0xd0c: return "Neoverse N1";
    case 0xd40: return "Neoverse V1";
    case 0xd49: return "Neoverse N2";
    default: return {};
    }
}

} // namespace

void describe_cpu(Sink& sink) {
    const std::uint64_t midr = READ_REGISTER(midr_el1);
    if (const std::string_view name = part_name(midr); !name.empty())
        sink.write(name);
    else
        format(sink, "implementer {:#x} part {:#x}", midr >> 24 & 0xff, midr >> 4 & 0xfff);
    format(sink, ", EL2, no-execute, write implies no-execute");
}

} // namespace ashlar::arch
