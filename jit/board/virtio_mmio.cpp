#include "jit/board/virtio_mmio.h"

#include <algorithm>

#include "lib/virtio_registers.h"

namespace ashlar::jit::board {
namespace {

using namespace virtio::mmio;

constexpr std::uint32_t kVendor = 0x484c'5341; // "ASLH"

using virtio::status::kDriverOk, virtio::status::kFeaturesOk, virtio::status::kNeedsReset;

// Interrupt causes.
constexpr std::uint32_t kUsedBuffer = 1, kConfigurationChange = 2;

GuestPhysicalAddress with_half(GuestPhysicalAddress address, bool high, std::uint32_t value) {
    const std::uint64_t old = address.value();
    return GuestPhysicalAddress(high ? (old & 0xffff'ffff) | std::uint64_t{value} << 32
                                     : (old & ~std::uint64_t{0xffff'ffff}) | value);
}

} // namespace

void VirtioMmio::reset() {
    if (device_ != nullptr)
        device_->abandon();
    queue_.disable();
    layout_ = {};
    driver_features_ = 0;
    device_features_select_ = driver_features_select_ = queue_select_ = 0;
    status_ = interrupt_status_ = 0;
    wire_.set(false);
}

Result<std::uint64_t> VirtioMmio::read(std::uint64_t offset, unsigned width) {
    if (offset >= kConfiguration)
        return read_configuration(offset - kConfiguration, width);
    if (width != 4 || offset % 4 != 0)
        return std::uint64_t{0};
    return std::uint64_t{read_register(offset)};
}

std::uint64_t VirtioMmio::read_configuration(std::uint64_t offset, unsigned width) const {
    if (device_ == nullptr)
        return 0;
    const Bytes bytes = device_->configuration();
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width && offset + i < bytes.size(); ++i)
        value |= std::to_integer<std::uint64_t>(bytes[offset + i]) << (8 * i);
    return value;
}

std::uint32_t VirtioMmio::read_register(std::uint64_t offset) const {
    switch (offset) {
    case kMagicValue: return kMagic;
    case kVersion: return 2;
    case kVendorId: return kVendor;
    case kSharedMemoryLengthLow:
    case kSharedMemoryLengthHigh: return ~std::uint32_t{0}; // no such region
    default: break;
    }
    if (device_ == nullptr)
        return 0;
    switch (offset) {
    case kDeviceId: return device_->device_id();
    case kDeviceFeatures:
        return device_features_select_ < 2
                   ? static_cast<std::uint32_t>(offered_features() >> 32 * device_features_select_)
                   : 0;
    case kQueueSizeMax: return queue_select_ == 0 ? device_->largest_queue() : 0;
    case kQueueReady: return queue_select_ == 0 && queue_.enabled() ? 1 : 0;
    case kInterruptStatus: return interrupt_status_;
    case kStatus: return status_;
    default: return 0; // write-only, or no such register; the configuration never changes
    }
}

Status VirtioMmio::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (device_ != nullptr && width == 4 && offset % 4 == 0 && offset < kConfiguration)
        write_register(offset, static_cast<std::uint32_t>(value));
    return {};
}

void VirtioMmio::write_register(std::uint64_t offset, std::uint32_t value) {
    switch (offset) {
    case kDeviceFeaturesSelect: device_features_select_ = value; break;
    case kDriverFeaturesSelect: driver_features_select_ = value; break;
    case kDriverFeatures:
        if ((status_ & kFeaturesOk) == 0 && driver_features_select_ < 2) {
            const unsigned shift = 32 * driver_features_select_;
            driver_features_ &= ~(std::uint64_t{0xffff'ffff} << shift);
            driver_features_ |= std::uint64_t{value} << shift;
        }
        break;
    case kQueueSelect: queue_select_ = value; break;
    case kQueueNotify:
        if (value == 0)
            notified();
        break;
    case kInterruptAcknowledge:
        interrupt_status_ &= ~value;
        wire_.set(interrupt_status_ != 0);
        break;
    case kStatus: write_status(value); break;
    default:
        if (queue_select_ == 0)
            write_queue_register(offset, value);
        break;
    }
}

// The layout of a live queue is frozen (4.2.2.2).
void VirtioMmio::write_queue_register(std::uint64_t offset, std::uint32_t value) {
    if (offset == kQueueReady)
        return set_queue_ready((value & 1) != 0);
    if (queue_.enabled())
        return;
    const bool high = (offset & 4) != 0;
    switch (offset) {
    case kQueueSize: layout_.size = static_cast<std::uint16_t>(std::min<std::uint32_t>(value, 0xffff)); break;
    case kQueueDescriptorsLow:
    case kQueueDescriptorsHigh: layout_.descriptors = with_half(layout_.descriptors, high, value); break;
    case kQueueDriverLow:
    case kQueueDriverHigh: layout_.driver = with_half(layout_.driver, high, value); break;
    case kQueueDeviceLow:
    case kQueueDeviceHigh: layout_.device = with_half(layout_.device, high, value); break;
    default: break;
    }
}

void VirtioMmio::set_queue_ready(bool ready) {
    if (!ready) {
        device_->abandon();
        return queue_.disable();
    }
    if (queue_.enabled())
        return;
    queue_.allow_indirect((driver_features_ & virtio::feature::kIndirect) != 0);
    queue_.use_event_index((driver_features_ & virtio::feature::kEventIndex) != 0);
    QueueServer* const server = device_->queue_server();
    if (layout_.size > device_->largest_queue() || !queue_.enable(*memory_, layout_).ok() ||
        (server != nullptr && !attach_server(*server).ok()))
        need_reset();
}

Status VirtioMmio::attach_server(QueueServer& server) {
    return server.attach({layout_.size, layout_.descriptors.value(), layout_.driver.value(),
                          layout_.device.value(), driver_features_});
}

// FEATURES_OK stays clear when the driver wants what was not offered, or is a legacy driver.
void VirtioMmio::write_status(std::uint32_t value) {
    if (value == 0)
        return reset();
    const bool features_ok_now = (value & kFeaturesOk) != 0 && (status_ & kFeaturesOk) == 0;
    status_ = (value & 0xff & ~std::uint32_t{kNeedsReset}) | (status_ & kNeedsReset);
    if (features_ok_now)
        accept_features();
}

void VirtioMmio::accept_features() {
    if ((driver_features_ & ~offered_features()) != 0 || (driver_features_ & virtio::feature::kVersion1) == 0)
        status_ &= ~std::uint32_t{kFeaturesOk};
    else
        device_->start(driver_features_);
}

void VirtioMmio::notified() {
    if (queue_.enabled() && (status_ & kDriverOk) != 0 && (status_ & kNeedsReset) == 0) {
        ++notifications_;
        QueueServer* const server = device_->queue_server();
        if (server != nullptr && !server->kick().ok())
            need_reset();
        else
            serve();
    }
}

bool VirtioMmio::busy() const {
    if (device_ == nullptr)
        return false;
    if (device_->queue_server() != nullptr)
        return queue_.enabled() && (status_ & kNeedsReset) == 0 && queue_.outstanding(*memory_);
    return device_->busy();
}

void VirtioMmio::poll() {
    if (busy())
        serve();
}

void VirtioMmio::serve() {
    const auto interrupt = serve_queue();
    if (!interrupt.ok())
        need_reset();
    else if (interrupt.value())
        raise(kUsedBuffer);
}

// A driver that adds more meanwhile notifies again or is served in the same loop.
Result<bool> VirtioMmio::serve_queue() {
    if (device_->queue_server() != nullptr)
        return look_at_served();
    for (std::uint64_t before = ~requests_; before != requests_;) {
        before = requests_;
        while (device_->has_room()) {
            const auto chain = ASHLAR_TRY(queue_.pop(*memory_));
            if (!chain)
                break;
            ASHLAR_TRY(device_->begin(*memory_, *chain, *this));
        }
        device_->poll(*memory_, *this);
    }
    return queue_.interrupt_wanted(*memory_);
}

// What was interrupted for nothing asks whether its queue is broken.
Result<bool> VirtioMmio::look_at_served() {
    QueueServer& server = *device_->queue_server();
    const bool interrupted = server.interrupted();
    const unsigned returned = ASHLAR_TRY(queue_.observe(*memory_));
    requests_ += returned;
    if (interrupted && returned == 0)
        ASHLAR_TRY(server.kick());
    return queue_.interrupt_wanted(*memory_);
}

void VirtioMmio::used(std::uint16_t head, std::uint32_t written) {
    ++requests_;
    ASHLAR_ASSERT(queue_.push(*memory_, head, written).ok()); // the ring was checked when it was enabled
}

void VirtioMmio::raise(std::uint32_t cause) {
    interrupt_status_ |= cause;
    wire_.set(true);
}

// Section 2.1.2: nothing more is served until the driver resets the device.
void VirtioMmio::need_reset() {
    device_->abandon();
    status_ |= kNeedsReset;
    if ((status_ & kDriverOk) != 0)
        raise(kConfigurationChange);
}

} // namespace ashlar::jit::board
