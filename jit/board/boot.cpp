#include "jit/board/boot.h"

#include <algorithm>
#include <memory>
#include <new>

#include "jit/board/device_tree.h"

namespace ashlar::jit::board {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kDynamicInfoMagic = 0x4942'534f; // "OSBI"
constexpr std::uint64_t kDynamicInfoVersion = 2, kNextModeSupervisor = 1;
// Guests that use 32-bit addresses early must reach the device tree.
constexpr GuestPhysicalAddress kDeviceTreeLimit{std::uint64_t{3} << 30};

class Planner {
public:
    Planner(GuestMemory& memory, const BootImages& images, Sink& diagnostics)
        : memory_(memory), images_(images), diagnostics_(diagnostics) {}
    Result<BootPlan> plan();

private:
    struct Named {
        std::string_view name;
        Window extent;
    };

    Status claim(std::string_view name, const Window& extent);
    const Named* claimed(const Window& extent) const;
    Status load_programs();
    Status load_initrd();
    Status load_device_tree();
    void take_host_interface(const LoadedImage& image);

    GuestMemory& memory_;
    const BootImages& images_;
    Sink& diagnostics_;
    BootPlan plan_;
    GuestPhysicalAddress kernel_entry_{}, programs_end_ = kRamBase;
    Window initrd_{};
    std::array<Named, 4> claims_{};
    std::size_t claim_count_ = 0;
};

const Planner::Named* Planner::claimed(const Window& extent) const {
    for (std::size_t i = 0; i < claim_count_; ++i)
        if (overlap(claims_[i].extent, extent))
            return &claims_[i];
    return nullptr;
}

Status Planner::claim(std::string_view name, const Window& extent) {
    if (const Named* const other = claimed(extent)) {
        format(diagnostics_,
               "{} ({:#x} to {:#x}) overlaps {} ({:#x} to {:#x}); give the machine more memory "
               "or link one of them elsewhere\n",
               name, extent.base, extent.base + extent.size, other->name, other->extent.base,
               other->extent.base + other->extent.size);
        return Error::Overlap;
    }
    claims_[claim_count_++] = {name, extent};
    return {};
}

void Planner::take_host_interface(const LoadedImage& image) {
    if (!image.tohost || plan_.tohost)
        return;
    plan_.tohost = image.tohost;
    plan_.fromhost = image.fromhost;
}

// Firmware goes to the start of RAM, a kernel that may run anywhere to where OpenSBI's fw_jump jumps.
Status Planner::load_programs() {
    if (images_.firmware.empty() && images_.kernel.empty()) {
        format(diagnostics_, "nothing to run: neither a kernel nor firmware was given\n");
        return Error::InvalidArgument;
    }
    if (!images_.firmware.empty()) {
        const auto firmware =
            ASHLAR_TRY(load_image(memory_, "firmware", images_.firmware, kRamBase, diagnostics_));
        ASHLAR_TRY(claim("the firmware", firmware.extent));
        take_host_interface(firmware);
        plan_.entry = firmware.entry;
        programs_end_ = firmware.extent.base + firmware.extent.size;
    }
    if (!images_.kernel.empty()) {
        const auto kernel =
            ASHLAR_TRY(load_image(memory_, "kernel", images_.kernel, kKernelBase, diagnostics_));
        ASHLAR_TRY(claim("the kernel", kernel.extent));
        take_host_interface(kernel);
        kernel_entry_ = kernel.entry;
        if (images_.firmware.empty())
            plan_.entry = kernel.entry;
        programs_end_ = std::max(programs_end_, kernel.extent.base + kernel.extent.size);
    }
    return {};
}

// At half of RAM above the kernel but not further than 128 MiB, so that the kernel can grow below it; or,
// when it is too big for that, right behind the programs.
Status Planner::load_initrd() {
    if (images_.initrd.empty())
        return {};
    const GuestPhysicalAddress anchor = images_.kernel.empty() ? kKernelBase : kernel_entry_;
    const GuestPhysicalAddress lowest = programs_end_.align_up(kPageSize);
    initrd_.size = images_.initrd.size();
    initrd_.base =
        std::max((anchor + std::min(memory_.size() / 2, 128 * kMiB)).align_down(kPageSize), lowest);
    const std::uint64_t with_tree = initrd_.size + kDeviceTreeCapacity + 2 * kMiB;
    if (!memory_.contains(initrd_.base, with_tree))
        initrd_.base = lowest;
    if (!memory_.contains(initrd_.base, initrd_.size)) {
        format(diagnostics_,
               "initrd: its {} bytes do not fit behind the kernel, which ends at {:#x}, into RAM, "
               "which ends at {:#x}; give the machine more memory\n",
               initrd_.size, programs_end_, memory_.base() + memory_.size());
        return Error::OutOfRange;
    }
    ASHLAR_TRY(claim("the initrd", initrd_));
    return memory_.write(initrd_.base, images_.initrd);
}

Status Planner::load_device_tree() {
    const std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[kDeviceTreeCapacity]);
    if (buffer == nullptr)
        return Error::OutOfMemory;
    const DeviceTreeConfig config{memory_.size(), images_.harts, images_.command_line, initrd_,
                                  images_.random_seed};
    const auto tree = write_device_tree(MutableBytes(buffer.get(), kDeviceTreeCapacity), config);
    if (!tree.ok()) {
        format(diagnostics_, "the command line of {} bytes does not fit into the device tree\n",
               images_.command_line.size());
        return tree.error();
    }
    const std::uint64_t size = tree.value().size();
    const GuestPhysicalAddress limit = std::min(memory_.base() + memory_.size(), kDeviceTreeLimit);
    plan_.device_tree = (limit - size).align_down(2 * kMiB);
    ASHLAR_TRY(claim("the device tree", {plan_.device_tree, size}));
    return memory_.write(plan_.device_tree, tree.value());
}

Result<BootPlan> Planner::plan() {
    ASHLAR_TRY(load_programs());
    plan_.supervisor = needs_builtin_sbi(images_);
    ASHLAR_TRY(load_initrd());
    ASHLAR_TRY(load_device_tree());
    plan_.dynamic_info = kBootRom.base;
    plan_.dynamic_info_words = {
        kDynamicInfoMagic, kDynamicInfoVersion, kernel_entry_.value(), kNextModeSupervisor, 0, 0};
    return plan_;
}

} // namespace

bool needs_builtin_sbi(const BootImages& images) {
    return images.firmware.empty() && !has_host_interface(images.kernel);
}

Result<BootPlan> load_boot_images(GuestMemory& memory, const BootImages& images, Sink& diagnostics) {
    return Planner(memory, images, diagnostics).plan();
}

} // namespace ashlar::jit::board
