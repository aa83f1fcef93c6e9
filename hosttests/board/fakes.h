// Recorders in place of what the board's devices drive and use.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "jit/board/synchronous_disk.h"
#include "jit/board/wires.h"
#include "jit/frontend/riscv64/csr.h"
#include "jit/guest_memory.h"
#include "jit/platform.h"
#include "lib/format.h"

namespace ashlar::jit::board::test {

struct FakeHarts final : HartInterrupts {
    void set_interrupt(unsigned hart, riscv64::Interrupt line, bool level) override {
        std::uint64_t& pending = lines.at(hart);
        pending = level ? pending | riscv64::bit(line) : pending & ~riscv64::bit(line);
        ++changes;
    }
    bool level(unsigned hart, riscv64::Interrupt line) const {
        return (lines.at(hart) & riscv64::bit(line)) != 0;
    }
    std::array<std::uint64_t, 4> lines{};
    unsigned changes = 0;
};

struct FakeController final : InterruptController {
    void set_source(unsigned source, bool level) override { levels.at(source) = level; }
    std::array<bool, 96> levels{};
};

struct FakePower final : PowerSwitch {
    void power_off(int code) override { events.push_back("off " + std::to_string(code)); }
    void reset() override { events.emplace_back("reset"); }
    std::vector<std::string> events;
};

struct FakeClock final : Clock {
    std::uint64_t monotonic_ns() override { return now; }
    std::uint64_t wall_ns() override { return wall; }
    std::uint64_t now = 1'000'000, wall = 1'700'000'000'000'000'000;
};

struct FakeConsole final : Console {
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

struct TextSink final : Sink {
    void write(std::string_view part) override { text += part; }
    std::string text;
};

struct FakeDisk final : SynchronousDisk {
    explicit FakeDisk(std::size_t sectors) : content(sectors * 512) {
        for (std::size_t i = 0; i < content.size(); ++i)
            content[i] = static_cast<std::byte>(i / 512 + i * 7);
    }
    std::uint64_t capacity() const override { return content.size(); }
    bool read_only() const override { return is_read_only; }
    std::string_view serial() const override { return "serial-0123456789"; }
    BlockGeometry geometry() const override { return shape; }
    Status read(std::uint64_t offset, MutableBytes to) override {
        if (fails || offset % 512 != 0 || to.size() % 512 != 0 || offset + to.size() > content.size())
            return Error::Io;
        std::memcpy(to.data(), content.data() + offset, to.size());
        return {};
    }
    Status write(std::uint64_t offset, Bytes from) override {
        if (fails || offset % 512 != 0 || from.size() % 512 != 0 || offset + from.size() > content.size())
            return Error::Io;
        std::memcpy(content.data() + offset, from.data(), from.size());
        return {};
    }
    Status flush() override {
        ++flushes;
        return fails ? Status(Error::Io) : Status();
    }
    Status discard(std::uint64_t offset, std::uint64_t length) override {
        discards.emplace_back(offset, length);
        return Error::Unsupported;
    }
    std::vector<std::byte> content;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> discards;
    BlockGeometry shape;
    unsigned flushes = 0;
    bool is_read_only = false, fails = false;
};

// A disk that works on requests until the test has it complete one.
struct SlowDisk final : BlockBackend {
    struct Waiting {
        BlockRequest request;
        std::vector<MutableBytes> buffers;
    };
    struct Done {
        std::uint32_t tag;
        Status status;
    };
    explicit SlowDisk(std::size_t sectors) : disk(sectors) {}
    std::uint64_t capacity() const override { return disk.capacity(); }
    bool read_only() const override { return false; }
    std::string_view serial() const override { return "slow"; }
    unsigned depth() const override { return room; }
    std::optional<Status> start(const BlockRequest& request) override {
        EXPECT_LT(request.tag, room);
        EXPECT_EQ(std::count_if(waiting.begin(), waiting.end(),
                                [&](const Waiting& other) { return other.request.tag == request.tag; }),
                  0);
        if (request.kind == refuses)
            return Status(Error::Unsupported);
        waiting.push_back({request, {request.buffers.begin(), request.buffers.end()}});
        return std::nullopt;
    }
    void submit() override { ++submitted; }
    void poll(BlockCompletions& completions) override {
        for (std::vector<Done> now; !done.empty();) {
            now.clear();
            now.swap(done);
            for (const Done& one : now)
                completions.completed(one.tag, one.status);
        }
    }
    void abandon() override {
        waiting.clear();
        done.clear();
        ++abandoned;
    }
    // Carries out the request that has waited longest but `index`, or fails it.
    void complete(std::size_t index = 0, bool fail = false) {
        Waiting one = waiting.at(index);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
        one.request.buffers = one.buffers;
        done.push_back({one.request.tag, fail ? Status(Error::Io) : *disk.start(one.request)});
    }

    FakeDisk disk;
    unsigned room = 4, submitted = 0, abandoned = 0;
    std::optional<BlockRequest::Kind> refuses;
    std::vector<Waiting> waiting;
    std::vector<Done> done;
};

// RAM at the board's place.
struct FakeRam {
    explicit FakeRam(std::size_t size) : bytes(size), code_pages(size / kPageSize) {}
    std::vector<std::byte> bytes;
    std::vector<std::uint8_t> code_pages;
    GuestMemory memory{GuestPhysicalAddress(0x8000'0000), bytes, code_pages.data()};
};

} // namespace ashlar::jit::board::test
