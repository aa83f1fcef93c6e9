#include "kernel/vm.h"

#include <algorithm>
#include <utility>

#include "kernel/explain.h"
#include "kernel/log.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
// The translator's image, its tables and heap: 64 MiB of translations and what goes with them.
constexpr std::uint64_t kTranslatorMemory = 112 * kMiB, kNativeMemory = 16 * kMiB;
constexpr std::uint64_t kMaxPrivateMemory = 1024 * kMiB; // what the entry tables map
constexpr std::uint64_t kStackBytes = 16 * 1024;
constexpr std::uint64_t kSector = 512;
constexpr std::string_view kTables = "not enough memory for the VM's tables";

std::uint64_t round_up_to_page(std::uint64_t bytes) {
    return (bytes + kPageSize - 1) & ~std::uint64_t{kPageSize - 1};
}

std::uint64_t private_memory_of(const VmConfig& config) {
    if (config.private_memory != 0)
        return config.private_memory;
    return config.kind == VmKind::Riscv64 ? kTranslatorMemory : kNativeMemory;
}

Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

} // namespace

// What the VM finds at kBlobBase, each on pages of its own.
class Vm::BlobList {
public:
    struct Item {
        abi::Blob::Kind kind;
        Bytes bytes;
    };

    BlobList(const VmConfig& config, const VmImages& images) {
        for (std::size_t i = 0; i < config.tuning_count; ++i)
            format(tuning_, "{}\n", config.tuning[i]);
        // A native VM's kernel is its program, which is loaded; the others see theirs as a blob.
        const Bytes kernel = config.kind == VmKind::Native ? Bytes() : images.kernel;
        add(abi::Blob::Kind::Firmware, images.firmware);
        add(abi::Blob::Kind::Kernel, kernel);
        add(abi::Blob::Kind::Initrd, images.initrd);
        add(abi::Blob::Kind::CommandLine, bytes_of(config.command_line));
        add(abi::Blob::Kind::Tuning, bytes_of(tuning_.view()));
    }
    std::span<const Item> items() const { return {items_.data(), count_}; }
    std::uint64_t size() const {
        std::uint64_t total = 0;
        for (const Item& item : items())
            total += round_up_to_page(item.bytes.size());
        return total;
    }

private:
    void add(abi::Blob::Kind kind, Bytes bytes) {
        if (!bytes.empty())
            items_[count_++] = {kind, bytes};
    }
    BufferSink<512> tuning_;
    std::array<Item, abi::kMaxBlobs> items_;
    std::size_t count_ = 0;
};

Vm::Vm(FrameAllocator& frames, MemorySource& hypervisor, const VmConfig& config, const Placement& placement)
    : frames_(frames),
      hypervisor_(hypervisor),
      memory_(frames, account_, placement),
      tables_(memory_.for_tables()),
      platform_(tables_) {
    name_length_ = std::min(config.name.size(), name_.size());
    std::copy_n(config.name.begin(), name_length_, name_.begin());
    account_.name = "vm";
    sees_machine_ = config.sees_machine;
}

Result<Vm*> Vm::create(FrameAllocator& frames, MemorySource& hypervisor, const VmConfig& config,
                       const VmImages& images, Sink& problem, const Placement& placement) {
    const Result<Vm*> created = create_in_frames<Vm>(hypervisor, frames, hypervisor, config, placement);
    if (!created.ok()) {
        format(problem, "no memory for the VM's description");
        return created.error();
    }
    Vm* const vm = created.value();
    if (const Status built = vm->build(config, images, problem); !built.ok()) {
        static_cast<void>(vm->disconnect_disks().ok()); // nothing was started
        vm->destroy();
        return built.error();
    }
    return vm;
}

Status Vm::disconnect_disks() {
    Status status;
    for (Disk& disk : disks_)
        if (disk.machine != nullptr)
            if (const Status ended = disk.machine->disconnect(); !ended.ok())
                status = ended;
    return status;
}

void Vm::destroy() {
    // What a device may still write to is nobody's any more.
    if (!take_back_devices()) {
        log("ashlar: vm {}: the IOMMU does not answer: {} KiB of memory are lost\n", name(),
            account_.frames * kPageSize / 1024);
        return;
    }
    if (cpu_ != nullptr)
        arch::destroy(cpu_);
    if (space_ != nullptr)
        arch::destroy(space_);
    for (Disk& disk : disks_)
        disk.contents.release();
    blobs_.release();
    ram_.release();
    private_.release();
    ASHLAR_ASSERT(account_.frames == 0); // else the VM has taken something with it
    destroy_in_frames(hypervisor_, this);
}

