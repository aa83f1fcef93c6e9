#include "kernel/console.h"

#include "kernel/log.h"

namespace ashlar::kernel {
namespace {

constexpr char kEscape = 1; // Ctrl-A

void put(std::string_view text) {
    if (!text.empty())
        arch::console_write(text.data(), text.size());
}

} // namespace

void Console::write(const Vm& vm, std::string_view text) {
    if (text.empty())
        return;
    if (!shared_) {
        put(text);
        at_line_start_ = text.back() == '\n';
        return;
    }
    if (last_writer_ != &vm && !at_line_start_) {
        put("\r\n");
        at_line_start_ = true;
    }
    last_writer_ = &vm;
    while (!text.empty()) {
        if (at_line_start_) {
            put("[");
            put(vm.name());
            put("] ");
        }
        const std::size_t end = text.find('\n');
        const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
        put(text.substr(0, length));
        at_line_start_ = end != std::string_view::npos;
        text.remove_prefix(length);
    }
}

void Console::begin_own_output() {
    if (!at_line_start_)
        put("\r\n");
    at_line_start_ = true;
    last_writer_ = nullptr;
}

void Console::forget(const Vm& vm) {
    if (focus_ == &vm)
        focus_ = nullptr;
    if (last_writer_ == &vm)
        last_writer_ = nullptr;
}

void Console::poll_input() {
    char c;
    while (arch::console_read(c))
        take(c);
}

void Console::take(char c) {
    if (escaped_) {
        escaped_ = false;
        if (c == 's')
            return commands_.show_statistics();
        if (c == 'm') {
            begin_own_output();
            return commands_.show_memory();
        }
        if (c == 'p') {
            begin_own_output();
            return commands_.list_devices();
        }
        if (c >= '1' && c <= '9') {
            begin_own_output();
            if (commands_.focus(static_cast<unsigned>(c - '0')))
                log("ashlar: console: input goes to {}\n", focus_->name());
            else
                log("ashlar: console: there is no VM {:c}\n", c);
            return;
        }
        if (c != kEscape)
            return help();
    } else if (c == kEscape) {
        escaped_ = true;
        return;
    }
    if (focus_ == nullptr)
        return;
    const bool was_empty = focus_->input().empty();
    if (focus_->input().push(c) && was_empty)
        focus_->cpu().post_interrupt(abi::kConsoleVector);
}

void Console::help() {
    begin_own_output();
    log("ashlar: console: Ctrl-A 1..9 input to that VM, Ctrl-A s statistics, Ctrl-A m memory by node, Ctrl-A "
        "p PCI devices, "
        "Ctrl-A Ctrl-A sends Ctrl-A, Ctrl-A h this help\n");
}

} // namespace ashlar::kernel
