// The machine's one console, shared by the VMs. With a single VM it is the VM's alone; with several every
// line says whose it is, and input goes to one of them.
#pragma once

#include <string_view>

#include "kernel/vm.h"

namespace ashlar::kernel {

class Console {
public:
    // What the user asks of the hypervisor, by Ctrl-A and a key.
    class Commands {
    public:
        virtual void show_statistics() = 0;
        virtual void show_memory() = 0;
        virtual void list_devices() = 0;
        // Input goes to the VM of this number from now on (1 is the first); false when there is none.
        virtual bool focus(unsigned number) = 0;

    protected:
        ~Commands() = default;
    };

    explicit Console(Commands& commands) : commands_(commands) {}

    // With `shared` lines of VMs get prefixes.
    void set_shared(bool shared) { shared_ = shared; }
    void set_focus(Vm* vm) { focus_ = vm; }
    const Vm* focus() const { return focus_; }

    void write(const Vm& vm, std::string_view text);
    // The hypervisor's own lines begin at the start of one.
    void begin_own_output();
    // A VM has ended: nothing refers to it any more.
    void forget(const Vm& vm);
    // Hands waiting input to the VM that has the focus.
    void poll_input();

private:
    void take(char c);
    void help();

    Commands& commands_;
    Vm* focus_ = nullptr;
    const Vm* last_writer_ = nullptr;
    bool shared_ = false;
    bool at_line_start_ = true;
    bool escaped_ = false;
};

} // namespace ashlar::kernel
