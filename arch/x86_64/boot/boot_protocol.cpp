#include "arch/x86_64/boot/boot_protocol.h"

#include <algorithm>
#include <string_view>

namespace ashlar::arch {
namespace {

using kernel::BootInformation;
using kernel::MemoryRange;

constexpr std::size_t kMaxCommandLine = 1024;
constinit char command_line_storage[kMaxCommandLine]{};

template <class T>
T field(Bytes bytes, std::size_t offset) {
    return load_le<T>(bytes.data() + offset);
}

// E820 types, which both protocols use.
MemoryRange::Kind kind_of(std::uint32_t type) {
    switch (type) {
    case 1: return MemoryRange::Kind::Usable;
    case 3: return MemoryRange::Kind::AcpiReclaimable;
    case 4: return MemoryRange::Kind::AcpiNvs;
    case 5: return MemoryRange::Kind::Unusable;
    default: return MemoryRange::Kind::Reserved;
    }
}

void set_command_line(BootInformation& boot, Bytes text) {
    const auto* const begin = reinterpret_cast<const char*>(text.data());
    const auto* const end = std::find(begin, begin + text.size(), '\0');
    const std::size_t length = std::min<std::size_t>(static_cast<std::size_t>(end - begin), kMaxCommandLine);
    std::copy_n(begin, length, command_line_storage);
    boot.command_line = {command_line_storage, length};
}

void set_bundle(BootInformation& boot, std::uint64_t base, std::uint64_t size) {
    if (boot.bundle_size != 0 || size == 0 || base + size < base)
        return;
    boot.bundle = PhysicalAddress(base);
    boot.bundle_size = size;
}

} // namespace

Status read_pvh(acpi::PhysicalReader& memory, PhysicalAddress start, BootInformation& boot) {
    constexpr std::uint32_t kMagic = 0x336ec578;
    constexpr std::size_t kSize0 = 40, kSize1 = 56, kModuleSize = 32, kEntrySize = 24;
    const Bytes info = ASHLAR_TRY(memory.view(start, kSize0));
    if (field<std::uint32_t>(info, 0) != kMagic)
        return Error::Malformed;
    boot.protocol = "PVH";
    boot.acpi_rsdp = PhysicalAddress(field<std::uint64_t>(info, 32));
    if (const PhysicalAddress text(field<std::uint64_t>(info, 24)); text != PhysicalAddress())
        if (const Result<Bytes> line = memory.view(text, kMaxCommandLine); line.ok())
            set_command_line(boot, line.value());
    if (field<std::uint32_t>(info, 12) != 0) {
        const Bytes module =
            ASHLAR_TRY(memory.view(PhysicalAddress(field<std::uint64_t>(info, 16)), kModuleSize));
        set_bundle(boot, field<std::uint64_t>(module, 0), field<std::uint64_t>(module, 8));
    }
    if (field<std::uint32_t>(info, 4) < 1)
        return Error::Unsupported; // no memory map
    const Bytes extended = ASHLAR_TRY(memory.view(start, kSize1));
    const auto entries = field<std::uint32_t>(extended, 48);
    const PhysicalAddress map(field<std::uint64_t>(extended, 40));
    const Bytes list = ASHLAR_TRY(memory.view(map, std::uint64_t{entries} * kEntrySize));
    for (std::size_t offset = 0; offset + kEntrySize <= list.size(); offset += kEntrySize)
        boot.add_range(PhysicalAddress(field<std::uint64_t>(list, offset)),
                       field<std::uint64_t>(list, offset + 8),
                       kind_of(field<std::uint32_t>(list, offset + 16)));
    return {};
}

Status read_multiboot2(acpi::PhysicalReader& memory, PhysicalAddress start, BootInformation& boot) {
    constexpr std::size_t kMaxSize = std::size_t{1} << 20;
    const Bytes header = ASHLAR_TRY(memory.view(start, 8));
    const auto size = field<std::uint32_t>(header, 0);
    if (size < 16 || size > kMaxSize)
        return Error::Malformed;
    const Bytes info = ASHLAR_TRY(memory.view(start, size));
    boot.protocol = "multiboot2";
    for (std::size_t offset = 8; offset + 8 <= info.size();) {
        const auto type = field<std::uint32_t>(info, offset);
        const auto length = field<std::uint32_t>(info, offset + 4);
        if (type == 0)
            return {};
        if (length < 8 || length > info.size() - offset)
            return Error::Malformed;
        const Bytes tag = info.subspan(offset, length);
        if (type == 1) {
            set_command_line(boot, tag.subspan(8));
        } else if (type == 3 && length >= 16) {
            const std::uint64_t begin = field<std::uint32_t>(tag, 8), end = field<std::uint32_t>(tag, 12);
            if (begin < end)
                set_bundle(boot, begin, end - begin);
        } else if (type == 6 && length >= 16) {
            const std::size_t entry = field<std::uint32_t>(tag, 8);
            if (entry < 24)
                return Error::Malformed;
            for (std::size_t at = 16; at + entry <= tag.size(); at += entry)
                boot.add_range(PhysicalAddress(field<std::uint64_t>(tag, at)),
                               field<std::uint64_t>(tag, at + 8),
                               kind_of(field<std::uint32_t>(tag, at + 16)));
        } else if (type == 15 || (type == 14 && boot.acpi_rsdp == PhysicalAddress())) {
            boot.acpi_rsdp = start + offset + 8; // a copy of the structure
        }
        offset += (std::size_t{length} + 7) & ~std::size_t{7};
    }
    return Error::Malformed; // no end
}

} // namespace ashlar::arch
