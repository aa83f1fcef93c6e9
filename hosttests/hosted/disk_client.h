// What the board is to a disk, for tests: starts requests and waits for them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "jit/hosted/disk.h"

namespace ashlar::jit::hosted {

struct TextSink final : Sink {
    void write(std::string_view part) override { text += part; }
    std::string text;
};

class DiskClient final : private BlockCompletions {
public:
    using Kind = BlockRequest::Kind;

    explicit DiskClient(HostDisk& disk) : disk_(disk) {}

    void start(BlockRequest request, std::span<const MutableBytes> buffers = {}) {
        request.buffers = buffers;
        ++in_flight;
        if (const auto status = disk_.start(request))
            completed(request.tag, *status);
    }
    // Until everything that was started has completed.
    void wait() {
        disk_.submit();
        disk_.poll(*this);
        while (in_flight != 0) {
            pollfd wake_up = disk_.wake_up();
            ASSERT_GE(wake_up.fd, 0);
            ASSERT_GT(::poll(&wake_up, 1, 60'000), 0) << "the disk does not answer";
            disk_.poll(*this);
            disk_.submit();
        }
        EXPECT_LT(disk_.wake_up().fd, 0);
    }
    Status run(BlockRequest request, std::span<const MutableBytes> buffers = {}) {
        start(request, buffers);
        wait();
        return results.at(request.tag);
    }
    Status transfer(Kind kind, std::uint64_t offset, std::span<const MutableBytes> buffers) {
        std::uint64_t length = 0;
        for (const MutableBytes buffer : buffers)
            length += buffer.size();
        return run({kind, offset, length}, buffers);
    }
    Status read(std::uint64_t offset, MutableBytes to) { return transfer(Kind::Read, offset, {&to, 1}); }
    Status write(std::uint64_t offset, MutableBytes from) {
        return transfer(Kind::Write, offset, {&from, 1});
    }

    unsigned in_flight = 0;
    std::map<std::uint32_t, Status> results; // by tag

private:
    void completed(std::uint32_t tag, Status status) override {
        --in_flight;
        results.insert_or_assign(tag, status);
    }

    HostDisk& disk_;
};

// Page-aligned memory, as a guest's RAM is.
class Pages {
public:
    explicit Pages(std::size_t size)
        : at_(static_cast<std::byte*>(std::aligned_alloc(4096, size))), size_(size) {
        fill(0);
    }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    ~Pages() { std::free(at_); }
    MutableBytes all() const { return {at_, size_}; }
    MutableBytes part(std::size_t offset, std::size_t size) const { return all().subspan(offset, size); }
    void fill(int value) { std::memset(at_, value, size_); }
    void fill_randomly(unsigned seed) {
        std::mt19937 random(seed);
        for (std::byte& byte : all())
            byte = static_cast<std::byte>(random());
    }

private:
    std::byte* at_;
    std::size_t size_;
};

} // namespace ashlar::jit::hosted
