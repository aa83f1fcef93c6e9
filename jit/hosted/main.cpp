// ashlar-run: a riscv64 machine as a Linux program.
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/mman.h>
#include <sys/random.h>
#include <vector>

#include "jit/board/machine.h"
#include "jit/hosted/clock.h"
#include "jit/hosted/code_memory.h"
#include "jit/hosted/compile_thread.h"
#include "jit/hosted/disk.h"
#include "jit/hosted/file.h"
#include "jit/hosted/memory_trace.h"
#include "jit/hosted/options.h"
#include "jit/hosted/terminal.h"
#include "jit/hosted/visibility.h"

namespace ashlar::jit::hosted {
namespace {

constexpr int kFailure = 1, kUsage = 2, kMaxExitCode = 255, kSignalBase = 128;
// Guest instructions between two looks at the terminal: a few milliseconds.
constexpr std::uint64_t kInstructions = 1'000'000;

constexpr char kEscapeHelp[] = "\nCtrl-A x quits, Ctrl-A s prints statistics, Ctrl-A h is this help, "
                               "Ctrl-A Ctrl-A sends Ctrl-A\n";

std::atomic<board::Machine*> running_machine{nullptr};
volatile std::sig_atomic_t ending_signal = 0;

void on_ending_signal(int number) {
    ending_signal = number;
    if (board::Machine* const machine = running_machine.load(std::memory_order_relaxed))
        machine->kick();
}

void handle_ending_signals() {
    struct sigaction action {};
    action.sa_handler = on_ending_signal;
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        sigaction(number, &action, nullptr);
}

// Guest RAM: zeroed pages that the host provides when they are touched.
class Ram {
public:
    explicit Ram(std::size_t size) {
        void* const at =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED)
            return;
        madvise(at, size, MADV_HUGEPAGE);
        bytes_ = MutableBytes(static_cast<std::byte*>(at), size);
    }
    Ram(const Ram&) = delete;
    Ram& operator=(const Ram&) = delete;
    ~Ram() {
        if (!bytes_.empty())
            munmap(bytes_.data(), bytes_.size());
    }
    MutableBytes bytes() const { return bytes_; }

private:
    MutableBytes bytes_;
};

class HostEntropy final : public EntropySource {
public:
    bool fill(MutableBytes to) override {
        return getrandom(to.data(), to.size(), 0) == static_cast<ssize_t>(to.size());
    }
};

int complain(const std::string& message, int code) {
    MessageSink(nullptr).write(message + "\n");
    return code;
}

void report_statistics(board::Machine& machine, StatisticsFormat form, Sink& messages) {
    if (form == StatisticsFormat::Text) {
        TextFacts facts(messages);
        machine.report_statistics(facts);
    }
    std::string ignored;
    if (form == StatisticsFormat::Json) {
        if (const auto plain = TextFile::create("", ignored)) { // without the program's name
            JsonFacts facts(*plain);
            machine.report_statistics(facts);
        }
    }
}

// Everything that a machine needs from the host.
struct Images {
    std::vector<std::byte> firmware, kernel, initrd;
    std::vector<std::unique_ptr<HostDisk>> disks;
};

bool open_images(const Options& options, Images& images, Sink& messages, std::string& error) {
    const auto read = [&error](const std::string& path, std::vector<std::byte>& to) {
        if (path.empty())
            return true;
        auto content = read_file(path, error);
        if (content)
            to = std::move(*content);
        return content.has_value();
    };
    if (!read(options.firmware, images.firmware) || !read(options.kernel, images.kernel) ||
        !read(options.initrd, images.initrd))
        return false;
    for (const DiskOption& option : options.disks) {
        images.disks.push_back(open_disk(option, messages, error));
        if (images.disks.back() == nullptr)
            return false;
    }
    return true;
}

class Session {
public:
    Session(board::Machine& machine, std::span<const std::unique_ptr<HostDisk>> disks, Terminal& terminal,
            HostClock& clock, Sink& messages)
        : machine_(machine), disks_(disks), terminal_(terminal), clock_(clock), messages_(messages) {}

    // The exit status.
    int run();

private:
    void idle(const board::Outcome& outcome);
    // False when the user wants to quit.
    bool serve_user();

