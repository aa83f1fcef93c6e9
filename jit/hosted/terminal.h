// Standard input and output as the guest's console, in raw mode when they are a terminal.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <span>
#include <string_view>

#include "jit/platform.h"
#include "lib/format.h"

namespace ashlar::jit::hosted {

// What the user asked for with the escape character.
enum class Escape : std::uint8_t { None, Quit, Statistics, Help };

// There is one. While it exists a terminal on standard input is in raw mode; whatever ends the program
// (return, exit, signal, crash) restores the terminal.
class Terminal final : public Console {
public:
    Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal();

    // Console. Output is buffered until flush().
    void write(Bytes bytes) override;
    std::size_t read(MutableBytes buffer) override;
    void flush();

    // Takes what waits on standard input. The escape character and what follows it are handled here, even
    // while the guest does not read; so what a full buffer cannot hold is lost on a terminal, and stays where
    // it is otherwise.
    void poll_input();
    bool input_waiting() const { return input_count_ != 0; }
    // The user's latest wish, once.
    Escape take_escape();
    // Sleeps until `timeout_ns` have passed (all ones: for ever), a signal arrives, input does, or one of
    // `others` (at most kMaxOthers) is ready. `for_guest`: input counts even without a terminal. `pending` is
    // set by signal handlers; when it is true already there is no sleep.
    static constexpr std::size_t kMaxOthers = 8;
    void sleep(std::uint64_t timeout_ns, bool for_guest, std::span<const pollfd> others,
               const volatile std::sig_atomic_t& pending);

private:
    void accept(std::byte byte);
    void enqueue(std::byte byte);

    bool interactive_ = false, end_of_input_ = false, in_escape_ = false;
    Escape escape_ = Escape::None;
    std::array<std::byte, 4096> input_, output_;
    std::size_t input_first_ = 0, input_count_ = 0, output_count_ = 0;
};

// Writes messages of our own to standard error, each line with the program's name in front.
class MessageSink final : public Sink {
public:
    explicit MessageSink(Terminal* terminal) : terminal_(terminal) {}
    void write(std::string_view text) override;

private:
    Terminal* terminal_; // whose output comes first; may be null
    bool at_line_start_ = true;
};

} // namespace ashlar::jit::hosted
