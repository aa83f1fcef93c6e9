#include "jit/bare/console.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "jit/bare/environment.h"

namespace ashlar::jit::bare {
namespace {

constinit HypercallConsole* crash_console = nullptr;

} // namespace

void set_crash_console(HypercallConsole* console) {
    crash_console = console;
}

void flush_console_before_crash() {
    HypercallConsole* const console = std::exchange(crash_console, nullptr);
    if (console != nullptr)
        console->flush();
}

void HypercallConsole::write(Bytes bytes) {
    while (!bytes.empty()) {
        if (output_size_ == kBufferBytes)
            flush();
        const std::size_t chunk = std::min(bytes.size(), kBufferBytes - output_size_);
        std::memcpy(output_ + output_size_, bytes.data(), chunk);
        output_size_ += chunk;
        bytes = bytes.subspan(chunk);
    }
}

void HypercallConsole::flush() {
    std::size_t sent = 0;
    while (sent < output_size_) {
        const Result<std::size_t> taken = hypervisor_.console_write({output_ + sent, output_size_ - sent});
        // A console that takes nothing must not stop the guest: what is buffered is lost.
        if (!taken.ok() || taken.value() == 0)
            break;
        sent += taken.value();
    }
    output_size_ = 0;
}

bool HypercallConsole::input_waiting() const {
    return input_begin_ != input_end_ || input_held_ || events.console_input.load(std::memory_order_relaxed);
}

void HypercallConsole::hold_input() {
    if (events.console_input.exchange(false, std::memory_order_relaxed))
        input_held_ = true;
}

void HypercallConsole::refill() {
    // Cleared first: input that arrives after the hypercall has looked sets it again.
    events.console_input.store(false, std::memory_order_relaxed);
    input_held_ = false;
    input_begin_ = input_end_ = 0;
    const Result<std::size_t> stored = hypervisor_.console_read(input_);
    if (!stored.ok())
        return;
    input_end_ = stored.value();
    // The hypervisor speaks up when input arrives at an empty queue; a full buffer may have left some there.
    if (input_end_ == sizeof input_)
        events.console_input.store(true, std::memory_order_relaxed);
}

std::size_t HypercallConsole::read(MutableBytes buffer) {
    if (buffer.empty())
        return 0;
    if (input_begin_ == input_end_ && input_waiting())
        refill();
    const std::size_t size = std::min(buffer.size(), input_end_ - input_begin_);
    std::memcpy(buffer.data(), input_ + input_begin_, size);
    input_begin_ += size;
    return size;
}

void DiagnosticSink::write(std::string_view text) {
    const auto emit = [this](std::string_view part) {
        console_.write(std::as_bytes(std::span(part.data(), part.size())));
    };
    while (!text.empty()) {
        if (at_line_start_)
            emit("translator: ");
        const std::size_t end = std::min(text.find('\n'), text.size());
        emit(text.substr(0, end));
        at_line_start_ = end != text.size();
        if (at_line_start_)
            emit("\r\n");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

} // namespace ashlar::jit::bare
