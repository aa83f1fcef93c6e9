// A VM's RAM in pieces, a driver in it, and a disk that checks what reaches it.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "drivers/virtio/shadow_disk.h"

namespace ashlar::virtio::test {

// RAM of 16 pages; pages lie apart from each other for us and for devices, in another order.
class ScatteredRam final : public GuestRam {
public:
    static constexpr std::uint64_t kBase = 0x8000'0000, kPages = 16, kSize = kPages * kPageSize;
    static constexpr std::uint64_t kDevice = 0x70'0000'0000;

    GuestExtent extent(std::uint64_t address) override {
        EXPECT_TRUE(address >= kBase && address < kBase + kSize) << std::hex << address;
        const std::uint64_t page = (address - kBase) / kPageSize;
        return {kBase + page * kPageSize, kPageSize, host(page), device(page)};
    }
    std::byte* host(std::uint64_t page) { return bytes.data() + 2 * kPageSize * page; }
    static std::uint64_t device(std::uint64_t page) { return kDevice + (kPages - 1 - page) * 2 * kPageSize; }
    // Of one byte.
    std::byte* at(std::uint64_t address) { return host((address - kBase) / kPageSize) + address % kPageSize; }
    // Whether all of it is RAM, for a device.
    static bool is_ram(std::uint64_t address, std::uint64_t length) {
        if (address < kDevice || length == 0 || address - kDevice >= 2 * kSize)
            return false;
        const std::uint64_t offset = (address - kDevice) % (2 * kPageSize);
        return offset < kPageSize && length <= kPageSize - offset;
    }
    std::byte* at_device(std::uint64_t address) {
        const std::uint64_t slot = (address - kDevice) / (2 * kPageSize);
        return host(kPages - 1 - slot) + (address - kDevice) % (2 * kPageSize);
    }
    template <class T>
    void store(std::uint64_t address, T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            *at(address + i) = static_cast<std::byte>(value >> 8 * i);
    }
    template <class T>
    T load(std::uint64_t address) {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value = static_cast<T>(value | std::to_integer<T>(*at(address + i)) << 8 * i);
        return value;
    }
    // What lies between the pages was not written.
    bool gaps_are_clean() const {
        for (std::uint64_t page = 0; page < kPages; ++page)
            for (std::size_t i = 0; i < kPageSize; ++i)
                if (bytes[(2 * page + 1) * kPageSize + i] != std::byte{0})
                    return false;
        return true;
    }

    std::vector<std::byte> bytes = std::vector<std::byte>(2 * kSize);
};

// Takes requests for a slice of a disk, and refuses to be asked for anything else.
class CheckingPort final : public DiskPort {
public:
    struct Request {
        DiskRequest::Kind kind;
        std::uint64_t offset, length;
        std::vector<DiskPiece> data;
        bool may_unmap;
        std::uint16_t tag;
    };

    CheckingPort() {
        disk.capacity = 1 << 20;
        disk.most_pieces = 6;
        disk.largest_piece = 1 << 20;
        disk.can_flush = disk.can_discard = disk.can_write_zeroes = true;
        disk.largest_discard = disk.largest_write_zeroes = 1 << 20;
    }
    const DiskProperties& properties() const override { return disk; }
    Status start(const DiskRequest& request, std::uint16_t tag) override {
        if (room == 0)
            return Error::Busy;
        if (fails)
            return *fails;
        using Kind = DiskRequest::Kind;
        if (request.kind != Kind::Flush) {
            EXPECT_TRUE(request.offset >= slice.offset && request.length != 0 &&
                        request.length <= slice.length &&
                        request.offset - slice.offset <= slice.length - request.length);
            EXPECT_EQ(request.offset % disk.block_size, 0u);
            EXPECT_EQ(request.length % disk.block_size, 0u);
            EXPECT_TRUE(request.kind == Kind::Read || !slice.read_only);
        }
        if (request.kind == Kind::Read || request.kind == Kind::Write) {
            std::uint64_t total = 0;
            EXPECT_LE(request.data.size(), disk.most_pieces);
            for (const DiskPiece& piece : request.data) {
                total += piece.length;
                EXPECT_TRUE(ScatteredRam::is_ram(piece.address, piece.length));
                EXPECT_LE(piece.length, disk.largest_piece);
            }
            EXPECT_EQ(total, request.length);
        }
        --room;
        waiting.push_back({request.kind,
                           request.offset,
                           request.length,
                           {request.data.begin(), request.data.end()},
                           request.may_unmap,
                           tag});
        return {};
    }
    void submit() override { ++submissions; }

