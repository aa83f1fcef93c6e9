#include "kernel/disk.h"

#include <algorithm>

#include "drivers/pci/assign.h"
#include "lib/sync.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kPatienceNs = 30'000'000'000;

std::string_view text_of(const virtio::BlockDevice::Identity& identity) {
    std::size_t length = 0;
    while (length < identity.size() && identity[length] != '\0')
        ++length;
    return {identity.data(), length};
}

void describe(Sink& sink, const pci::Function& function, std::string_view serial,
              virtio::BlockDevice& device) {
    const virtio::DiskProperties& disk = device.properties();
    sink.write("ashlar: disk        ");
    pci::describe(sink, function.address);
    format(sink, " virtio, serial \"{}\", {} KiB in blocks of {} bytes{}, {} queue{} of {}, {} rings\n",
           serial, disk.capacity / 1024, disk.block_size, disk.read_only ? ", read-only" : "",
           device.queue_count(), device.queue_count() == 1 ? "" : "s", device.queue_size(),
           (device.features() & virtio::feature::kPacked) != 0 ? "packed" : "split");
}

// Counts what is done, and keeps the first failure.
class Tally final : public virtio::DiskCompletions {
public:
    void completed(std::uint32_t, Status result) override {
        ++done;
        if (status.ok())
            status = result;
    }
    std::uint64_t done = 0;
    Status status;
};

} // namespace

Result<Disk*> Disk::open(Devices& devices, std::string_view name, MemorySource& memory, Platform& platform,
                         Sink& sink) {
    for (const pci::Function& function : devices.functions()) {
        if (!virtio::PciTransport::matches(function))
            continue;
        BufferSink<16> address;
        pci::describe(address, function.address);
        if (const Status allowed = devices.dma().allow_own(function); !allowed.ok()) {
            format(sink, "ashlar: disk {}: the IOMMU does not answer: {}\n", address.view(), allowed.error());
            continue;
        }
        pci::enable(devices.config(), devices.functions(), function);
        Result<virtio::PciTransport> transport =
            virtio::PciTransport::open(devices.config(), function, platform);
        if (!transport.ok() || transport.value().device_id() != virtio::DeviceId::Block) {
            if (address.view() == name)
                format(sink, "ashlar: disk {}: no modern virtio block device\n", name);
            static_cast<void>(devices.dma().forget_own(function).ok());
            continue;
        }
        Disk* const disk = ASHLAR_TRY(create_in_frames<Disk>(memory, transport.value(), platform));
        Status usable = disk->device_.initialize();
        std::string_view serial;
        virtio::BlockDevice::Identity identity{};
        if (usable.ok()) {
            if (const auto told = disk->device_.identify(); told.ok())
                identity = told.value();
            serial = text_of(identity);
        }
        if (!usable.ok() && address.view() == name)
            format(sink, "ashlar: disk {}: cannot be used: {}\n", name, usable.error());
        if (usable.ok() && (address.view() == name || serial == name)) {
            kernel::describe(sink, function, serial, disk->device_);
            return disk;
        }
        destroy_in_frames(memory, disk);
        static_cast<void>(devices.dma().forget_own(function).ok());
    }
    format(sink, "ashlar: disk {}: not found\n", name);
    return Error::NotFound;
}

Status Disk::read(std::uint64_t offset, std::uint64_t size, PhysicalAddress to) {
    const Status first = read_once(offset, size, to);
    if (first.ok() || first.error() == Error::OutOfRange || first.error() == Error::Misaligned)
        return first;
    Tally ignored;
    ASHLAR_TRY(device_.recover(ignored));
    return read_once(offset, size, to);
}

Status Disk::read_once(std::uint64_t offset, std::uint64_t size, PhysicalAddress to) {
    const virtio::DiskProperties& disk = device_.properties();
    const std::uint64_t most = std::max<std::uint64_t>(std::min<std::uint64_t>(disk.largest_piece, 1 << 20) /
                                                           disk.block_size * disk.block_size,
                                                       disk.block_size);
    Tally tally;
    std::uint64_t started = 0, last_progress = arch::now_ns();
    for (std::uint64_t begun = 0; begun != size || tally.done != started;) {
        const std::uint64_t before = tally.done + begun;
        while (begun != size && tally.status.ok()) {
            const virtio::DiskPiece piece{to.value() + begun,
                                          static_cast<std::uint32_t>(std::min(most, size - begun))};
            const auto token = device_.start(
                0, {virtio::DiskRequest::Kind::Read, offset + begun, piece.length, {&piece, 1}});
            if (!token.ok() && token.error() == Error::Busy)
                break;
            if (!token.ok()) {
                tally.status = token.error();
                break;
            }
            begun += piece.length;
            ++started;
        }
        if (!tally.status.ok() && tally.done == started)
            break;
        device_.submit(0);
        ASHLAR_TRY(device_.poll(0, tally));
        const std::uint64_t now = arch::now_ns();
        if (tally.done + begun != before)
            last_progress = now;
        else if (now - last_progress > kPatienceNs)
            return Error::Io;
        cpu_relax();
    }
    return tally.status;
}

} // namespace ashlar::kernel
