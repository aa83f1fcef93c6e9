#include "arch/x86_64/translator/memory_map.h"

#include <cstring>
#include <new>

#include "arch/x86_64/common/registers.h"
#include "arch/x86_64/common/stacks.h"
#include "arch/x86_64/page_table_format.h"
#include "arch/x86_64/translator/layout.h"
#include "lib/assert.h"
#include "lib/page_table.h"
#include "lib/table_entries.h"

// Page-aligned borders of the image's parts, by the linker script.
extern "C" const std::byte image_begin[], rodata_begin[], data_begin[], image_end[];

namespace ashlar::arch::translator {
namespace {

// Frames for tables from the unused private memory, upwards. They are reached through the hypervisor's boot
// mapping while the tables are built, and through the private window once they are in use.
class TableFrames {
public:
    TableFrames(std::uint64_t begin, std::uint64_t end) : next_(begin), end_(end) {}

    Result<GuestPhysicalAddress> allocate() {
        if (end_ - next_ < kPageSize || next_ + kPageSize > kImageMaxSize)
            return Error::OutOfMemory;
        const GuestPhysicalAddress frame(abi::kPrivateBase + next_);
        next_ += kPageSize;
        std::memset(entries(frame), 0, kPageSize);
        return frame;
    }
    void free(GuestPhysicalAddress) {} // tables are only built
    std::uint64_t load(GuestPhysicalAddress table, unsigned index) const {
        return load_entry(entries(table)[index]);
    }
    void store(GuestPhysicalAddress table, unsigned index, std::uint64_t entry) {
        store_entry(entries(table)[index], entry);
    }
    bool compare_exchange(GuestPhysicalAddress table, unsigned index, std::uint64_t& expected,
                          std::uint64_t entry) {
        return compare_exchange_entry(entries(table)[index], expected, entry);
    }
    void invalidate() {} // nothing is mapped but before the CPU uses the tables

    // Offset in private memory of what is left.
    std::uint64_t next() const { return next_; }
    void use_private_window() { base_ = kPrivateWindow; }

private:
    std::uint64_t* entries(GuestPhysicalAddress table) const {
        return reinterpret_cast<std::uint64_t*>((base_ + (table.value() - abi::kPrivateBase)).value());
    }

