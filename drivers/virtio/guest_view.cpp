#include "drivers/virtio/guest_view.h"

#include "drivers/pci/capabilities.h"
#include "lib/address.h"
#include "lib/bytes.h"
#include "lib/virtio_registers.h"

namespace ashlar::virtio {
namespace {

using namespace structure;

constexpr std::uint16_t kSmallest = 16; // capability
constexpr std::uint16_t kInterruptPin = 0x3d;
constexpr std::uint64_t kLargestBar = std::uint64_t{1} << 30;

class Builder {
public:
    Builder(pci::ConfigAccess& config, const pci::Function& function)
        : config_(config), function_(function) {}

    Result<GuestView> build() {
        if (!function_.msix || function_.msix->vectors < 2)
            return Error::Unsupported;
        find_holes();
        copy_identity();
        pci::for_each_capability(config_, function_.address, [this](std::uint8_t id, std::uint16_t at) {
            if (id == pci::capability::kVendorSpecific)
                status_ = copy_structure(at);
            return status_.ok();
        });
        ASHLAR_TRY(status_);
        constexpr unsigned kNeeded = 1u << kCommon | 1u << kNotify | 1u << kIsr;
        if ((kinds_ & kNeeded) != kNeeded)
            return Error::Unsupported;
        show_bars();
        return view_;
    }

private:
    std::uint8_t field8(std::uint16_t at) const { return config_.read8(function_.address, at); }
    std::uint32_t field32(std::uint16_t at) const { return config_.read32(function_.address, at); }
    void put8(std::uint16_t at, unsigned value) { view_.configuration[at] = static_cast<std::byte>(value); }
    void copy(std::uint16_t at, std::uint16_t size) {
        for (std::uint16_t i = at; i < at + size; ++i)
            put8(i, field8(i));
    }

    void add_hole(std::uint8_t bar, std::uint64_t offset, std::uint64_t size) {
        pci::AddressRange& hole = view_.windows[bar].hole;
        const std::uint64_t begin = offset & ~std::uint64_t{kPageSize - 1};
        const std::uint64_t end = (offset + size + kPageSize - 1) & ~std::uint64_t{kPageSize - 1};
        hole = hole.empty() ? pci::AddressRange{begin, end}
                            : pci::AddressRange{std::min(hole.begin, begin), std::max(hole.end, end)};
    }
    void find_holes() {
        const pci::MsixLayout& msix = *function_.msix;
        add_hole(msix.table_bar, msix.table_offset, std::uint64_t{msix.vectors} * 16);
        add_hole(msix.pending_bar, msix.pending_offset, (std::uint64_t{msix.vectors} + 63) / 64 * 8);
    }

    void copy_identity() {
        copy(pci::reg::kVendor, 4);
        copy(pci::reg::kRevision, 4);
        copy(pci::reg::kSubsystemVendor, 4);
        put8(pci::reg::kStatus, pci::reg::kStatusCapabilities);
        put8(kInterruptPin, 1);
    }

    // Keeps its place; the list leads over those that are kept.
    Status copy_structure(std::uint16_t at) {
        const std::uint8_t length = field8(static_cast<std::uint16_t>(at + kCapabilityLengthField));
        const std::uint8_t kind = field8(static_cast<std::uint16_t>(at + kKindField));
        if (kind < kCommon || kind > kDevice)
            return {}; // the window for configuration accesses, and whatever comes later
        const std::uint8_t bar = field8(static_cast<std::uint16_t>(at + kBarField));
        const std::uint32_t offset = field32(static_cast<std::uint16_t>(at + kOffsetField));
        const std::uint32_t size = field32(static_cast<std::uint16_t>(at + kLengthField));
        if (length < kSmallest || length > 256 - at || !is_usable(bar, offset, size))
            return Error::Unsupported;
        copy(at, length);
        put8(static_cast<std::uint16_t>(at + kNextField), 0);
        put8(last_, at);
        last_ = static_cast<std::uint16_t>(at + kNextField);
        kinds_ |= 1u << kind;
        view_.windows[bar].shown = true;
        return {};
    }
    bool is_usable(std::uint8_t bar, std::uint32_t offset, std::uint32_t size) const {
        if (bar >= function_.bars.size())
            return false;
        const pci::Bar& place = function_.bars[bar];
        const pci::AddressRange& hole = view_.windows[bar].hole;
        return place.kind == pci::Bar::Kind::Memory && place.assigned() && place.address % kPageSize == 0 &&
               place.size >= kPageSize && place.size <= kLargestBar && size != 0 && offset <= place.size &&
               size <= place.size - offset && (hole.empty() || !hole.overlaps(offset, size));
    }

    void show_bars() {
        constexpr unsigned kWide = 4, kPrefetchable = 8;
        for (std::size_t i = 0; i < view_.windows.size(); ++i) {
            const pci::Bar& bar = function_.bars[i];
            if (view_.windows[i].shown)
                put8(static_cast<std::uint16_t>(pci::reg::kBar0 + 4 * i),
                     (bar.wide ? kWide : 0) | (bar.prefetchable ? kPrefetchable : 0));
        }
    }

    pci::ConfigAccess& config_;
    const pci::Function& function_;
    GuestView view_;
    Status status_;
    unsigned kinds_ = 0;
    std::uint16_t last_ = pci::reg::kCapabilities; // where the next capability's place is written
};

} // namespace

Result<GuestView> make_guest_view(pci::ConfigAccess& config, const pci::Function& function) {
    return Builder(config, function).build();
}

} // namespace ashlar::virtio
