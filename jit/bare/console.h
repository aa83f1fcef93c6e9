// The guest's console over hypercalls, buffered so that they are few.
#pragma once

#include <cstddef>
#include <string_view>

#include "jit/bare/hypervisor.h"
#include "jit/platform.h"
#include "lib/format.h"

namespace ashlar::jit::bare {

// Output is collected until flush() (the run loop calls it after every slice and before it sleeps) or until
// the buffer is full. Input is fetched only after the hypervisor has said that some waits. The object itself
// must lie in an address window.
class HypercallConsole final : public Console {
public:
    explicit HypercallConsole(Hypervisor& hypervisor) : hypervisor_(hypervisor) {}

    void write(Bytes bytes) override;
    std::size_t read(MutableBytes buffer) override;
    void flush();
    // Whether read() would give bytes, as far as is known without a hypercall.
    bool input_waiting() const;
    // The guest does not want input for now: what waits stays where it is and does not end a sleep.
    void hold_input();

private:
    static constexpr std::size_t kBufferBytes = abi::kMaxConsoleBytes;
    void refill();

    Hypervisor& hypervisor_;
    std::size_t output_size_ = 0;
    std::size_t input_begin_ = 0, input_end_ = 0;
    bool input_held_ = false;
    std::byte output_[kBufferBytes];
    std::byte input_[256];
};

// Which console flush_console_before_crash() sends out: what the guest had printed last matters most then.
// nullptr: none.
void set_crash_console(HypercallConsole* console);
// At most once, so that a failure within does not repeat.
void flush_console_before_crash();

// The translator's own messages on the guest's console, each line marked as ours.
class DiagnosticSink final : public Sink {
public:
    explicit DiagnosticSink(Console& console) : console_(console) {}
    void write(std::string_view text) override;

private:
    Console& console_;
    bool at_line_start_ = true;
};

} // namespace ashlar::jit::bare
