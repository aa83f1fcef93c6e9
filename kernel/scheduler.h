// Runs the VMs in turn on this CPU until the last one has ended.
#pragma once

#include "kernel/console.h"
#include "kernel/vm.h"

namespace ashlar::kernel {

class Scheduler final : public Console::Commands {
public:
    Scheduler() : console_(*this) {}

    // Takes a VM that is ready to run.
    void add(Vm& vm);
    bool empty() { return vms_.empty(); }
    // Every VM gets slices in turn, and is destroyed when it ends. True when all ended well.
    bool run();

    void show_statistics() override;
    bool focus(unsigned number) override;

private:
    Vm* next_runnable();
    void check_timers(std::uint64_t now);
    std::uint64_t next_deadline();
    void idle();
    void run_slice(Vm& vm);
    void handle_exit(Vm& vm, const VmExit& exit);
    void stop(Vm& vm, std::string_view reason);
    void finish(Vm& vm);

    IntrusiveList<Vm> vms_; // in the order of turns
    Console console_;
    unsigned added_ = 0;
    bool all_well_ = true;
};

} // namespace ashlar::kernel
