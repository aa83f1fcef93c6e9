// Guest programs in assembly that check the privileged architecture from within: the engine runs them, and
// QEMU confirms what they expect.
#include "hosttests/tier.h"
#include "jit/engine.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "jit/board/clint.h"
#include "jit/board/memory_map.h"
#include "jit/board/sbi.h"
#include "jit/board/test_finisher.h"
#include "jit/platform.h"

namespace ashlar::jit::test {

namespace {

// Guest programs lie beside the test program, in NAME-guests/.
std::string guest_directory() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return std::string(path, length > 0 ? static_cast<std::size_t>(length) : 0) + "-guests/";
}

// Time as the guest's progress: a tick of 100 ns for every ten instructions that were asked for, so that
// every run is the same.
class SteppedClock final : public Clock {
public:
    std::uint64_t monotonic_ns() override { return now_ns; }
    std::uint64_t wall_ns() override { return 0; }
    std::uint64_t now_ns = 0;
};

class NullConsole final : public Console {
public:
    void write(Bytes bytes) override { written += bytes.size(); }
    std::size_t read(MutableBytes) override { return 0; }
    std::size_t written = 0;
};

struct Setup {
    unsigned harts = 1;
    bool builtin_sbi = false;
};

// Harts, RAM, CLINT and test finisher, and the built-in SBI where it is wanted.
class Board final : public board::HartInterrupts, public board::PowerSwitch {
public:
    explicit Board(Setup setup) : clint_(*this, time_, setup.harts), waiting_(setup.harts, false) {
        EXPECT_TRUE(
            bus_.attach("finisher", board::kTestFinisher.base, board::kTestFinisher.size, finisher_).ok());
        EXPECT_TRUE(bus_.attach("clint", board::kClint.base, board::kClint.size, clint_).ok());
        static const test::TestTier tier;
        EngineOptions options;
        tier.apply(options);
        options.harts = setup.harts;
        options.builtin_sbi = setup.builtin_sbi;
        Result<std::unique_ptr<Engine>> engine = Engine::create(memory_, bus_, time_, options);
        EXPECT_TRUE(engine.ok());
        engine_ = std::move(engine).value();
        if (setup.builtin_sbi)
            sbi_.emplace(*engine_, setup.harts, memory_, time_, console_, *this);
    }

    void load(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> image{std::istreambuf_iterator<char>(file), {}};
        ASSERT_FALSE(image.empty()) << path;
        ASSERT_TRUE(memory_.write(board::kRamBase, std::as_bytes(std::span(image))).ok());
    }

    // Runs the harts in turn, `slice` instructions each, until the guest ends: 0 when it passed, the line of
    // the failed check, or -1 when it did not end.
    int run(std::uint64_t slice) {
        reset_harts();
        for (std::uint64_t done = 0; done < 20'000'000 && !ended_; done += slice) {
            bool idle = true;
            for (unsigned hart = 0; hart < waiting_.size() && !ended_; ++hart)
                idle = !run_hart(hart, slice) && idle;
            clock_.now_ns += slice * 10 + 100;
            if (idle && !ended_)
                clock_.now_ns += 10'000;
            clint_.update(time_.time());
        }
        return ended_ ? code_ : -1;
    }

    // For the report: where the last trap to M-mode came from.
    const riscv64::HartState& state() { return engine_->hart(0).state(); }
    std::size_t written() const { return console_.written; }

    void set_interrupt(unsigned hart, riscv64::Interrupt line, bool level) override {
        engine_->hart(hart).set_interrupt(line, level);
    }
    void power_off(int code) override {
        ended_ = true;
        code_ = code;
        engine_->hart(0).kick();
    }
    void reset() override { power_off(-2); }

private:
    static constexpr std::size_t kRamSize = 1 << 20;

