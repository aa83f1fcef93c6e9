#include "jit/board/machine.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace ashlar::jit::board {
namespace {

using Kind = Outcome::Kind;
using Code = std::vector<std::uint32_t>;

// Programs for the bare machine.
const Code kFail42{
    0x001002b7,             // lui t0, 0x100
    0x002a3337, 0x3333031b, // li t1, 0x2a3333
    0x0062a023,             // sw t1, 0(t0)
    0x0000006f,             // j .
};
const Code kHello{
    0x100002b7, 0x06800313, 0x00628023, // 'h' to the UART
    0x06900313, 0x00628023,             // 'i'
    0x001002b7, 0x00005337, 0x5553031b, // li t1, 0x5555
    0x0062a023, 0x0000006f,
};
const Code kTimer{
    0x020042b7, 0x3e800313, 0x0062b023, // mtimecmp = 1000
    0x08000313, 0x30431073,             // mie = MTIE
    0x10500073,                         // wfi
    0x001002b7, 0x00005337, 0x5553031b, 0x0062a023, 0x0000006f,
};
const Code kRebootOnce{
    0x000012b7, 0x8012829b, 0x01429293, // li t0, 0x80100000
    0x0002a303, 0x02031063,             // spin for ever when the word there is not 0
    0x00100313, 0x0062a023,             // it is 1 from now on
    0x001002b7, 0x00007337, 0x7773031b, // li t1, 0x7777
    0x0062a023, 0x0000006f, 0x0000006f,
};
const Code kSpin{0x0000006f};
const Code kEchoUntilQ{
    0x100002b7, 0x0052c303, 0x00137313, 0xfe030ce3, // wait for LSR.DR
    0x0002c303, 0x00628023,                         // echo
    0x07100393, 0xfe7314e3,                         // again unless it was 'q'
    0x001002b7, 0x00005337, 0x5553031b, 0x0062a023, 0x0000006f,
};
// Hart 0 sends a software interrupt to hart 1, which waits for it and then ends the machine.
const Code kTwoHarts{
    0xf14022f3, 0x00029c63,                                     // bnez mhartid, 2f
    0x02000337, 0x0043031b, 0x00100393, 0x00732023, 0x0000006f, // msip[1] = 1
    0x00800313, 0x30431073, 0x10500073,                         // 2: mie = MSIE; wfi
    0x001002b7, 0x00005337, 0x5553031b, 0x0062a023, 0x0000006f,
};
// For S-mode: prints 'S' through DBCN and shuts down through SRST.
const Code kSupervisor{
    0x05300513, 0x00200813, 0x444248b7, 0x34e8889b, 0x00000073, 0x00000513,
    0x00000593, 0x00000813, 0x535258b7, 0x3548889b, 0x00000073, 0x0000006f,
};

class MachineTest : public testing::Test {
protected:
    MachineTest() {
        config.ram = ram;
        config.clock = &clock;
        config.console = &console;
        config.diagnostics = &diagnostics;
    }
    void build() {
        auto result = Machine::create(config);
        ASSERT_TRUE(result.ok()) << diagnostics.text;
        machine = std::move(result).value();
    }
    void build_firmware(const Code& code) {
        config.firmware = std::as_bytes(std::span(code));
        build();
    }

    std::vector<std::byte> ram{8 << 20};
    test::FakeClock clock;
    test::FakeConsole console;
    test::TextSink diagnostics;
    MachineConfig config;
    std::unique_ptr<Machine> machine;
};

TEST_F(MachineTest, EndsWithTheFinishersCode) {
    build_firmware(kFail42);
    const Outcome outcome = machine->run(1000);
    EXPECT_EQ(outcome.kind, Kind::PowerOff);
    EXPECT_EQ(outcome.code, 42);
}

TEST_F(MachineTest, PrintsOnTheUart) {
    build_firmware(kHello);
    const Outcome outcome = machine->run(1000);
    EXPECT_EQ(outcome.kind, Kind::PowerOff);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(console.output, "hi");
}

TEST_F(MachineTest, ReadsFromTheUart) {
    build_firmware(kEchoUntilQ);
    EXPECT_EQ(machine->run(100'000).kind, Kind::Running);
    console.input = "abq";
    EXPECT_EQ(machine->run(100'000).kind, Kind::PowerOff);
    EXPECT_EQ(console.output, "abq");
}

TEST_F(MachineTest, IdlesUntilTheTimer) {
    build_firmware(kTimer);
    const std::uint64_t begin = clock.now;
    Outcome outcome = machine->run(1'000'000);
    EXPECT_EQ(outcome.kind, Kind::Idle);
    EXPECT_EQ(outcome.idle_until_ns, begin + 1000 * 100);
    EXPECT_FALSE(outcome.wants_input);
    EXPECT_EQ(machine->run(1000).kind, Kind::Idle); // woken too early
    clock.now = outcome.idle_until_ns;
    EXPECT_EQ(machine->run(1000).kind, Kind::PowerOff);
}

TEST_F(MachineTest, ResetIsCold) {
    build_firmware(kRebootOnce);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(machine->run(100'000).kind, Kind::Reset);
        ram[4 << 20] = std::byte{1};
        ASSERT_TRUE(machine->reset().ok());
        EXPECT_EQ(ram[4 << 20], std::byte{0});
    }
}

TEST_F(MachineTest, RunsAboutTheSliceThatItIsGiven) {
    build_firmware(kSpin);
    EXPECT_EQ(machine->run(50'000).kind, Kind::Running);
    test::TextSink statistics;
    TextFacts facts(statistics);
    machine->report_statistics(facts);
    EXPECT_NE(statistics.text.find(" 50"), std::string::npos) << statistics.text;
}

TEST_F(MachineTest, KickEndsTheSlice) {
    build_firmware(kSpin);
    machine->kick();
    EXPECT_EQ(machine->run(~std::uint64_t{0} >> 1).kind, Kind::Running);
}

TEST_F(MachineTest, HartsInterruptEachOther) {
    config.harts = 2;
    build_firmware(kTwoHarts);
    EXPECT_EQ(machine->run(1'000'000).kind, Kind::PowerOff);
}

TEST_F(MachineTest, StartsAKernelInSupervisorModeUnderTheBuiltinSbi) {
    config.kernel = std::as_bytes(std::span(kSupervisor));
    config.harts = 2; // the other one stays stopped
    build();
    const Outcome outcome = machine->run(1000);
    EXPECT_EQ(outcome.kind, Kind::PowerOff);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(console.output, "S");
}

TEST_F(MachineTest, ExplainsWhatItCannotRun) {
    const auto refused = [this] {
        diagnostics.text.clear();
        EXPECT_FALSE(Machine::create(config).ok());
        return diagnostics.text;
    };
    EXPECT_NE(refused().find("nothing to run"), std::string::npos) << diagnostics.text;
    config.kernel = std::as_bytes(std::span(kSpin));
    config.harts = 33;
    EXPECT_NE(refused().find("33 harts"), std::string::npos) << diagnostics.text;
    config.harts = 1;
    config.ram = MutableBytes(ram).first(3 << 20);
    EXPECT_NE(refused().find("multiple of 2 MiB"), std::string::npos) << diagnostics.text;
    config.ram = MutableBytes(ram).first(2 << 20); // ends where the kernel would begin
    EXPECT_NE(refused().find("kernel: needs"), std::string::npos) << diagnostics.text;
    std::vector<BlockBackend*> disks(9);
    config.ram = ram;
    config.disks = disks;
    EXPECT_NE(refused().find("9 disks"), std::string::npos) << diagnostics.text;
}

} // namespace
} // namespace ashlar::jit::board
