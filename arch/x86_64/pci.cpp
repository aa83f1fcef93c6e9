#include "arch/pci.h"
#include "arch/x86_64/ports.h"

namespace ashlar::arch {
namespace {

class Ports final : public pci::PortSpace {
public:
    std::uint8_t in8(std::uint16_t port) override { return arch::in8(port); }
    std::uint16_t in16(std::uint16_t port) override { return arch::in16(port); }
    std::uint32_t in32(std::uint16_t port) override { return arch::in32(port); }
    void out8(std::uint16_t port, std::uint8_t value) override { arch::out8(port, value); }
    void out16(std::uint16_t port, std::uint16_t value) override { arch::out16(port, value); }
    void out32(std::uint16_t port, std::uint32_t value) override { arch::out32(port, value); }
};

constinit Ports ports;

} // namespace

pci::PortSpace* port_space() {
    return &ports;
}

void write_back(const void* at, std::size_t size) {
    constexpr std::uintptr_t kLine = 64;
    const auto begin = reinterpret_cast<std::uintptr_t>(at) & ~(kLine - 1);
    const auto end = reinterpret_cast<std::uintptr_t>(at) + size;
    for (std::uintptr_t line = begin; line < end; line += kLine)
        asm volatile("clflush (%0)" : : "r"(line) : "memory");
    asm volatile("mfence" : : : "memory");
}

} // namespace ashlar::arch
