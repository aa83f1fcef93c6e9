#include "kernel/disk.h"

#include <algorithm>

#include "drivers/pci/assign.h"
#include "lib/sync.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kPatienceNs = 30'000'000'000;

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

std::string_view Disk::serial() const {
    std::size_t length = 0;
    while (length < identity_.size() && identity_[length] != '\0')
        ++length;
    return {identity_.data(), length};
}

void Disk::describe(Sink& sink, const pci::Function& function) {
    const virtio::DiskProperties& disk = device_.properties();
    sink.write("ashlar: disk        ");
    pci::describe(sink, function.address);
    format(sink, " virtio, serial \"{}\", {} KiB in blocks of {} bytes{}, {} queue{} of {}, {} rings\n",
           serial(), disk.capacity / 1024, disk.block_size, disk.read_only ? ", read-only" : "",
           device_.queue_count(), device_.queue_count() == 1 ? "" : "s", device_.queue_size(),
           (device_.features() & virtio::feature::kPacked) != 0 ? "packed" : "split");
}

Result<Disk*> Disk::open(Devices& devices, const pci::Function& function, const virtio::BlockOptions& options,
                         MemorySource& memory, Platform& platform) {
    if (!virtio::PciTransport::matches(function))
        return Error::NotFound;
    ASHLAR_TRY(devices.dma().allow_own(function));
    pci::enable(devices.config(), devices.functions(), function);
    const auto open = [&]() -> Result<Disk*> {
        const virtio::PciTransport transport =
            ASHLAR_TRY(virtio::PciTransport::open(devices.config(), function, platform));
        if (transport.device_id() != virtio::DeviceId::Block)
            return Error::NotFound;
        Disk* const disk = ASHLAR_TRY(create_in_frames<Disk>(memory, transport, platform));
        if (const Status usable = disk->device_.initialize(options); !usable.ok()) {
            destroy_in_frames(memory, disk);
            return usable.error();
        }
        if (const auto identity = disk->device_.identify(); identity.ok())
            disk->identity_ = identity.value();
        return disk;
    };
    Result<Disk*> disk = open();
    if (!disk.ok())
        static_cast<void>(devices.dma().forget_own(function).ok());
    return disk;
}

void Disk::close(Devices& devices, const pci::Function& function, MemorySource& memory, Disk* disk) {
    destroy_in_frames(memory, disk);
    static_cast<void>(devices.dma().forget_own(function).ok());
}

Result<Disk*> Disk::open(Devices& devices, std::string_view name, MemorySource& memory, Platform& platform,
                         Sink& sink) {
    for (const pci::Function& function : devices.functions()) {
        if (!virtio::PciTransport::matches(function))
            continue;
        BufferSink<16> address;
        pci::describe(address, function.address);
        const Result<Disk*> opened = open(devices, function, {}, memory, platform);
        if (!opened.ok()) {
            if (address.view() == name)
                format(sink, "ashlar: disk {}: cannot be used as a virtio block device: {}\n", name,
                       opened.error());
            continue;
        }
        Disk* const disk = opened.value();
        if (address.view() == name || disk->serial() == name) {
            disk->describe(sink, function);
            return disk;
        }
        close(devices, function, memory, disk);
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
