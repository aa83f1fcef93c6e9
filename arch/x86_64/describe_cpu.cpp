#include "arch/cpu.h"
#include "arch/x86_64/common/registers.h"

namespace ashlar::arch {

void describe_cpu(Sink& sink) {
    char name[48] = {};
    if (cpuid(0x8000'0000).eax >= 0x8000'0004)
        for (std::uint32_t i = 0; i < 3; ++i) {
            const Cpuid part = cpuid(0x8000'0002 + i);
            __builtin_memcpy(name + 16 * i, &part, sizeof part);
        }
    std::string_view text(name, sizeof name);
    text = text.substr(0, text.find('\0'));
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    const std::uint64_t cr4 = read_cr4();
    format(sink, "{}, no-execute{}{}{}", text.empty() ? "unnamed" : text,
           (cr4 & kCr4Smep) != 0 ? ", SMEP" : "", (cr4 & kCr4Smap) != 0 ? ", SMAP" : "",
           (cr4 & kCr4Umip) != 0 ? ", UMIP" : "");
}

} // namespace ashlar::arch
