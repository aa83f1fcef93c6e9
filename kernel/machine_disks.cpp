#include "kernel/machine_disks.h"

#include <algorithm>

#include "arch/pci.h"
#include "drivers/pci/msix.h"

namespace ashlar::kernel {
namespace {

using Source = DiskConfig::Source;

constexpr unsigned kDiskInterrupt = arch::kDeviceInterrupts - 1; // of all disks; the others are VMs' devices'
constexpr std::uint32_t kPreferredSector = 4096;

} // namespace

std::uint32_t choose_sector_size(const DiskConfig& config, const virtio::DiskSlice& slice,
                                 std::uint32_t disk_block, Sink& problem) {
    const auto fits = [&](std::uint32_t size) {
        return size >= disk_block && slice.offset % size == 0 && slice.length % size == 0;
    };
    if (config.device_sectors)
        return disk_block;
    if (config.sector_size == 0)
        return fits(kPreferredSector) ? kPreferredSector : disk_block;
    if (config.sector_size < disk_block)
        format(problem, "disk {}: sector_size {} is less than the disk's own blocks of {} bytes", config.name,
               config.sector_size, disk_block);
    else if (!fits(config.sector_size))
        format(problem, "disk {}: {} bytes at {} are no whole sectors of {} bytes", config.name, slice.length,
               slice.offset, config.sector_size);
    else
        return config.sector_size;
    return 0;
}

// ------------------------------------------------------------------------------------------ what there is

// Turns on the interrupt by which the device says that something is done.
bool MachineDisks::use_interrupts(const pci::Function& function) {
    if (!function.msix)
        return false;
    const auto target = arch::device_interrupt(kDiskInterrupt);
    const pci::Bar& bar = function.bars[function.msix->table_bar];
    const PhysicalAddress table(bar.address + function.msix->table_offset);
    if (!target.ok() || !platform_.map(table, std::uint64_t{function.msix->vectors} * 16).ok())
        return false;
    constexpr std::uint64_t kMessages = 0xfee0'0000;
    pci::MsixMessage message{kMessages | std::uint64_t{target.value().apic_id} << 12, target.value().vector};
    if (devices_.dma().remaps_interrupts()) {
        const auto remapped = devices_.dma().add_interrupt(function, target.value());
        if (!remapped.ok())
            return false;
        message = {remapped.value().address, remapped.value().data};
    }
    pci::MsixTable vectors(static_cast<volatile std::byte*>(arch::physical_to_virtual(table)),
                           function.msix->vectors);
    for (std::uint16_t vector = 1; vector < vectors.vectors(); ++vector)
        vectors.mask(vector, true);
    vectors.set(0, message);
    pci::enable_msix(devices_.config(), function, true);
    return true;
}

void MachineDisks::add(const pci::Function& function, Sink& log) {
    if (!devices_.dma().allow_own(function).ok())
        return; // a VM's
    virtio::BlockOptions options;
    const bool interrupts = virtio::PciTransport::matches(function) && use_interrupts(function);
    if (interrupts)
        options.vector = 0;
    const Result<Disk*> disk = Disk::open(devices_, function, options, memory_, platform_);
    if (!disk.ok()) {
        if (disk.error() == Error::NotFound)
            return;
        log.write("ashlar: disk        ");
        pci::describe(log, function.address);
        return format(log, " cannot be used: {}\n", disk.error());
    }
    const Result<MachineDisk*> created = create_in_frames<MachineDisk>(memory_, *disk.value(), platform_);
    if (!created.ok())
        return Disk::close(devices_, function, memory_, disk.value());
    MachineDisk& added = *created.value();
    added.address = function.address;
    added.interrupts = interrupts;
    added.shared.arm_interrupts();
    disks_.push_back(added);
    disk.value()->describe(log, function);
}

void MachineDisks::find_disks(Sink& log) {
    if (found_)
        return;
    found_ = true;
    for (const pci::Function& function : devices_.functions())
        if (virtio::PciTransport::matches(function))
            add(function, log);
}

// ------------------------------------------------------------------------------------------ who gets what

Status MachineDisks::give_up(const pci::Function& function) {
    for (MachineDisk& disk : disks_) {
        if (disk.address != function.address)
            continue;
        if (std::any_of(disk.claims.begin(), disk.claims.end(), [](const VmDisk* c) { return c != nullptr; }))
            return Error::Busy;
        if (disk.interrupts)
            pci::enable_msix(devices_.config(), function, false);
        Disk& its_disk = disk.disk;
        disk.unlink();
        destroy_in_frames(memory_, &disk);
        Disk::close(devices_, function, memory_, &its_disk);
        return {};
    }
    return {};
}

// Reads through memory of its own, as devices need it.
class MachineDisks::PartitionReader final : public gpt::BlockReader {
public:
    PartitionReader(Disk& disk, PhysicalAddress buffer) : disk_(disk), buffer_(buffer) {}
    Status read(std::uint64_t first_block, MutableBytes to) override {
        const std::uint64_t block = disk_.device().properties().block_size;
        ASHLAR_TRY(disk_.read(first_block * block, to.size(), buffer_));
        std::memcpy(to.data(), arch::physical_to_virtual(buffer_), to.size());
        return {};
    }

private:
    Disk& disk_;
    PhysicalAddress buffer_;
};

Result<virtio::DiskSlice> MachineDisks::find_partition(MachineDisk& disk, const Guid& unique, Sink& problem) {
    const virtio::DiskProperties& properties = disk.disk.device().properties();
    constexpr unsigned kOrder = order_for(2 * gpt::kMemory);
    const PhysicalAddress memory = ASHLAR_TRY(memory_.allocate(kOrder));
    auto* const bytes = static_cast<std::byte*>(arch::physical_to_virtual(memory));
    PartitionReader reader(disk.disk, memory + gpt::kMemory);
    const auto look = [&]() -> Result<gpt::Partition> {
        const Result<gpt::Table> table =
            gpt::Table::read(reader, properties.block_size, properties.capacity / properties.block_size,
                             MutableBytes(bytes, gpt::kMemory));
        if (table.ok())
            return table.value().find(unique);
        if (table.error() != Error::NotFound) {
            problem.write("(the partition table of ");
            pci::describe(problem, disk.address);
            format(problem, " is not usable: {}) ", table.error());
        }
        return table.error();
    };
    const Result<gpt::Partition> partition = look();
    if (disk.disk.device().idle()) // else the device has not given it back
        memory_.free(memory, kOrder);
    if (!partition.ok())
        return partition.error();
    virtio::DiskSlice slice;
    slice.offset = partition.value().first * properties.block_size;
    slice.length = partition.value().blocks * properties.block_size;
    BufferSink<40> name;
    describe(name, unique);
    std::copy_n(name.view().begin(), slice.identity.size(), slice.identity.begin());
    return slice;
}

// The disk, and as the slice all of it or its partition.
Result<MachineDisks::MachineDisk*> MachineDisks::find(const DiskConfig& config, virtio::DiskSlice& slice,
                                                      Sink& problem) {
    for (MachineDisk& disk : disks_) {
        if (config.source == Source::Partition) {
            // A disk that is in use is read all the same: nothing but ours is in flight before VMs run.
            const Result<virtio::DiskSlice> found = find_partition(disk, config.partition, problem);
            if (!found.ok())
                continue;
            slice = found.value();
            return &disk;
        }
        const bool wanted = config.source == Source::Pci ? disk.address == config.address
                                                         : disk.disk.serial() == config.serial;
        if (!wanted)
            continue;
        slice.length = disk.disk.device().properties().capacity;
        slice.identity = disk.disk.identity();
        return &disk;
    }
    format(problem, "disk {}: the machine has no such {}", config.name,
           config.source == Source::Partition ? "partition" : "disk");
    return Error::NotFound;
}

Status MachineDisks::narrow(const DiskConfig& config, virtio::DiskSlice& slice, std::uint32_t block,
                            Sink& problem) {
    if (!config.range)
        return {};
    const auto [offset, length] = *config.range;
    if (offset > slice.length || length > slice.length - offset) {
        format(problem, "disk {}: the range ends beyond its {} bytes", config.name, slice.length);
        return Error::OutOfRange;
    }
    if (offset % block != 0 || length % block != 0) {
        format(problem, "disk {}: the range is not of the disk's blocks of {} bytes", config.name, block);
        return Error::Misaligned;
    }
    slice.offset += offset;
    slice.length = length;
    return {};
}

Result<VmDisk*> MachineDisks::claim(const DiskConfig& config, std::string_view vm, Sink& log, Sink& problem) {
    find_disks(log);
    virtio::DiskSlice slice;
    MachineDisk* const disk = ASHLAR_TRY(find(config, slice, problem));
    const virtio::DiskProperties& properties = disk->disk.device().properties();
    ASHLAR_TRY(narrow(config, slice, properties.block_size, problem));
    slice.read_only = config.read_only() || properties.read_only;
    const std::uint32_t sector = choose_sector_size(config, slice, properties.block_size, problem);
    if (sector == 0)
        return Error::InvalidArgument;
    VmDisk** place = nullptr;
    for (VmDisk*& claim : disk->claims) {
        if (claim != nullptr && conflict(claim->slice(), slice)) {
            format(problem, "disk {}: vm {} has it already, or a part of it, and one of them may write",
                   config.name, claim->vm());
            return Error::Overlap;
        }
        if (claim == nullptr && place == nullptr)
            place = &claim;
    }
    if (place == nullptr) {
        format(problem, "disk {}: {} VMs have parts of it already", config.name, kMaxClaims);
        return Error::OutOfRange;
    }
    const Result<VmDisk*> created = create_in_frames<VmDisk>(memory_, disk->shared, slice, sector, vm);
    if (!created.ok()) {
        format(problem, "disk {}: no memory for what is kept about it", config.name);
        return created.error();
    }
    *place = created.value();
    return *place;
}

void MachineDisks::release(VmDisk* claim) {
    for (MachineDisk& disk : disks_)
        std::replace(disk.claims.begin(), disk.claims.end(), claim, static_cast<VmDisk*>(nullptr));
    destroy_in_frames(memory_, claim);
}

// ------------------------------------------------------------------------------------------ while VMs run

void MachineDisks::poll() {
    for (MachineDisk& disk : disks_)
        disk.shared.poll();
}

bool MachineDisks::wants_polling() {
    for (MachineDisk& disk : disks_)
        if (disk.shared.busy() && !(disk.interrupts && disk.shared.armed()))
            return true;
    return false;
}

} // namespace ashlar::kernel
