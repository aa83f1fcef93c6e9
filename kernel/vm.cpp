#include "kernel/vm.h"

#include <algorithm>

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
// The translator's image, its tables and heap: 64 MiB of translations and what goes with them.
constexpr std::uint64_t kTranslatorMemory = 112 * kMiB, kNativeMemory = 16 * kMiB;
constexpr std::uint64_t kMaxPrivateMemory = 1024 * kMiB; // what the entry tables map
constexpr std::uint64_t kStackBytes = 16 * 1024;
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

template <class T>
Result<T> explain(Sink& problem, std::string_view what, Result<T> result) {
    if (!result.ok())
        format(problem, "{}: {}", what, result.error());
    return result;
}

} // namespace

Vm::Vm(FrameAllocator& frames, MemorySource& hypervisor, const VmConfig& config)
    : hypervisor_(hypervisor),
      memory_(frames, account_,
              {.node = config.node.value_or(kAnyNode),
               .others = config.policy == MemoryPolicy::Bind ? NodeSet() : NodeSet::all()}) {
    name_length_ = std::min(config.name.size(), name_.size());
    std::copy_n(config.name.begin(), name_length_, name_.begin());
    account_.name = "vm";
}

Result<Vm*> Vm::create(FrameAllocator& frames, MemorySource& hypervisor, const VmConfig& config,
                       const VmImages& images, Sink& problem) {
    const Result<Vm*> created = create_in_frames<Vm>(hypervisor, frames, hypervisor, config);
    if (!created.ok()) {
        format(problem, "no memory for the VM's description");
        return created.error();
    }
    Vm* const vm = created.value();
    if (const Status built = vm->build(config, images, problem); !built.ok()) {
        vm->destroy();
        return built.error();
    }
    return vm;
}

void Vm::destroy() {
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
    space_ = ASHLAR_TRY(explain(problem, kTables, arch::create_address_space(memory_)));
    ASHLAR_TRY(build_private_memory(config, images, problem));
    ASHLAR_TRY(
        explain(problem, "not enough memory for the guest's RAM", ram_.allocate(memory_, config.memory)));
    // A translated guest's RAM is data to the VM's CPU.
    const Rights rights{.read = true, .write = true, .execute = config.kind == VmKind::Native};
    ASHLAR_TRY(explain(problem, kTables, ram_.map(*space_, GuestPhysicalAddress(abi::kRamBase), rights)));
    ASHLAR_TRY(load_blobs(config, images, problem));
    ASHLAR_TRY(load_disks(config, images, problem));
    cpu_ = ASHLAR_TRY(
        explain(problem, "not enough memory for the vCPU", arch::create_virtual_cpu(memory_, *space_)));
    return finish_entry_state(config, problem);
}

Status Vm::build_private_memory(const VmConfig& config, const VmImages& images, Sink& problem) {
    const std::uint64_t size = private_memory_of(config);
    if (size > kMaxPrivateMemory) {
        format(problem, "private memory over 1 GiB");
        return Error::OutOfRange;
    }
    ASHLAR_TRY(
        explain(problem, "not enough memory for the VM's own kernel", private_.allocate(memory_, size)));
    ASHLAR_TRY(explain(problem, kTables,
                       private_.map(*space_, GuestPhysicalAddress(abi::kPrivateBase),
                                    {.read = true, .write = true, .execute = true})));
    return load_program(images.program, problem);
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

Status Vm::load_blobs(const VmConfig& config, const VmImages& images, Sink& problem) {
    BufferSink<512> tuning;
    for (std::size_t i = 0; i < config.tuning_count; ++i)
        format(tuning, "{}\n", config.tuning[i]);
    // A native VM's kernel is its program, which is loaded; the others see theirs as a blob.
    struct Source {
        abi::Blob::Kind kind;
        Bytes bytes;
    };
    const Bytes kernel = config.kind == VmKind::Native ? Bytes() : images.kernel;
    const Source sources[] = {{abi::Blob::Kind::Firmware, images.firmware},
                              {abi::Blob::Kind::Kernel, kernel},
                              {abi::Blob::Kind::Initrd, images.initrd},
                              {abi::Blob::Kind::CommandLine, bytes_of(config.command_line)},
                              {abi::Blob::Kind::Tuning, bytes_of(tuning.view())}};
    static_assert(std::size(sources) <= abi::kMaxBlobs);
    std::uint64_t total = 0;
    for (const Source& source : sources)
        total += round_up_to_page(source.bytes.size());
    if (total == 0)
        return {};
    ASHLAR_TRY(explain(problem, "not enough memory for the images", blobs_.allocate(memory_, total)));
    std::uint64_t offset = 0;
    for (const Source& source : sources) {
        if (source.bytes.empty())
            continue;
        ASHLAR_TRY(blobs_.write(offset, source.bytes));
        boot_info_.blobs[boot_info_.blob_count++] = {source.kind, 0, abi::kBlobBase + offset,
                                                     source.bytes.size()};
        offset += round_up_to_page(source.bytes.size());
    }
    return explain(problem, kTables,
                   blobs_.map(*space_, GuestPhysicalAddress(abi::kBlobBase), {.read = true}));
}

Status Vm::load_disks(const VmConfig& config, const VmImages& images, Sink& problem) {
    constexpr std::uint64_t kSector = 512;
    for (std::size_t i = 0; i < config.disk_count; ++i) {
        Disk& disk = disks_[disk_count_++];
        disk.bytes = images.disks[i].size() / kSector * kSector;
        disk.read_only = config.disks[i].read_only;
        if (disk.bytes == 0)
            continue;
        ASHLAR_TRY(
            explain(problem, "not enough memory for a disk", disk.contents.allocate(memory_, disk.bytes)));
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
    ASHLAR_TRY(private_.write(info, {reinterpret_cast<const std::byte*>(&boot_info_), sizeof boot_info_}));
    entry_.stack_top = abi::kImageVirtualBase + info;
    entry_.boot_info = abi::kImageVirtualBase + info;
    cpu_->reset(entry_, start_ns_);
    return {};
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
