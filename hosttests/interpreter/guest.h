// A bare hart for tests: RAM at 0x8000'0000, no devices unless the test attaches some, M-mode.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <vector>

#include "hosttests/tier.h"
#include "jit/engine.h"

namespace ashlar::jit::test {

constexpr std::uint64_t kRam = 0x8000'0000;

class StoppedClock final : public riscv64::TimeSource {
public:
    std::uint64_t time() override { return now; }
    std::uint64_t now = 0;
};

class Guest {
public:
    explicit Guest(std::uint64_t ram_bytes = 1 << 20, EngineOptions options = {})
        : ram_(ram_bytes),
          code_pages_(ram_bytes >> kPageShift),
          memory(GuestPhysicalAddress(kRam), {ram_.data(), ram_.size()}, code_pages_.data()) {
        options.verify_ir = true;
        tier_.apply(options);
        auto created = Engine::create(memory, bus, clock, options);
        EXPECT_TRUE(created.ok());
        engine = std::move(created).value();
        for (unsigned i = 0; i < options.harts; ++i) {
            riscv64::reset(engine->hart(i).state(), i, kRam, 0);
            engine->hart(i).state_changed();
        }
    }

    void code(std::uint64_t address, std::initializer_list<std::uint32_t> words) {
        for (const std::uint32_t word : words) {
            ASSERT_TRUE(memory.store(GuestPhysicalAddress(address), word).ok());
            address += 4;
        }
    }
    void halves(std::uint64_t address, std::initializer_list<std::uint16_t> words) {
        for (const std::uint16_t word : words) {
            ASSERT_TRUE(memory.store(GuestPhysicalAddress(address), word).ok());
            address += 2;
        }
    }
    template <class T>
    void put(std::uint64_t address, T value) {
        ASSERT_TRUE(memory.store(GuestPhysicalAddress(address), value).ok());
    }
    template <class T>
    T get(std::uint64_t address) {
        return memory.load<T>(GuestPhysicalAddress(address)).value_or(0);
    }
    Hart& hart(unsigned index = 0) { return engine->hart(index); }
    riscv64::HartState& state(unsigned index = 0) { return hart(index).state(); }
    Stop run(std::uint64_t instructions = 1000) { return hart().run(instructions); }

private:
    std::vector<std::byte> ram_;
    std::vector<std::uint8_t> code_pages_;
    TestTier tier_;

public:
    GuestMemory memory;
    Bus bus;
    StoppedClock clock;
    std::unique_ptr<Engine> engine;
};

// Encodings for tests.
namespace assemble {
constexpr std::uint32_t kWfi = 0x10500073, kMret = 0x30200073, kSret = 0x10200073, kEcall = 0x00000073,
                        kEbreak = 0x00100073, kFenceI = 0x0000100f, kNop = 0x00000013;
constexpr std::uint32_t i(std::uint32_t opcode, unsigned f3, unsigned rd, unsigned rs1, int imm) {
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | static_cast<std::uint32_t>(imm) << 20;
}
constexpr std::uint32_t r(std::uint32_t opcode, unsigned f3, unsigned f7, unsigned rd, unsigned rs1,
                          unsigned rs2) {
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}
constexpr std::uint32_t addi(unsigned rd, unsigned rs1, int imm) {
    return i(0x13, 0, rd, rs1, imm);
}
constexpr std::uint32_t add(unsigned rd, unsigned rs1, unsigned rs2) {
    return r(0x33, 0, 0, rd, rs1, rs2);
}
constexpr std::uint32_t lui(unsigned rd, std::uint32_t imm20) {
    return 0x37 | rd << 7 | imm20 << 12;
}
constexpr std::uint32_t auipc(unsigned rd, std::uint32_t imm20) {
    return 0x17 | rd << 7 | imm20 << 12;
}
constexpr std::uint32_t load(unsigned f3, unsigned rd, unsigned rs1, int imm) {
    return i(0x03, f3, rd, rs1, imm);
}
constexpr std::uint32_t store(unsigned f3, unsigned rs2, unsigned rs1, int imm) {
    const auto u = static_cast<std::uint32_t>(imm);
    return 0x23 | (u & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (u >> 5 & 0x7f) << 25;
}
constexpr std::uint32_t branch(unsigned f3, unsigned rs1, unsigned rs2, int offset) {
    const auto u = static_cast<std::uint32_t>(offset);
    return 0x63 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
           (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}
constexpr std::uint32_t jal(unsigned rd, int offset) {
    const auto u = static_cast<std::uint32_t>(offset);
    return 0x6f | rd << 7 | (u >> 12 & 0xff) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 0x3ff) << 21 |
           (u >> 20 & 1) << 31;
}
constexpr std::uint32_t jalr(unsigned rd, unsigned rs1, int imm) {
    return i(0x67, 0, rd, rs1, imm);
}
constexpr std::uint32_t csrrw(unsigned rd, unsigned csr, unsigned rs1) {
    return 0x73 | rd << 7 | 1u << 12 | rs1 << 15 | csr << 20;
}
constexpr std::uint32_t csrrs(unsigned rd, unsigned csr, unsigned rs1) {
    return 0x73 | rd << 7 | 2u << 12 | rs1 << 15 | csr << 20;
}
constexpr std::uint32_t amo(unsigned f3, unsigned f5, unsigned rd, unsigned rs1, unsigned rs2) {
    return r(0x2f, f3, f5 << 2, rd, rs1, rs2);
}
} // namespace assemble

} // namespace ashlar::jit::test