    // Carries out the one that has waited longest, or the one with this place in the line.
    void complete(ShadowDisk& to, std::size_t place = 0, Status status = {}) {
        const Request request = waiting[place];
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(place));
        ++room;
        to.completed(request.tag, status);
    }
    void complete_all(ShadowDisk& to) {
        while (!waiting.empty())
            complete(to);
    }

    DiskProperties disk;
    DiskSlice slice;
    std::deque<Request> waiting;
    std::optional<Error> fails;
    unsigned room = 128, submissions = 0;
};

// The driver's side, without any care: tests write what they like.
class Driver {
public:
    static constexpr std::uint64_t kDescriptors = ScatteredRam::kBase, kDriver = kDescriptors + 0x1000,
                                   kDevice = kDescriptors + 0x2000, kTable = kDescriptors + 0x3000,
                                   kHeader = kDescriptors + 0x4000, kStatus = kHeader + 0x800,
                                   kData = kDescriptors + 0x5000;

    Driver(ScatteredRam& memory, std::uint16_t queue_size) : ram(memory), size(queue_size) {}

    QueueAddresses addresses() const { return {size, kDescriptors, kDriver, kDevice}; }
    void descriptor(std::uint64_t index, std::uint64_t address, std::uint32_t length, std::uint16_t flags = 0,
                    std::uint16_t next = 0, std::uint64_t table = kDescriptors) {
        ram.store(table + 16 * index, address);
        ram.store(table + 16 * index + 8, length);
        ram.store(table + 16 * index + 12, flags);
        ram.store(table + 16 * index + 14, next);
    }
    void offer(std::uint16_t head) {
        const auto index = ram.load<std::uint16_t>(kDriver + 2);
        ram.store(kDriver + 4 + 2 * (index % size), head);
        ram.store(kDriver + 2, static_cast<std::uint16_t>(index + 1));
    }
    void header(std::uint32_t type, std::uint64_t sector, std::uint64_t at = kHeader) {
        ram.store(at, type);
        ram.store(at + 4, std::uint32_t{0});
        ram.store(at + 8, sector);
    }
    // A request of three descriptors from `head` on.
    void request(std::uint16_t head, std::uint32_t type, std::uint64_t sector, std::uint32_t length,
                 std::uint64_t data = kData) {
        using namespace virtio::descriptor;
        const std::uint64_t at = kHeader + 16u * head;
        header(type, sector, at);
        ram.store(kStatus + head, std::uint8_t{0xaa});
        const bool writes =
            type == block::kWrite || type == block::kDiscardRequest || type == block::kWriteZeroesRequest;
        const auto next = static_cast<std::uint16_t>(head + 1), last = static_cast<std::uint16_t>(head + 2);
        descriptor(head, at, 16, virtio::descriptor::kNext, length != 0 ? next : last);
        if (length != 0)
            descriptor(next, data, length,
                       static_cast<std::uint16_t>(virtio::descriptor::kNext | (writes ? 0 : kWrite)), last);
        descriptor(last, kStatus + head, 1, kWrite);
        offer(head);
    }
    std::uint8_t status(std::uint16_t head) { return ram.load<std::uint8_t>(kStatus + head); }
    std::uint16_t used_index() { return ram.load<std::uint16_t>(kDevice + 2); }
    std::uint32_t used_head(std::uint16_t index) {
        return ram.load<std::uint32_t>(kDevice + 4 + 8 * (index % size));
    }
    std::uint32_t used_length(std::uint16_t index) {
        return ram.load<std::uint32_t>(kDevice + 8 + 8 * (index % size));
    }

    ScatteredRam& ram;
    std::uint16_t size;
};

} // namespace ashlar::virtio::test
