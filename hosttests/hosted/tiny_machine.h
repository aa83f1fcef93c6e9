// A machine of the hosted program's parts that runs a few instructions, for tests of what can be seen of it.
#pragma once

#include <gtest/gtest.h>

#include "hosttests/hosted/elf_image.h"
#include "hosttests/hosted/temporary_file.h"
#include "jit/board/machine.h"
#include "jit/hosted/clock.h"
#include "jit/hosted/code_memory.h"
#include "jit/hosted/visibility.h"

namespace ashlar::jit::hosted {

constexpr std::uint64_t kTinyStart = 0x80000000, kTinyLoop = kTinyStart + 4;
constexpr unsigned kTinyRounds = 20;

// Counts x5 down from kTinyRounds in a loop, then powers the machine off.
inline std::vector<std::byte> tiny_guest() {
    return elf_image(
        kTinyStart,
        {
            0x01400293, // addi x5,x0,20
            0xfff28293, // addi x5,x5,-1
            0xfe029ee3, // bne x5,x0,80000004
            0x00100337, // lui x6,0x100
            0x000053b7, // lui x7,0x5
            0x55538393, // addi x7,x7,0x555
            0x00732023, // sw x7,0(x6)
            0x0000006f, // jal x0,8000001c
        },
        {{"_start", kTinyStart, 4}, {"count_down", kTinyLoop, 8}, {"finish", kTinyStart + 12, 20}});
}

struct SilentConsole final : Console {
    void write(Bytes) override {}
    std::size_t read(MutableBytes) override { return 0; }
};
struct TextSink final : Sink {
    void write(std::string_view more) override { text += more; }
    std::string text;
};

struct TinyTuning {
    unsigned promote_after = 1;  // every block is compiled at once
    unsigned optimize_after = 0; // and nothing optimized
    std::size_t counted_exits = 0;
    unsigned optimizer_passes = ~0u;
};

// Runs the tiny guest and returns the machine's statistics.
inline std::string run_tiny_guest(const VisibilityOptions& options, TinyTuning tuning = {}) {
    const std::vector<std::byte> image = tiny_guest();
    std::string error;
    const auto visibility = Visibility::create(options, {image}, error);
    EXPECT_NE(visibility, nullptr) << error;
    std::vector<std::byte> ram(std::size_t{4} << 20);
    HostClock clock;
    SilentConsole console;
    TextSink messages;
    const HostedCodeMemory code(std::size_t{1} << 20);
    board::MachineConfig config{};
    config.ram = ram;
    config.firmware = image;
    config.clock = &clock;
    config.console = &console;
    config.optimizer_passes = tuning.optimizer_passes;
    config.diagnostics = &messages;
    config.native_code = code.get();
    config.promote_after = tuning.promote_after;
    config.optimize_after = tuning.optimize_after;
    config.counted_exits = tuning.counted_exits;
    config.measures_compilation = true;
    if (visibility != nullptr) {
        config.observer = visibility->observer();
        config.execution_observer = visibility->execution_observer();
    }
    const auto machine = board::Machine::create(config);
    EXPECT_TRUE(machine.ok()) << messages.text;
    if (!machine.ok())
        return {};
    EXPECT_EQ(machine.value()->run(100'000).kind, board::Outcome::Kind::PowerOff);
    TextSink statistics;
    TextFacts facts(statistics);
    machine.value()->report_statistics(facts);
    if (visibility != nullptr)
        visibility->print_exits(machine.value()->region_exits());
    return statistics.text;
}

} // namespace ashlar::jit::hosted