Status Vm::build(const VmConfig& config, const VmImages& images, Sink& problem) {
    const BlobList blobs(config, images);
    ASHLAR_TRY(admit(config, images, blobs.size(), problem));
    ASHLAR_TRY(reserve_memory(config, images, blobs.size(), problem));
    ASHLAR_TRY(map_memory(config, problem));
    ASHLAR_TRY(load_program(images.program, problem));
    ASHLAR_TRY(load_blobs(blobs));
    ASHLAR_TRY(load_disks(config, images));
    cpu_ = ASHLAR_TRY(
        explain(problem, "not enough memory for the vCPU", arch::create_virtual_cpu(tables_, *space_)));
    ASHLAR_TRY(connect_disks(problem));
    return finish_entry_state(config, problem);
}

Status Vm::connect_disks(Sink& problem) {
    for (Disk& disk : disks_)
        if (disk.machine != nullptr)
            ASHLAR_TRY(
                explain(problem, "its part of the machine's disk", disk.machine->connect(ram_, *cpu_)));
    return {};
}

// Refuses what cannot be had, and limits the account to what was asked for.
Status Vm::admit(const VmConfig& config, const VmImages& images, std::uint64_t blobs, Sink& problem) {
    const std::uint64_t own = private_memory_of(config);
    if (own > kMaxPrivateMemory) {
        format(problem, "private memory over 1 GiB");
        return Error::OutOfRange;
    }
    std::uint64_t bytes = own + config.memory + blobs;
    for (std::size_t i = 0; i < config.disk_count; ++i)
        bytes += round_up_to_page(images.disks[i].size());
    const NodeSet allowed = memory_.placement().allowed(frames_.node_count());
    std::uint64_t free = 0;
    for (NodeId node = 0; node < frames_.node_count(); ++node)
        free += allowed.contains(node) ? frames_.statistics(node).free_frames : 0;
    const std::uint64_t wanted = bytes / kPageSize;
    if (wanted > free) {
        format(problem, "not enough memory: {} MiB are needed, {} MiB are free{}", bytes / kMiB,
               free * kPageSize / kMiB,
               memory_.placement().policy().kind == MemoryPolicy::Kind::Bind ? " on the nodes it is bound to"
                                                                             : "");
        return Error::OutOfMemory;
    }
    // Tables of 4 KiB pages take a 512th; the rest is for what we keep about it.
    account_.limit_frames = wanted + wanted / 64 + 256;
    return {};
}

// All of it before anything is cleared: clearing takes long, and would be for nothing.
Status Vm::reserve_memory(const VmConfig& config, const VmImages& images, std::uint64_t blobs,
                          Sink& problem) {
    space_ = ASHLAR_TRY(explain(problem, kTables, arch::create_address_space(tables_)));
    ASHLAR_TRY(explain(problem, "not enough memory for the VM's own kernel",
                       private_.reserve(memory_, private_memory_of(config))));
    ASHLAR_TRY(
        explain(problem, "not enough memory for the guest's RAM", ram_.reserve(memory_, config.memory)));
    ASHLAR_TRY(explain(problem, "not enough memory for the images", blobs_.reserve(memory_, blobs)));
    for (std::size_t i = 0; i < config.disk_count; ++i) {
        if (config.disks[i].mode == DiskConfig::Mode::Passthrough)
            continue;
        Disk& disk = disks_[disk_count_++];
        disk.machine = images.machine_disks[i];
        disk.bytes = images.disks[i].size() / kSector * kSector;
        disk.read_only = config.disks[i].read_only();
        ASHLAR_TRY(
            explain(problem, "not enough memory for a disk", disk.contents.reserve(memory_, disk.bytes)));
    }
    return {};
}

Status Vm::map_memory(const VmConfig& config, Sink& problem) {
    ASHLAR_TRY(explain(problem, kTables,
                       private_.map(*space_, GuestPhysicalAddress(abi::kPrivateBase),
                                    {.read = true, .write = true, .execute = true})));
    // A translated guest's RAM is data to the VM's CPU.
    const Rights rights{.read = true, .write = true, .execute = config.kind == VmKind::Native};
    ASHLAR_TRY(explain(problem, kTables, ram_.map(*space_, GuestPhysicalAddress(abi::kRamBase), rights)));
    ASHLAR_TRY(
        explain(problem, kTables, blobs_.map(*space_, GuestPhysicalAddress(abi::kBlobBase), {.read = true})));
    private_.clear();
    ram_.clear();
    blobs_.clear();
    return {};
}

