#include "jit/board/image.h"

#include <algorithm>

#include "lib/elf.h"

namespace ashlar::jit::board {
namespace {

// Linux Image header (Documentation/arch/riscv/boot-image-header.rst).
constexpr std::size_t kImageSizeField = 16, kImageMagicField = 56, kImageHeaderSize = 64;
constexpr std::uint32_t kImageMagic = 0x0543'5352; // "RSC\5"

struct Signature {
    std::size_t offset;
    std::string_view magic;
    std::string_view name;
    std::string_view remedy;
};
using namespace std::string_view_literals;
constexpr Signature kForeign[] = {
    {0, "\x1f\x8b"sv, "gzip", "unpack it with gunzip"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "xz", "unpack it with unxz"},
    {0, "\x28\xb5\x2f\xfd"sv, "zstd", "unpack it with unzstd"},
    {0, "BZh"sv, "bzip2", "unpack it with bunzip2"},
    {4, "zimg"sv, "a compressed EFI image", "take the uncompressed arch/riscv/boot/Image"},
    {0, "\x27\x05\x19\x56"sv, "a U-Boot uImage", "take the image that it wraps"},
};

bool has_signature(Bytes image, const Signature& signature) {
    if (image.size() < signature.offset + signature.magic.size())
        return false;
    return std::equal(signature.magic.begin(), signature.magic.end(),
                      image.begin() + static_cast<std::ptrdiff_t>(signature.offset),
                      [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

bool is_linux_image(Bytes image) {
    return image.size() >= kImageHeaderSize &&
           load_le<std::uint32_t>(image.data() + kImageMagicField) == kImageMagic;
}

class Loader {
public:
    Loader(GuestMemory& memory, std::string_view what, Sink& diagnostics)
        : memory_(memory), what_(what), diagnostics_(diagnostics) {}

    Result<LoadedImage> elf(Bytes bytes);
    Result<LoadedImage> flat(Bytes bytes, GuestPhysicalAddress base, std::uint64_t memory_size);

    template <class... Arguments>
    void complain(FormatString<Arguments...> text, const Arguments&... arguments) {
        format(diagnostics_, "{}: ", what_);
        format(diagnostics_, text, arguments...);
        diagnostics_.write("\n");
    }

private:
    Status place(GuestPhysicalAddress address, Bytes file, std::uint64_t memory_size);

    GuestMemory& memory_;
    std::string_view what_;
    Sink& diagnostics_;
};

// The bytes after `file` keep what they held: guest memory is zero when images are loaded.
Status Loader::place(GuestPhysicalAddress address, Bytes file, std::uint64_t memory_size) {
    if (!memory_.contains(address, memory_size)) {
        complain("needs {} bytes at {:#x}, but RAM is {:#x} to {:#x}; give the machine more memory or link "
                 "the image elsewhere",
                 memory_size, address, memory_.base(), memory_.base() + memory_.size());
        return Error::OutOfRange;
    }
    return memory_.write(address, file);
}

Result<LoadedImage> Loader::flat(Bytes bytes, GuestPhysicalAddress base, std::uint64_t memory_size) {
    ASHLAR_TRY(place(base, bytes, memory_size));
    return LoadedImage{{base, memory_size}, base, std::nullopt, std::nullopt};
}

Result<LoadedImage> Loader::elf(Bytes bytes) {
    const auto parsed = ashlar::elf::File::parse(bytes);
    if (!parsed.ok()) {
        complain("ELF file is {}; a 64-bit little-endian executable is needed", parsed.error());
        return parsed.error();
    }
    const ashlar::elf::File& file = parsed.value();
    if (!file.is_for(ashlar::elf::Machine::RiscV)) {
        complain("ELF file is for machine type {}, not for RISC-V (243)", file.machine());
        return Error::Unsupported;
    }
    LoadedImage loaded;
    loaded.entry = GuestPhysicalAddress(file.entry());
    std::uint64_t lowest = ~std::uint64_t{0}, highest = 0;
    const Status status = file.for_each_segment([&](const ashlar::elf::Segment& segment) -> Status {
        ASHLAR_TRY(place(GuestPhysicalAddress(segment.physical_address), segment.file, segment.memory_size));
        lowest = std::min(lowest, segment.physical_address);
        highest = std::max(highest, segment.physical_address + segment.memory_size);
        // The entry point is a virtual address (so it is in vmlinux); paging is off when it is jumped to.
        if (file.entry() - segment.virtual_address < segment.memory_size)
            loaded.entry =
                GuestPhysicalAddress(file.entry() - segment.virtual_address + segment.physical_address);
        return {};
    });
    if (!status.ok()) {
        if (status.error() == Error::Malformed)
            complain("ELF file is damaged: a segment reaches out of the file or of the address space");
        return status.error();
    }
    if (highest == 0) {
        complain("ELF file has no loadable segment");
        return Error::Malformed;
    }
    loaded.extent = {GuestPhysicalAddress(lowest), highest - lowest};
    const auto symbol = [&](std::string_view name) -> std::optional<GuestPhysicalAddress> {
        const auto value = file.find_symbol(name);
        if (!value.ok() || value.value() % 8 != 0 ||
            !memory_.contains(GuestPhysicalAddress(value.value()), 8))
            return std::nullopt;
        return GuestPhysicalAddress(value.value());
    };
    loaded.tohost = symbol("tohost");
    loaded.fromhost = symbol("fromhost");
    return loaded;
}

} // namespace

bool has_host_interface(Bytes image) {
    const auto file = ashlar::elf::File::parse(image);
    return file.ok() && file.value().is_for(ashlar::elf::Machine::RiscV) &&
           file.value().find_symbol("tohost").ok();
}

Result<LoadedImage> load_image(GuestMemory& memory, std::string_view what, Bytes image,
                               GuestPhysicalAddress base, Sink& diagnostics) {
    Loader loader(memory, what, diagnostics);
    if (ashlar::elf::is_elf(image))
        return loader.elf(image);
    for (const Signature& signature : kForeign) {
        if (has_signature(image, signature)) {
            loader.complain("this is {}, which cannot be executed: {} first", signature.name,
                            signature.remedy);
            return Error::Unsupported;
        }
    }
    std::uint64_t memory_size = image.size();
    if (is_linux_image(image))
        memory_size = std::max(memory_size, load_le<std::uint64_t>(image.data() + kImageSizeField));
    return loader.flat(image, base, memory_size);
}

} // namespace ashlar::jit::board
