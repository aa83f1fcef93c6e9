// Runs the VMs in turn on this CPU until the last one has ended.
#pragma once

#include "kernel/console.h"
#include "kernel/devices.h"
#include "kernel/machine_disks.h"
#include "kernel/vcpu_placement.h"
#include "kernel/vm.h"

namespace ashlar::kernel {

class Scheduler final : public Console::Commands {
public:
    // Runs on one CPU, which is of this node.
    explicit Scheduler(NodeId node = 0) : console_(*this), cpus_{{{.node = node}}} {}

    // Takes a VM that is ready to run, and chooses the CPU for it.
    void add(Vm& vm);
    // The CPUs that VMs can run on.
    std::span<const CpuInUse> cpus() const { return cpus_; }
    bool empty() { return vms_.empty(); }
    // The disks that VMs have parts of; outlives the scheduler.
    void set_disks(MachineDisks& disks) { disks_ = &disks; }
    MachineDisks* disks() { return disks_; }
    // The machine's, which VMs may be given; they outlive the scheduler.
    void set_devices(Devices& devices) { devices_ = &devices; }
    Devices* devices() { return devices_; }
    // Every VM gets slices in turn, and is destroyed when it ends. True when all ended well.
    bool run();

    void show_statistics() override;
    void show_memory() override;
    void list_devices() override;
    bool focus(unsigned number) override;

private:
    Vm* next_runnable();
    void check_timers(std::uint64_t now);
    void pass_on_interrupts();
    void report_faults();
    std::uint64_t next_deadline();
    std::uint64_t disk_deadline(std::uint64_t now);
    void poll_disks();
    void release_disks(Vm& vm);
    void idle();
    void run_slice(Vm& vm);
    void handle_exit(Vm& vm, const VmExit& exit);
    void stop(Vm& vm, std::string_view reason);
    void finish(Vm& vm);

    IntrusiveList<Vm> vms_; // in the order of turns
    Console console_;
    std::array<CpuInUse, 1> cpus_;
    MachineDisks* disks_ = nullptr;
    Devices* devices_ = nullptr;
    unsigned added_ = 0;
    bool all_well_ = true;
};

} // namespace ashlar::kernel
