#include "bench/guest_program.h"

#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace ashlar::bench {

namespace {

constexpr std::size_t kRamBytes = std::size_t{128} << 20;
// The start of the file's first segment lies one page into it, its repeat count 8 bytes after that.
constexpr std::size_t kRepeatOffset = 4096 + 8;

// build/guest-bench, two levels above this program's directory.
std::string guest_path(const std::string& name) {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    std::string directory(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    directory.resize(directory.rfind('/') == std::string::npos ? 0 : directory.rfind('/'));
    return directory + "/../guest-bench/" + name + ".elf";
}

std::vector<std::byte> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<std::byte> result(bytes.size());
    if (!bytes.empty())
        std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
}

} // namespace

class GuestProgram::Output final : public jit::Console, public Sink {
public:
    void write(Bytes bytes) override {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void write(std::string_view message) override { text.append(message); }
    std::size_t read(MutableBytes) override { return 0; }
    std::string text;
};

class GuestProgram::HostClock final : public jit::Clock {
public:
    std::uint64_t monotonic_ns() override {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
               static_cast<std::uint64_t>(now.tv_nsec);
    }
    std::uint64_t wall_ns() override { return 0; }
};

GuestProgram::GuestProgram(const std::string& name, std::uint64_t repeat)
    : image_(read_file(guest_path(name))),
      output_(std::make_unique<Output>()),
      clock_(std::make_unique<HostClock>()) {
    if (image_.size() < kRepeatOffset + sizeof repeat)
        return;
    std::memcpy(image_.data() + kRepeatOffset, &repeat, sizeof repeat);
    ram_.resize(kRamBytes);
    jit::board::MachineConfig config;
    config.ram = ram_;
    config.kernel = image_;
    config.clock = clock_.get();
    config.console = output_.get();
    config.diagnostics = output_.get();
    Result<std::unique_ptr<jit::board::Machine>> machine = jit::board::Machine::create(config);
    if (machine.ok())
        machine_ = std::move(machine).value();
}

GuestProgram::~GuestProgram() = default;

void GuestProgram::reset() {
    output_->text.clear();
    if (!machine_->reset().ok())
        machine_.reset();
}

std::uint64_t GuestProgram::run() {
    constexpr std::uint64_t kSlice = 10'000'000;
    using Kind = jit::board::Outcome::Kind;
    for (;;) {
        const jit::board::Outcome outcome = machine_->run(kSlice);
        if (outcome.kind == Kind::PowerOff && outcome.code == 0)
            break;
        if (outcome.kind != Kind::Running && outcome.kind != Kind::Idle)
            return 0;
    }
    constexpr std::string_view kLabel = " instructions ";
    const std::size_t at = output_->text.find(kLabel);
    return at == std::string::npos ? 0 : std::stoull(output_->text.substr(at + kLabel.size()));
}

} // namespace ashlar::bench
