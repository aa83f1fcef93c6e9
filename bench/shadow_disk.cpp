// What the hypervisor does with a request of a shadowed queue besides giving it to the disk: take it from the
// VM's ring, check it, find its data, and give it back.
#include "drivers/virtio/shadow_disk.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace ashlar::bench {
namespace {

using namespace virtio;

constexpr std::uint64_t kBase = 0x8000'0000, kExtent = 2 << 20, kExtents = 8;
constexpr std::uint16_t kSize = 128;

// In pieces of 2 MiB, as a VM's mostly is.
class Ram final : public GuestRam {
public:
    GuestExtent extent(std::uint64_t address) override {
        const std::uint64_t index = (address - kBase) / kExtent;
        return {kBase + index * kExtent, kExtent, at(index * kExtent), (0x100 + 2 * index) * kExtent};
    }
    std::byte* at(std::uint64_t offset) { return bytes_.data() + offset; }

private:
    std::vector<std::byte> bytes_ = std::vector<std::byte>(kExtent * kExtents);
};

// Takes all requests and does nothing.
class Port final : public DiskPort {
public:
    Port() {
        disk.capacity = 1 << 30;
        disk.most_pieces = 30;
        disk.largest_piece = 1 << 30;
    }
    const DiskProperties& properties() const override { return disk; }
    Status start(const DiskRequest& request, std::uint16_t tag) override {
        benchmark::DoNotOptimize(request.data.front().address);
        last = tag;
        return {};
    }
    void submit() override {}
    DiskProperties disk;
    std::uint16_t last = 0;
};

// Requests of `range(0)` bytes, 4 KiB to a descriptor, by tables of descriptors when `range(1)` is set.
void shadow_request(benchmark::State& state) {
    const auto pages = static_cast<std::uint64_t>(state.range(0)) / 4096;
    const bool indirect = state.range(1) != 0;
    Ram ram;
    GuestWindow window(ram, kBase, kExtent * kExtents);
    Port port;
    ShadowDisk disk(port, window, {.offset = 1 << 20, .length = 1 << 29});
    // Descriptors, rings, headers and tables, and data each in a piece of their own.
    constexpr std::uint64_t kDriver = 0x1000, kDevice = 0x2000, kHeader = kExtent, kTable = 2 * kExtent,
                            kData = 3 * kExtent;
    const QueueAddresses queue{kSize, kBase, kBase + kDriver, kBase + kDevice};
    if (!disk.attach(queue, feature::kVersion1 | feature::kIndirect).ok())
        return state.SkipWithError("attach");
    const auto put = [&](std::uint64_t at, std::uint64_t address, std::uint64_t length, unsigned flags,
                         std::uint64_t next) {
        store_le(ram.at(at), kBase + address);
        store_le(ram.at(at + 8), static_cast<std::uint32_t>(length));
        store_le(ram.at(at + 12), static_cast<std::uint16_t>(flags));
        store_le(ram.at(at + 14), static_cast<std::uint16_t>(next));
    };
    const std::uint64_t list = indirect ? kTable : 0;
    put(list, kHeader, 16, descriptor::kNext, 1);
    for (std::uint64_t i = 0; i < pages; ++i)
        put(list + 16 * (1 + i), kData + 8192 * i, 4096, descriptor::kNext | descriptor::kWrite, 2 + i);
    put(list + 16 * (1 + pages), kHeader + 64, 1, descriptor::kWrite, 0);
    if (indirect)
        put(0, kTable, 16 * (2 + pages), descriptor::kIndirect, 0);
    store_le(ram.at(kHeader + 8), std::uint64_t{8});
    std::uint16_t index = 0;
    for (auto _ : state) {
        ++index; // entries of the ring are 0, the head
        store_le(ram.at(kDriver + 2), index);
        benchmark::DoNotOptimize(disk.kick().ok());
        disk.completed(port.last, {});
        benchmark::DoNotOptimize(disk.settle());
    }
}
BENCHMARK(shadow_request)
    ->ArgNames({"bytes", "indirect"})
    ->Args({4096, 0})
    ->Args({4096, 1})
    ->Args({65536, 1});

} // namespace
} // namespace ashlar::bench
