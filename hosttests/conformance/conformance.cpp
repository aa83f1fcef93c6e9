// Programs in the manner of the RISC-V architecture tests, which end through `tohost`, in the whole machine;
// QEMU's `spike` machine, which knows the same convention, confirms what they expect.
#include "jit/board/machine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace ashlar::jit::board::test {

namespace {

std::string guest_path(const std::string& name) {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return std::string(path, length > 0 ? static_cast<std::size_t>(length) : 0) + "-guests/" + name + ".elf";
}

std::vector<std::byte> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<std::byte> result(bytes.size());
    if (!bytes.empty())
        std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
}

class Recorder final : public Console, public Sink {
public:
    void write(Bytes bytes) override {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void write(std::string_view message) override { messages.append(message); }
    std::size_t read(MutableBytes) override { return 0; }
    std::string text, messages;
};

// Time goes on with every look at it: the same in every run.
class CountingClock final : public Clock {
public:
    std::uint64_t monotonic_ns() override { return now_ += 100; }
    std::uint64_t wall_ns() override { return 0; }

private:
    std::uint64_t now_ = 0;
};

struct Ending {
    int code = -1; // -1: it did not end
    std::string text;
};

Ending run_in_machine(const std::string& name) {
    const std::vector<std::byte> image = read_file(guest_path(name));
    EXPECT_FALSE(image.empty()) << name;
    std::vector<std::byte> ram(16 << 20);
    Recorder recorder;
    CountingClock clock;
    MachineConfig config;
    config.ram = ram;
    config.kernel = image;
    config.clock = &clock;
    config.console = &recorder;
    config.diagnostics = &recorder;
    Result<std::unique_ptr<Machine>> machine = Machine::create(config);
    EXPECT_TRUE(machine.ok()) << recorder.messages;
    if (!machine.ok())
        return {};
    for (int slice = 0; slice < 1000; ++slice) {
        const Outcome outcome = machine.value()->run(10'000);
        if (outcome.kind == Outcome::Kind::PowerOff)
            return {outcome.code, recorder.text};
        if (outcome.kind == Outcome::Kind::Failed)
            break;
    }
    return {-1, recorder.text + recorder.messages};
}

int run_in_qemu(const std::string& name) {
    const std::string command =
        "timeout 60 qemu-system-riscv64 -M spike -cpu rv64 -m 16M -display none -nodefaults"
        " -bios none -kernel '" +
        guest_path(name) + "' < /dev/null > /dev/null";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Program {
    const char* name;
    int code; // 0: every case passed
};

void PrintTo(const Program& program, std::ostream* out) {
    *out << program.name;
}

class Conformance : public testing::TestWithParam<Program> {};

TEST_P(Conformance, EndsAsExpected) {
    EXPECT_EQ(run_in_machine(GetParam().name).code, GetParam().code) << "number of the failed case";
}
TEST_P(Conformance, QemuAgrees) {
    EXPECT_EQ(run_in_qemu(GetParam().name), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(Programs, Conformance,
                         testing::Values(Program{"integer", 0}, Program{"floating", 0}, Program{"atomics", 0},
                                         Program{"traps", 0}, Program{"failing", 3}),
                         [](const auto& program) { return std::string(program.param.name); });

TEST(HostInterfaceConsole, PrintsAndEnds) {
    const Ending ending = run_in_machine("console");
    EXPECT_EQ(ending.code, 37);
    EXPECT_EQ(ending.text, "hello world\n");
}

// Linked and entered away from the start of RAM.
TEST(Loading, StartsAtTheEntryOfTheProgram) {
    EXPECT_EQ(run_in_machine("integer-high").code, 0);
}

} // namespace

} // namespace ashlar::jit::board::test