Status Vm::load_program(Bytes program, Sink& problem) {
    const Result<elf::File> parsed = elf::File::parse(program);
    if (!parsed.ok()) {
        format(problem, "the kernel is no ELF64 executable: {}", parsed.error());
        return parsed.error();
    }
    const elf::File& file = parsed.value();
    if (!file.is_for(arch::native_machine())) {
        format(problem, "the kernel is for another machine (e_machine {})", file.machine());
        return Error::Unsupported;
    }
    const Status loaded = file.for_each_segment([&](const elf::Segment& segment) -> Status {
        const std::uint64_t offset = segment.virtual_address - abi::kImageVirtualBase;
        if (offset > private_.size() || segment.memory_size > private_.size() - offset)
            return Error::OutOfRange;
        program_end_ = std::max(program_end_, offset + segment.memory_size);
        return private_.write(offset, segment.file); // the rest is zero already
    });
    if (!loaded.ok())
        format(problem, "the kernel's segments do not lie in [{:#x}, +{} MiB): {}", abi::kImageVirtualBase,
               private_.size() / kMiB, loaded.error());
    entry_.entry = file.entry();
    return loaded;
}

Status Vm::load_blobs(const BlobList& blobs) {
    std::uint64_t offset = 0;
    for (const BlobList::Item& item : blobs.items()) {
        ASHLAR_TRY(blobs_.write(offset, item.bytes));
        boot_info_.blobs[boot_info_.blob_count++] = {item.kind, 0, abi::kBlobBase + offset,
                                                     item.bytes.size()};
        offset += round_up_to_page(item.bytes.size());
    }
    return {};
}

Status Vm::load_disks(const VmConfig& config, const VmImages& images) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < config.disk_count; ++i) {
        if (config.disks[i].mode == DiskConfig::Mode::Passthrough)
            continue;
        Disk& disk = disks_[next++];
        disk.contents.clear();
        ASHLAR_TRY(disk.contents.write(0, images.disks[i].first(disk.bytes)));
    }
    return {};
}

// Behind the program: the entry tables, the stack, the boot information.
Status Vm::finish_entry_state(const VmConfig& config, Sink& problem) {
    const std::uint64_t tables = round_up_to_page(program_end_);
    const std::uint64_t stack = tables + arch::entry_table_pages() * kPageSize;
    const std::uint64_t info = stack + kStackBytes;
    const std::uint64_t end = round_up_to_page(info + sizeof(abi::BootInfo));
    if (end > private_.size()) {
        format(problem, "the kernel leaves no room for its stack in {} KiB of private memory",
               private_.size() / 1024);
        return Error::OutOfRange;
    }
    entry_.entry_tables = GuestPhysicalAddress(abi::kPrivateBase + tables);
    for (unsigned i = 0; i < arch::entry_table_pages(); ++i) {
        std::array<std::byte, kPageSize> page;
        arch::fill_entry_table(i, page, entry_.entry_tables);
        ASHLAR_TRY(private_.write(tables + i * kPageSize, page));
    }
    start_ns_ = arch::now_ns();
    boot_info_.magic = abi::kBootInfoMagic;
    boot_info_.version = abi::kBootInfoVersion;
    boot_info_.size = sizeof boot_info_;
    boot_info_.private_size = private_.size();
    boot_info_.private_used = end;
    boot_info_.ram_size = config.memory;
    boot_info_.tsc_hz = arch::counter_hz();
    boot_info_.wall_clock_ns = arch::boot_wall_clock_ns() + start_ns_;
    boot_info_.vcpus = config.vcpus;
    boot_info_.disk_count = static_cast<std::uint32_t>(disk_count_);
    boot_info_at_ = info;
    ASHLAR_TRY(store_boot_info());
    entry_.stack_top = abi::kImageVirtualBase + info;
    entry_.boot_info = abi::kImageVirtualBase + info;
    cpu_->reset(entry_, start_ns_);
    return {};
}

Status Vm::store_boot_info() {
    return private_.write(boot_info_at_,
                          {reinterpret_cast<const std::byte*>(&boot_info_), sizeof boot_info_});
}

