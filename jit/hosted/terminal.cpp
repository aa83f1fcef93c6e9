#include "jit/hosted/terminal.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace ashlar::jit::hosted {
namespace {

constexpr std::byte kEscapeCharacter{1}; // Ctrl-A

// What a crash must find: plain data, since signal handlers use it.
volatile std::sig_atomic_t terminal_is_raw = 0;
termios original_settings, raw_settings;

void restore_terminal() {
    if (terminal_is_raw != 0)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &original_settings);
    terminal_is_raw = 0;
}

void enter_raw_mode() {
    // What the job-control shell may have changed while the program was stopped counts for nothing.
    terminal_is_raw = 1;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw_settings);
}

// The default action of the signal, with the terminal as it was.
void on_fatal_signal(int number) {
    restore_terminal();
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void on_stop_signal(int) {
    const int saved = errno;
    const bool was_raw = terminal_is_raw != 0;
    restore_terminal();
    std::raise(SIGSTOP);
    if (was_raw)
        enter_raw_mode();
    errno = saved;
}

void handle(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, nullptr);
}

void write_all(int file, const void* data, std::size_t size) {
    const auto* at = static_cast<const char*>(data);
    while (size != 0) {
        const ssize_t count = ::write(file, at, size);
        if (count > 0) {
            at += count;
            size -= static_cast<std::size_t>(count);
        } else if (count < 0 && errno == EAGAIN) {
            pollfd wait{file, POLLOUT, 0};
            poll(&wait, 1, -1);
        } else if (count == 0 || errno != EINTR) {
            return; // nobody listens any more; the guest goes on
        }
    }
}

} // namespace

Terminal::Terminal() {
    handle(SIGPIPE, SIG_IGN);
    if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &original_settings) != 0)
        return;
    interactive_ = true;
    raw_settings = original_settings;
    cfmakeraw(&raw_settings);
    // Our own messages and bare-metal programs end lines with a plain newline.
    raw_settings.c_oflag |= OPOST;
    raw_settings.c_cc[VMIN] = 1;
    raw_settings.c_cc[VTIME] = 0;
    std::atexit(restore_terminal);
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGTRAP, SIGSYS})
        handle(number, on_fatal_signal);
    handle(SIGTSTP, on_stop_signal);
    enter_raw_mode();
}

Terminal::~Terminal() {
    flush();
    restore_terminal();
}

void Terminal::write(Bytes bytes) {
    while (!bytes.empty()) {
        if (output_count_ == output_.size())
            flush();
        const std::size_t part = std::min(bytes.size(), output_.size() - output_count_);
        std::copy_n(bytes.begin(), part, output_.begin() + static_cast<std::ptrdiff_t>(output_count_));
        output_count_ += part;
        bytes = bytes.subspan(part);
    }
}

void Terminal::flush() {
    write_all(STDOUT_FILENO, output_.data(), output_count_);
    output_count_ = 0;
}

std::size_t Terminal::read(MutableBytes buffer) {
    if (input_count_ == 0)
        poll_input();
    const std::size_t count = std::min(buffer.size(), input_count_);
    for (std::size_t i = 0; i < count; ++i) {
        buffer[i] = input_[input_first_];
        input_first_ = (input_first_ + 1) % input_.size();
    }
    input_count_ -= count;
    return count;
}

void Terminal::poll_input() {
    if (end_of_input_ || (!interactive_ && input_count_ != 0))
        return;
    pollfd source{STDIN_FILENO, POLLIN, 0};
    if (poll(&source, 1, 0) <= 0)
        return;
    std::array<std::byte, 1024> buffer;
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
        end_of_input_ = true;
    for (ssize_t i = 0; i < count; ++i)
        accept(buffer[static_cast<std::size_t>(i)]);
}

void Terminal::enqueue(std::byte byte) {
    if (input_count_ == input_.size())
        return;
    input_[(input_first_ + input_count_) % input_.size()] = byte;
    ++input_count_;
}

void Terminal::accept(std::byte byte) {
    if (!interactive_)
        return enqueue(byte);
    if (!in_escape_) {
        in_escape_ = byte == kEscapeCharacter;
        if (!in_escape_)
            enqueue(byte);
        return;
    }
    in_escape_ = false;
    switch (std::to_integer<char>(byte)) {
    case 'x':
    case 'X': escape_ = Escape::Quit; break;
    case 's':
    case 'S': escape_ = Escape::Statistics; break;
    case 'h':
    case 'H':
    case '?': escape_ = Escape::Help; break;
    default:
        if (byte == kEscapeCharacter)
            enqueue(byte);
        break;
    }
}

Escape Terminal::take_escape() {
    const Escape escape = escape_;
    escape_ = Escape::None;
    return escape;
}

void Terminal::sleep(std::uint64_t timeout_ns, bool for_guest, std::span<const pollfd> others,
                     const volatile std::sig_atomic_t& pending) {
    flush();
    if (for_guest && input_waiting())
        return;
    constexpr std::uint64_t second = 1'000'000'000;
    const timespec timeout{static_cast<time_t>(timeout_ns / second), static_cast<long>(timeout_ns % second)};
    const bool listen = !end_of_input_ && (interactive_ || for_guest);
    std::array<pollfd, 1 + kMaxOthers> sources;
    sources[0] = {listen ? STDIN_FILENO : -1, POLLIN, 0};
    std::copy(others.begin(), others.end(), sources.begin() + 1);
    // Signals are held back until the poll, so that none slips in between the check and the sleep.
    sigset_t ending, before;
    sigemptyset(&ending);
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&ending, number);
    sigprocmask(SIG_BLOCK, &ending, &before);
    if (pending == 0)
        ppoll(sources.data(), 1 + others.size(), timeout_ns == ~std::uint64_t{0} ? nullptr : &timeout,
              &before);
    sigprocmask(SIG_SETMASK, &before, nullptr);
}

void MessageSink::write(std::string_view text) {
    if (terminal_ != nullptr)
        terminal_->flush();
    while (!text.empty()) {
        if (at_line_start_ && text.front() != '\n')
            write_all(STDERR_FILENO, "ashlar-run: ", 12);
        const std::size_t end = text.find('\n');
        const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
        write_all(STDERR_FILENO, text.data(), length);
        at_line_start_ = end != std::string_view::npos;
        text.remove_prefix(length);
    }
}

} // namespace ashlar::jit::hosted
