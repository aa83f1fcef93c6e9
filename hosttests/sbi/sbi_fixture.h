// Three harts under the built-in SBI, with recorders in place of the engine and the board.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "jit/board/sbi.h"
#include "jit/frontend/riscv64/csr.h"

namespace ashlar::jit::board::test {

class FakeHart final : public Hart {
public:
    riscv64::HartState& state() override { return state_; }
    Stop run(std::uint64_t) override { return Stop::Budget; }
    void set_interrupt(riscv64::Interrupt line, bool level) override {
        riscv64::set_interrupt_line(state_, line, level);
    }
    void kick() override {}
    void flush_tlb(GuestVirtualAddress address, std::uint64_t size) override {
        flushes.emplace_back(address.value(), size);
    }
    std::uint64_t flush_tlb_remotely(const mmu::RemoteFlush&) override { return 0; }
    bool flushed(std::uint64_t) const override { return true; }
    void state_changed() override { ++changes; }

    std::vector<std::pair<std::uint64_t, std::uint64_t>> flushes;
    int changes = 0;

private:
    riscv64::HartState state_;
};

class FakeEngine final : public Engine {
public:
    Hart& hart(unsigned index) override { return harts.at(index); }
    void flush_code() override {}
    EngineStatistics statistics() const override { return {}; }
    std::span<const RegionExit> region_exits() const override { return {}; }
    std::array<FakeHart, 3> harts;
};

class FakeConsole final : public Console {
public:
    void write(Bytes bytes) override {
        output.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::size_t read(MutableBytes buffer) override {
        const std::size_t count = std::min(buffer.size(), input.size());
        std::memcpy(buffer.data(), input.data(), count);
        input.erase(0, count);
        return count;
    }
    std::string output, input;
};

class FakePower final : public PowerSwitch {
public:
    void power_off(int code) override { events.push_back("off " + std::to_string(code)); }
    void reset() override { events.emplace_back("reset"); }
    std::vector<std::string> events;
};

class FakeTime final : public riscv64::TimeSource {
public:
    std::uint64_t time() override { return now; }
    std::uint64_t now = 1000;
};

class SbiTest : public testing::Test {
protected:
    static constexpr std::uint64_t kRam = 0x8000'0000, kRamSize = 0x1'0000;
    static constexpr std::uint64_t kEntry = kRam + 0x1000, kDeviceTree = kRam + 0x8000;

    SbiTest() { sbi.reset(0, kEntry, kDeviceTree); }

    FakeHart& hart(unsigned index) { return engine.harts[index]; }
    riscv64::HartState& state(unsigned index) { return engine.harts[index].state(); }

    struct Answer {
        std::int64_t error;
        std::uint64_t value;
    };
    Answer call(sbi::Extension extension, std::uint64_t function,
                const std::vector<std::uint64_t>& arguments = {}, unsigned from = 0) {
        return call(static_cast<std::uint64_t>(extension), function, arguments, from);
    }
    Answer call(std::uint64_t extension, std::uint64_t function, const std::vector<std::uint64_t>& arguments,
                unsigned from) {
        auto& x = state(from).x;
        x[17] = extension;
        x[16] = function;
        for (std::size_t i = 0; i < 6; ++i)
            x[10 + i] = i < arguments.size() ? arguments[i] : 0xDEAD'0000 + i;
        sbi.handle(from);
        return {static_cast<std::int64_t>(x[10]), x[11]};
    }
    void start_all() {
        for (std::uint64_t other : {1, 2})
            ASSERT_EQ(call(sbi::Extension::HartState, sbi::hart_state::Start, {other, kEntry, 0}).error, 0);
    }
    bool has_pending(unsigned index, riscv64::Interrupt line) {
        return (riscv64::pending_interrupts(state(index)) & riscv64::bit(line)) != 0;
    }

    FakeEngine engine;
    FakeConsole console;
    FakePower power;
    FakeTime time;
    std::array<std::byte, kRamSize> bytes{};
    std::array<std::uint8_t, kRamSize / kPageSize> code_pages{};
    GuestMemory memory{GuestPhysicalAddress(kRam), bytes, code_pages.data()};
    Sbi sbi{engine, 3, memory, time, console, power};
};

constexpr std::int64_t kSuccess = 0, kNotSupported = -2, kInvalidParameter = -3, kInvalidAddress = -5,
                       kAlreadyAvailable = -6;
constexpr std::uint64_t kOnes = ~std::uint64_t{0};

} // namespace ashlar::jit::board::test