// A device's address is the VM's: its RAM, where the VM has it, and nothing else.
Status Vm::make_domain(Sink& problem) {
    domain_ = ASHLAR_TRY(
        explain(problem, "no domain for the VM's devices", machine_->dma().create_domain(tables_)));
    return explain(problem, kTables,
                   ram_.for_each_block([this](std::uint64_t offset, PhysicalAddress at, std::uint64_t size) {
                       return domain_->map(GuestPhysicalAddress(abi::kRamBase + offset), at, size, true);
                   }));
}

Status Vm::assign(Devices& devices, const pci::Function& function, Sink& problem) {
    ASHLAR_ASSERT(machine_ == nullptr || machine_ == &devices);
    if (!devices.dma().active()) {
        format(problem, "mode passthrough needs an IOMMU, and none is in use");
        return Error::Denied;
    }
    if (device_count_ == devices_.size()) {
        format(problem, "a VM can have {} devices", devices_.size());
        return Error::OutOfRange;
    }
    machine_ = &devices;
    if (domain_ == nullptr)
        ASHLAR_TRY(make_domain(problem));
    const AssignedDevice::Parts parts{devices,  function,  *space_,
                                      *domain_, platform_, static_cast<unsigned>(device_count_)};
    const Result<AssignedDevice*> device = AssignedDevice::assign(parts, tables_, problem);
    lost_ = !device.ok() && device.error() == Error::Io;
    devices_[device_count_] = ASHLAR_TRY(device);
    boot_info_.device_count = static_cast<std::uint32_t>(++device_count_);
    return store_boot_info();
}

// False when one may still access the VM's memory.
bool Vm::take_back_devices() {
    if (lost_)
        return false;
    for (; device_count_ != 0; --device_count_) {
        AssignedDevice* const device = devices_[device_count_ - 1];
        if (!device->take_back().ok())
            return false;
        destroy_in_frames(tables_, device);
    }
    if (domain_ != nullptr)
        machine_->dma().destroy_domain(std::exchange(domain_, nullptr));
    return true;
}

void Vm::post_device_interrupts(std::uint32_t lines) {
    for (std::size_t i = 0; i < device_count_; ++i)
        for (unsigned kind = 0; kind < AssignedDevice::kInterrupts; ++kind)
            if ((lines & devices_[i]->interrupt_bit(kind)) != 0)
                cpu_->post_interrupt(devices_[i]->information().first_vector + kind);
}

void Vm::set_timer(std::uint64_t vm_deadline) {
    deadline_ = vm_deadline > ~std::uint64_t{0} - start_ns_ ? ~std::uint64_t{0} : start_ns_ + vm_deadline;
}

void Vm::check_timer(std::uint64_t now) {
    if (deadline_ > now || deadline_ == ~std::uint64_t{0})
        return;
    deadline_ = ~std::uint64_t{0};
    cpu_->post_interrupt(abi::kTimerVector);
}

abi::VmStatistics Vm::statistics() const {
    abi::VmStatistics result = counters_;
    result.injections = cpu_->injections();
    result.memory_bytes = account_.frames * kPageSize;
    return result;
}

template <class Copy>
bool Vm::for_each_page(GuestPhysicalAddress address, std::uint64_t length, bool write, Copy copy) {
    for (std::uint64_t done = 0; done < length;) {
        GuestPhysicalAddress at;
        if (!address.checked_add(done, at))
            return false;
        const Result<Mapping> mapping = space_->translate(at);
        if (!mapping.ok() || (write && !mapping.value().rights.write))
            return false;
        const std::uint64_t part = std::min(length - done, kPageSize - at.page_offset());
        copy(static_cast<std::byte*>(arch::physical_to_virtual(mapping.value().address)), done,
             static_cast<std::size_t>(part));
        done += part;
    }
    return true;
}

bool Vm::copy_out(GuestPhysicalAddress from, MutableBytes to) {
    return for_each_page(from, to.size(), false,
                         [&](const std::byte* page, std::uint64_t done, std::size_t part) {
                             std::memcpy(to.data() + done, page, part);
                         });
}

bool Vm::copy_in(GuestPhysicalAddress to, Bytes from) {
    return for_each_page(to, from.size(), true, [&](std::byte* page, std::uint64_t done, std::size_t part) {
        std::memcpy(page, from.data() + done, part);
    });
}

} // namespace ashlar::kernel