    board::Machine& machine_;
    std::span<const std::unique_ptr<HostDisk>> disks_;
    Terminal& terminal_;
    HostClock& clock_;
    Sink& messages_;
};

void Session::idle(const board::Outcome& outcome) {
    constexpr std::uint64_t never = ~std::uint64_t{0};
    const std::uint64_t now = clock_.monotonic_ns();
    if (outcome.idle_until_ns <= now)
        return;
    const std::uint64_t timeout = outcome.idle_until_ns == never ? never : outcome.idle_until_ns - now;
    std::array<pollfd, Terminal::kMaxOthers> busy_disks;
    std::size_t count = 0;
    for (const auto& disk : disks_)
        if (const pollfd wake_up = disk->wake_up(); wake_up.fd >= 0)
            busy_disks[count++] = wake_up;
    terminal_.sleep(timeout, outcome.wants_input, std::span(busy_disks).first(count), ending_signal);
}

bool Session::serve_user() {
    terminal_.flush();
    terminal_.poll_input();
    switch (terminal_.take_escape()) {
    case Escape::None: break;
    case Escape::Quit: return false;
    case Escape::Help: messages_.write(kEscapeHelp); break;
    case Escape::Statistics:
        messages_.write("\n");
        report_statistics(machine_, StatisticsFormat::Text, messages_);
        break;
    }
    return true;
}

int Session::run() {
    using Kind = board::Outcome::Kind;
    for (;;) {
        const board::Outcome outcome = machine_.run(kInstructions);
        if (ending_signal != 0)
            return kSignalBase + ending_signal;
        switch (outcome.kind) {
        case Kind::Running: break;
        case Kind::Idle: idle(outcome); break;
        case Kind::PowerOff: return std::min(outcome.code, kMaxExitCode);
        case Kind::Failed: return kFailure;
        case Kind::Reset:
            if (!machine_.reset().ok())
                return kFailure;
            break;
        }
        if (!serve_user())
            return 0;
    }
}

int run_machine(const Options& options) {
    MessageSink disk_messages(nullptr);
    Images images;
    std::string error;
    if (!open_images(options, images, disk_messages, error))
        return complain(error, kFailure);
    const Ram ram(options.memory);
    if (ram.bytes().empty())
        return complain("cannot map " + std::to_string(options.memory >> 20) +
                            " MiB of guest memory: " + std::strerror(errno) + "; try a smaller --memory",
                        kFailure);
    std::vector<BlockBackend*> disks;
    for (const auto& disk : images.disks)
        disks.push_back(disk.get());

    const auto visibility = Visibility::create(options.visibility, {images.firmware, images.kernel}, error);
    if (visibility == nullptr)
        return complain(error, kFailure);

    HostClock clock;
    Terminal terminal;
    MessageSink messages(&terminal);
    HostEntropy entropy;
    board::MachineConfig config{};
    config.ram = ram.bytes();
    config.harts = options.harts;
    config.firmware = images.firmware;
    config.kernel = images.kernel;
    config.initrd = images.initrd;
    config.command_line = options.command_line;
    config.disks = disks;
    config.clock = &clock;
    config.console = &terminal;
    config.entropy = &entropy;
    config.diagnostics = &messages;
    constexpr std::size_t kCountedExits = std::size_t{1} << 16;
    std::optional<HostedCodeMemory> code_memory;
    const bool traces_memory = !options.trace_memory.empty();
    std::unique_ptr<MemoryTraceWriter> memory_trace;
    if (traces_memory && (memory_trace = MemoryTraceWriter::create(options.trace_memory, error)) == nullptr)
        return complain(error, kFailure);
    if (options.tier != 0 && !traces_memory) {
        config.native_code = code_memory.emplace(options.code_cache).get();
        if (config.native_code.writable.empty())
            messages.write("no memory for host code: everything is interpreted\n");
    }
    std::unique_ptr<CompileThread> compile_thread;
    if (options.tier == 2 && options.compile_threads != 0)
        compile_thread = CompileThread::create();
    config.compile_worker = compile_thread.get();
    config.code_cache_bytes = options.code_cache;
    config.promote_after = options.promote_after;
    config.tlb = options.tlb;
    config.tlb.observer = memory_trace.get();
    config.optimize_after = options.tier == 2 ? options.optimize_after : 0;
    config.observer = visibility->observer();
    config.execution_observer = visibility->execution_observer();
    config.measures_compilation = options.statistics != StatisticsFormat::None;
    if (config.measures_compilation || options.visibility.dump_exits)
        config.counted_exits = kCountedExits;
    const auto machine = board::Machine::create(config);
    if (!machine.ok())
        return kFailure; // the reason was written to `messages`

    running_machine.store(machine.value().get());
    handle_ending_signals();
    const int code = Session(*machine.value(), images.disks, terminal, clock, messages).run();
    running_machine.store(nullptr);
    terminal.flush();
    visibility->print_exits(machine.value()->region_exits());
    report_statistics(*machine.value(), options.statistics, messages);
    if (traces_memory && !memory_trace->finish(error))
        return complain(error, kFailure);
    return code;
}

int main(int count, const char* const* arguments) {
    std::string error;
    const auto options = parse_options(count, arguments, error);
    if (!options)
        return complain(error + " (ashlar-run --help lists the options)", kUsage);
    if (options->help || options->version) {
        std::printf("%s", options->help ? kHelp : "ashlar-run " ASHLAR_VERSION "\n");
        return std::fflush(stdout) == 0 ? 0 : kFailure;
    }
    return run_machine(*options);
}

} // namespace
} // namespace ashlar::jit::hosted

int main(int count, char** arguments) {
    return ashlar::jit::hosted::main(count, arguments);
}
