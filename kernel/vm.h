// A virtual machine: its memory, its virtual CPU, its disks and what the hypervisor keeps about it.
#pragma once

#include <array>
#include <string_view>

#include "kernel/address_space.h"
#include "kernel/assigned_device.h"
#include "kernel/backing_memory.h"
#include "kernel/config.h"
#include "kernel/driver_platform.h"
#include "kernel/input_queue.h"
#include "kernel/memory_source.h"
#include "kernel/virtual_cpu.h"
#include "kernel/vm_disk.h"
#include "lib/format.h"
#include "lib/intrusive_list.h"
#include "lib/vm_abi.h"

namespace ashlar::kernel {

// What to make a VM of. Images are copied, and not trusted.
struct VmImages {
    Bytes program; // the ELF64 that runs at the VM's ring 0
    Bytes firmware, kernel, initrd;
    std::array<Bytes, kMaxDisks> disks;
    // In place of the image: a part of a disk of the machine, which outlives the VM.
    std::array<VmDisk*, kMaxDisks> machine_disks{};
};

// Used by one CPU at a time.
class Vm final : public ListLink<> {
public:
    enum class State : std::uint8_t { Ready, Halted, Ended };

    // Takes all the VM's memory and puts its CPU into the entry state. On failure everything is given back
    // and `problem` has a sentence; what is plainly too much is refused before anything is taken. Memory
    // comes from where `placement` says. `frames` outlives the VM.
    static Result<Vm*> create(FrameAllocator& frames, MemorySource& hypervisor, const VmConfig& config,
                              const VmImages& images, Sink& problem, const Placement& placement = {});
    // Ends what disks of the machine do in the VM's memory. Io when that is not certain: the VM can then
    // never be destroyed. Before destroy(), if there are such disks.
    Status disconnect_disks();
    // Gives every frame back and ends the object.
    void destroy();

    std::string_view name() const { return {name_.data(), name_length_}; }
    // By which the user names it, from 1 on.
    unsigned number() const { return number_; }
    void set_number(unsigned number) { number_ = number; }
    // The CPU that runs it, by the scheduler's numbers.
    unsigned host_cpu() const { return host_cpu_; }
    void set_host_cpu(unsigned cpu) { host_cpu_ = cpu; }
    State state() const { return state_; }
    bool ended_well() const { return ended_well_; }
    VirtualCpu& cpu() { return *cpu_; }
    AddressSpace& space() { return *space_; }
    const MemoryAccount& account() const { return account_; }
    const FrameAllocator& frames() const { return frames_; }
    const Placement& placement() const { return memory_.placement(); }
    // Whether it may be told about the machine's memory, not its own alone.
    bool sees_machine() const { return sees_machine_; }

    void halt() { state_ = State::Halted; }
    void wake() {
        if (state_ == State::Halted)
            state_ = State::Ready;
    }
    void end(bool well) {
        state_ = State::Ended;
        ended_well_ = well;
    }

    // Time since the VM started. Who is told that a deadline has passed has the timer's interrupt pending.
    std::uint64_t tell_time_ns() {
        const std::uint64_t now = arch::now_ns();
        check_timer(now);
        return now - start_ns_;
    }
    // Host time of the timer's deadline; ~0 when off.
    std::uint64_t deadline() const { return deadline_; }
    // `vm_deadline` in the VM's time, or abi::kTimerOff.
    void set_timer(std::uint64_t vm_deadline);
    // Posts the timer's interrupt when it is due.
    void check_timer(std::uint64_t now);

    InputQueue& input() { return input_; }
    abi::VmStatistics statistics() const;
    abi::VmStatistics& counters() { return counters_; }

    // Disks in the order of the configuration.
    struct Disk {
        VmDisk* machine = nullptr; // a part of the machine's disk; else what follows
        BackingMemory contents;
        std::uint64_t bytes = 0; // multiple of 512
        bool read_only = false;
    };
    Disk* disk(std::uint64_t index) { return index < disk_count_ ? &disks_[index] : nullptr; }

    // Gives it a PCI function of the machine, before it runs; its domain is the VM's RAM. On failure
    // `problem` has a sentence.
    Status assign(Devices& devices, const pci::Function& function, Sink& problem);
    AssignedDevice* device(std::uint64_t index) { return index < device_count_ ? devices_[index] : nullptr; }
    std::size_t device_count() const { return device_count_; }
    // Posts the interrupts of its devices among `lines`, a bit for each.
    void post_device_interrupts(std::uint32_t lines);
    // Accesses of its devices that the IOMMU has refused; counted by who reports them.
    std::uint64_t dma_faults = 0;

    // Copies between the VM's memory and ours, page by page through its address space. False when a byte is
    // not the VM's (or, for copy_in, not writable by it); what lies before it may have been copied.
    bool copy_out(GuestPhysicalAddress from, MutableBytes to);
    bool copy_in(GuestPhysicalAddress to, Bytes from);

    Vm(FrameAllocator& frames, MemorySource& hypervisor, const VmConfig& config, const Placement& placement);

private:
    class BlobList;
    Status build(const VmConfig& config, const VmImages& images, Sink& problem);
    Status admit(const VmConfig& config, const VmImages& images, std::uint64_t blobs, Sink& problem);
    Status reserve_memory(const VmConfig& config, const VmImages& images, std::uint64_t blobs, Sink& problem);
    Status map_memory(const VmConfig& config, Sink& problem);
    Status load_program(Bytes program, Sink& problem);
    Status load_blobs(const BlobList& blobs);
    Status load_disks(const VmConfig& config, const VmImages& images);
    Status connect_disks(Sink& problem);
    Status finish_entry_state(const VmConfig& config, Sink& problem);
    Status store_boot_info();
    Status make_domain(Sink& problem);
    bool take_back_devices();
    template <class Copy>
    bool for_each_page(GuestPhysicalAddress address, std::uint64_t length, bool write, Copy copy);

    FrameAllocator& frames_;
    MemorySource& hypervisor_;
    MemoryAccount account_;
    MemorySource memory_; // what the VM sees
    MemorySource tables_; // what we keep about it
    std::array<char, kMaxVmName> name_{};
    std::size_t name_length_ = 0;

    AddressSpace* space_ = nullptr;
    VirtualCpu* cpu_ = nullptr;
    BackingMemory private_, ram_, blobs_;
    std::array<Disk, kMaxDisks> disks_;
    std::size_t disk_count_ = 0;
    Devices* machine_ = nullptr; // whose devices and domain these are
    DmaDomain* domain_ = nullptr;
    DriverPlatform platform_;
    bool lost_ = false; // a device may access the VM's memory for ever
    std::array<AssignedDevice*, abi::kMaxDevices> devices_{};
    std::size_t device_count_ = 0;
    abi::BootInfo boot_info_{};
    std::uint64_t boot_info_at_ = 0; // offset in private memory
    std::uint64_t program_end_ = 0;  // offset in private memory
    EntryState entry_;

    unsigned number_ = 0;
    unsigned host_cpu_ = 0;
    bool sees_machine_ = false;
    State state_ = State::Ready;
    bool ended_well_ = false;
    std::uint64_t start_ns_ = 0;
    std::uint64_t deadline_ = ~std::uint64_t{0};
    InputQueue input_;
    abi::VmStatistics counters_{};
};

} // namespace ashlar::kernel