    void reset_harts() {
        if (sbi_)
            return sbi_->reset(0, board::kRamBase.value(), 0);
        for (unsigned hart = 0; hart < waiting_.size(); ++hart) {
            riscv64::reset(engine_->hart(hart).state(), hart, board::kRamBase.value(), 0);
            engine_->hart(hart).state_changed();
        }
    }
    // False when the hart has nothing to do.
    bool run_hart(unsigned index, std::uint64_t slice) {
        if (sbi_ && !sbi_->may_run(index))
            return false;
        Hart& hart = engine_->hart(index);
        riscv64::update_supervisor_timer(hart.state(), time_.time());
        if (waiting_[index] && !riscv64::interrupt_pending_for_wfi(hart.state()))
            return false;
        const Stop stop = hart.run(slice);
        waiting_[index] = stop == Stop::WaitForInterrupt;
        if (stop == Stop::SupervisorCall)
            sbi_->handle(index);
        return true;
    }

    std::vector<std::byte> storage_ = std::vector<std::byte>(kRamSize + kPageSize);
    std::vector<std::uint8_t> code_pages_ = std::vector<std::uint8_t>(kRamSize / kPageSize);
    GuestMemory memory_{board::kRamBase, aligned(storage_), code_pages_.data()};
    SteppedClock clock_;
    NullConsole console_;
    board::Timebase time_{clock_};
    board::TestFinisher finisher_{*this};
    board::Clint clint_;
    Bus bus_;
    std::unique_ptr<Engine> engine_;
    std::optional<board::Sbi> sbi_;
    std::vector<bool> waiting_; // in WFI
    bool ended_ = false;
    int code_ = 0;

    static MutableBytes aligned(std::vector<std::byte>& bytes) {
        const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
        return MutableBytes(bytes).subspan((kPageSize - address % kPageSize) % kPageSize, kRamSize);
    }
};

// Slices of many lengths, since interrupts and the ends of slices may fall anywhere.
void expect_pass(const char* guest, Setup setup) {
    for (const std::uint64_t slice : {100'000, 1'000, 97, 7, 1}) {
        Board machine(setup);
        machine.load(guest_directory() + guest + ".bin");
        EXPECT_EQ(machine.run(slice), 0)
            << "in slices of " << slice
            << " the guest failed at that line of its source (255: a trap that it did "
            << "not expect), mcause " << std::hex << machine.state().control.mcause << " mepc "
            << machine.state().control.mepc << " mtval " << machine.state().control.mtval;
        if (setup.builtin_sbi) {
            EXPECT_EQ(machine.written(), 3u);
        }
    }
}

class Modes : public testing::TestWithParam<const char*> {};
class ModesOnQemu : public testing::TestWithParam<const char*> {};

std::string name_of(const testing::TestParamInfo<const char*>& parameter) {
    return parameter.param;
}

} // namespace

TEST_P(Modes, engine_agrees) {
    expect_pass(GetParam(), {});
}

TEST(ModesOfTwoHarts, engine_agrees) {
    expect_pass("smp", {2, false});
}

TEST(ModesUnderBuiltinSbi, engine_agrees) {
    expect_pass("sbi", {2, true});
}

TEST_P(ModesOnQemu, qemu_agrees) {
    const std::string command =
        "timeout 60 qemu-system-riscv64 -M virt -cpu rv64 -m 32M -bios none -nographic "
        "-monitor none -serial none -kernel " +
        guest_directory() + GetParam() + ".elf < /dev/null";
    const int status = std::system(command.c_str());
    EXPECT_EQ(status, 0) << "the guest failed at the line, modulo 256, that is the exit code";
}

INSTANTIATE_TEST_SUITE_P(Guest, Modes,
                         testing::Values("exceptions", "paging", "satp", "interrupts", "protection", "code",
                                         "floating", "atomics", "counters", "returns"),
                         name_of);
// QEMU 7.2 accepts misaligned LR, counts instructions only roughly and leaves MPRV set on returns, so it is
// not asked about those three.
INSTANTIATE_TEST_SUITE_P(Guest, ModesOnQemu,
                         testing::Values("exceptions", "paging", "satp", "interrupts", "protection", "code",
                                         "floating"),
                         name_of);

} // namespace ashlar::jit::test