    VirtualAddress base_ = kImageBase;
    std::uint64_t next_, end_;
};

using Table = PageTable<LongModeFormat<VirtualAddress, GuestPhysicalAddress>, TableFrames>;

constexpr PageRights kCode{.execute = true}, kConstant{}, kData{.write = true},
    kRegisters{.write = true, .uncached = true};

std::byte* pointer(VirtualAddress address) {
    return reinterpret_cast<std::byte*>(address.value());
}
VirtualAddress address_of(const std::byte* object) {
    return VirtualAddress(reinterpret_cast<std::uintptr_t>(object));
}

unsigned largest_leaf_level() {
    constexpr std::uint32_t kGiantPages = 1 << 26; // CPUID 8000'0001, edx
    const bool has_leaf = cpuid(0x8000'0000).eax >= 0x8000'0001;
    return has_leaf && (cpuid(0x8000'0001).edx & kGiantPages) != 0 ? 3 : 2;
}

Status map_image_part(Table& table, const std::byte* begin, const std::byte* end, const PageRights& rights) {
    const VirtualAddress from = address_of(begin);
    return table.map(from, GuestPhysicalAddress(abi::kPrivateBase + (from - kImageBase)),
                     static_cast<std::uint64_t>(end - begin), rights);
}

Status map_image(Table& table) {
    ASHLAR_TRY(map_image_part(table, image_begin, rodata_begin, kCode));
    ASHLAR_TRY(map_image_part(table, rodata_begin, data_begin, kConstant));
    ASHLAR_TRY(map_image_part(table, data_begin, image_end, kData));
    for (unsigned stack = 0; stack < kStacks; ++stack)
        ASHLAR_TRY(table.unmap(stack_guard(stack), kPageSize));
    return {};
}

// A range of physical memory and the window that shows it.
struct Window {
    VirtualAddress base;
    std::uint64_t physical_base;

    Result<std::byte*> map(Table& table, jit::bare::AddressWindows& windows, std::uint64_t physical,
                           std::uint64_t size, const PageRights& rights) const {
        const VirtualAddress from = base + (physical - physical_base);
        ASHLAR_TRY(table.map(from, GuestPhysicalAddress(physical), size, rights));
        ASHLAR_TRY(windows.add(from, GuestPhysicalAddress(physical), size));
        return pointer(from);
    }
};
constexpr Window kPrivate{kPrivateWindow, abi::kPrivateBase};
constexpr Window kRam{kRamWindow, abi::kRamBase};
constexpr Window kBlobs{kBlobWindow, abi::kBlobBase};

Status map_blobs(Table& table, const abi::BootInfo& boot, jit::bare::Environment& environment) {
    constexpr std::uint64_t kMaxBlob = std::uint64_t{1} << 40;
    for (std::size_t i = 0; i < boot.blob_count; ++i) {
        const abi::Blob& blob = boot.blobs[i];
        if (blob.size == 0)
            continue;
        if (blob.address < abi::kBlobBase || blob.address % kPageSize != 0 || blob.size > kMaxBlob ||
            blob.address - abi::kBlobBase > kMaxBlob)
            return Error::Malformed;
        const std::uint64_t pages = GuestPhysicalAddress(blob.size).align_up(kPageSize).value();
        const std::byte* const bytes =
            ASHLAR_TRY(kBlobs.map(table, environment.windows, blob.address, pages, kConstant));
        environment.blobs[i] = {bytes, blob.size};
    }
    return {};
}

// Asks for device `number`, and maps its BARs. `windows` have the image.
Status map_device(Table& table, const jit::bare::AddressWindows& windows, unsigned number,
                  jit::bare::AssignedDevice& device) {
    abi::DeviceInformation& information = device.information;
    const GuestPhysicalAddress at = ASHLAR_TRY(windows.physical(&information, sizeof information));
    if (jit::bare::hypercall(abi::Hypercall::DeviceInfo, number, at.value()).status != abi::Status::Ok)
        return Error::NotFound;
    const std::uint64_t begin = abi::kDeviceBase + number * abi::kDeviceStride;
    for (std::size_t i = 0; i < device.bars.size(); ++i) {
        const abi::DeviceBar& bar = information.bars[i];
        if (bar.size == 0)
            continue;
        if (bar.address < begin || bar.address - begin >= abi::kDeviceStride ||
            bar.size > abi::kDeviceStride - (bar.address - begin))
            return Error::Malformed;
        const VirtualAddress from = kDeviceWindow + (bar.address - abi::kDeviceBase);
        ASHLAR_TRY(table.map(from, GuestPhysicalAddress(bar.address), bar.size, kRegisters));
        device.bars[i] = {pointer(from), bar.size, bar.hole_begin, bar.hole_end};
    }
    return {};
}

Status check(const abi::BootInfo& boot) {
    const std::uint64_t image_size = static_cast<std::uint64_t>(image_end - image_begin);
    const bool sound = boot.private_used >= image_size && boot.private_used <= boot.private_size &&
                       boot.private_size % kPageSize == 0 && boot.ram_size % kPageSize == 0 &&
                       boot.ram_size <= abi::kPrivateBase - abi::kRamBase &&
                       boot.device_count <= abi::kMaxDevices;
    return sound ? Status() : Status(Error::Malformed);
}

// A quarter of what is there, in large pages.
std::uint64_t native_code_bytes(std::uint64_t available) {
    constexpr std::uint64_t kLargest = std::uint64_t{64} << 20, kGranule = std::uint64_t{2} << 20;
    static_assert(kLargest <= kCodeCacheMaxSize);
    return std::min(kLargest, available / 4) & ~(kGranule - 1);
}

// What the CPU is about to use: nothing writable and executable, nothing for ring 3.
void check_rights(const Table& table) {
    table.for_each_leaf([](std::uint64_t, const Table::Mapping& mapping) {
        ASHLAR_ASSERT(!(mapping.rights.write && mapping.rights.execute) && !mapping.rights.user);
    });
}

} // namespace

Status map_memory(const abi::BootInfo& boot, jit::bare::Environment& environment) {
    ASHLAR_TRY(check(boot));
    const std::uint64_t unused = GuestPhysicalAddress(boot.private_used).align_up(kPageSize).value();
    // Both stay: the table describes the live address space.
    alignas(TableFrames) static constinit std::byte frames_storage[sizeof(TableFrames)]{};
    alignas(Table) static constinit std::byte table_storage[sizeof(Table)]{};
    auto& frames = *::new (frames_storage) TableFrames(unused, boot.private_size);
    Table& table = *::new (table_storage) Table(ASHLAR_TRY(Table::create(frames, largest_leaf_level())));

    ASHLAR_TRY(map_image(table));
    ASHLAR_TRY(environment.windows.add(kImageBase, GuestPhysicalAddress(abi::kPrivateBase),
                                       static_cast<std::uint64_t>(image_end - image_begin)));
    std::byte* const window = ASHLAR_TRY(kPrivate.map(table, environment.windows, abi::kPrivateBase + unused,
                                                      boot.private_size - unused, kData));
    std::byte* const ram =
        ASHLAR_TRY(kRam.map(table, environment.windows, abi::kRamBase, boot.ram_size, kData));
    ASHLAR_TRY(map_blobs(table, boot, environment));
    for (unsigned number = 0; number < boot.device_count; ++number)
        ASHLAR_TRY(map_device(table, environment.windows, number, environment.devices[number]));

    // Host code is at the end of private memory, writable through the window there and executable near the
    // image.
    const std::uint64_t native = native_code_bytes(boot.private_size - unused);
    const std::uint64_t native_offset = boot.private_size - native;
    ASHLAR_TRY(
        table.map(kCodeCacheBase, GuestPhysicalAddress(abi::kPrivateBase + native_offset), native, kCode));

    check_rights(table);
    write_cr3(table.root().value());
    frames.use_private_window();
    environment.ram = {ram, boot.ram_size};
    environment.native_code = {{window + (native_offset - unused), native}, pointer(kCodeCacheBase)};
    environment.heap = {window + (frames.next() - unused), native_offset - frames.next()};
    return {};
}

} // namespace ashlar::arch::translator
