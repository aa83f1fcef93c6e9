#include <gtest/gtest.h>

#include "hosttests/virtio/simulated_disk.h"

namespace ashlar::virtio::test {
namespace {

constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4, kAvailable = 1 << 7, kUsed = 1 << 15;

template <class T>
T merge(T before, unsigned shift, std::uint64_t value) {
    return static_cast<T>((before & ~(std::uint64_t{0xffff'ffff} << shift)) | value << shift);
}

} // namespace

SimulatedDisk::SimulatedDisk(SimulatedMachine& on, std::size_t sectors)
    : machine(on), content(sectors * 512) {
    for (std::size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<std::byte>(i / 512 * 3 + i);
}

void SimulatedDisk::write_status(std::uint8_t value) {
    if (value == 0) {
        if (never_resets)
            return;
        ++resets;
        waiting.clear();
        for (QueueState& queue : queues)
            queue = {};
        status = 0;
        accepted = 0;
        return;
    }
    status = value;
    if (refuses_features)
        status &= static_cast<std::uint8_t>(~status::kFeaturesOk);
    const bool agreed = (status & status::kFeaturesOk) != 0;
    EXPECT_TRUE(!agreed || (accepted & ~features) == 0) << "the driver wants what was not offered";
}

void SimulatedDisk::enable(unsigned number, const QueueAddresses& addresses) {
    ASSERT_EQ(status & (status::kFeaturesOk | status::kDriverOk), status::kFeaturesOk);
    queues.at(number).addresses = addresses;
    queues.at(number).enabled = true;
    tell_when_to_notify(number);
}

void SimulatedDisk::notify(unsigned number) {
    ASSERT_NE(status & status::kDriverOk, 0);
    ++queues.at(number).notifications;
    process();
}

std::vector<std::byte> SimulatedDisk::configuration() const {
    std::vector<std::byte> bytes(60);
    store_le(bytes.data(), std::uint64_t{content.size() / 512});
    store_le(bytes.data() + 8, size_max);
    store_le(bytes.data() + 12, segment_max);
    store_le(bytes.data() + 20, block_size);
    store_le(bytes.data() + 24, std::uint8_t{1});
    store_le(bytes.data() + 26, std::uint16_t{2});
    store_le(bytes.data() + 28, std::uint32_t{8});
    store_le(bytes.data() + 34, static_cast<std::uint16_t>(queues.size()));
    store_le(bytes.data() + 36, std::uint32_t{16}); // discard sectors
    store_le(bytes.data() + 40, std::uint32_t{1});
    store_le(bytes.data() + 48, std::uint32_t{8}); // zero sectors
    store_le(bytes.data() + 52, std::uint32_t{1});
    return bytes;
}

void SimulatedDisk::take_available() {
    for (unsigned i = 0; i < queues.size(); ++i) {
        if (!queues[i].enabled || (status & status::kNeedsReset) != 0)
            continue;
        packed() ? take_packed(i) : take_split(i);
        tell_when_to_notify(i);
    }
}

void SimulatedDisk::process() {
    take_available();
    while (!holds && !waiting.empty())
        complete(reverses ? waiting.size() - 1 : 0);
}

void SimulatedDisk::add_table(std::vector<Buffer>& buffers, std::uint64_t table, std::uint32_t length) {
    ASSERT_EQ(length % 16, 0u);
    for (std::uint32_t at = 0; at != length; at += 16) {
        const std::byte* const raw = machine.at(table + at, 16);
        const auto flags = load_le<std::uint16_t>(raw + (packed() ? 14 : 12));
        buffers.push_back(
            {load_le<std::uint64_t>(raw), load_le<std::uint32_t>(raw + 8), (flags & kWrite) != 0});
        ASSERT_EQ(flags & kIndirect, 0);
        // In split tables the links are followed; ours always lead on.
        ASSERT_TRUE(packed() || (flags & kNext) != 0 || at + 16 == length);
    }
}

void SimulatedDisk::take_split(unsigned number) {
    QueueState& queue = queues[number];
    const QueueAddresses& at = queue.addresses;
    const auto offered_index = load_le<std::uint16_t>(machine.at(at.driver + 2, 2));
    ASSERT_LE(static_cast<std::uint16_t>(offered_index - queue.next_available), at.size);
    for (; queue.next_available != offered_index; ++queue.next_available) {
        const auto head =
            load_le<std::uint16_t>(machine.at(at.driver + 4 + 2u * (queue.next_available % at.size), 2));
        Request request{number, head, 1, {}};
        std::uint16_t index = head;
        for (unsigned steps = 0;; ++steps) {
            ASSERT_LT(index, at.size);
            ASSERT_LT(steps, at.size);
            const std::byte* const raw = machine.at(at.descriptors + 16u * index, 16);
            const auto flags = load_le<std::uint16_t>(raw + 12);
            if ((flags & kIndirect) != 0) {
                ASSERT_NE(accepted & feature::kIndirect, 0u);
                add_table(request.buffers, load_le<std::uint64_t>(raw), load_le<std::uint32_t>(raw + 8));
                break;
            }
            request.buffers.push_back(
                {load_le<std::uint64_t>(raw), load_le<std::uint32_t>(raw + 8), (flags & kWrite) != 0});
            if ((flags & kNext) == 0)
                break;
            index = load_le<std::uint16_t>(raw + 14);
        }
        waiting.push_back(std::move(request));
    }
}

void SimulatedDisk::take_packed(unsigned number) {
    QueueState& queue = queues[number];
    const QueueAddresses& at = queue.addresses;
    for (;;) {
        Request request{number, 0, 0, {}};
        bool more = true;
        while (more) {
            const std::byte* const raw = machine.at(at.descriptors + 16u * queue.place, 16);
            const auto flags = load_le<std::uint16_t>(raw + 14);
            if ((flags & (kAvailable | kUsed)) != (queue.wrap ? kAvailable : kUsed)) {
                ASSERT_EQ(request.descriptors, 0u) << "half a chain is available";
                return;
            }
            request.id = load_le<std::uint16_t>(raw + 12);
            if ((flags & kIndirect) != 0)
                add_table(request.buffers, load_le<std::uint64_t>(raw), load_le<std::uint32_t>(raw + 8));
            else
                request.buffers.push_back(
                    {load_le<std::uint64_t>(raw), load_le<std::uint32_t>(raw + 8), (flags & kWrite) != 0});
            ++request.descriptors;
            if (++queue.place == at.size) {
                queue.place = 0;
                queue.wrap = !queue.wrap;
            }
            more = (flags & kNext) != 0;
        }
        waiting.push_back(std::move(request));
    }
}

void SimulatedDisk::tell_when_to_notify(unsigned number) {
    const QueueState& queue = queues[number];
    const QueueAddresses& at = queue.addresses;
    const bool events = (accepted & feature::kEventIndex) != 0;
    if (packed()) {
        std::byte* const event = machine.at(at.device, 4);
        const unsigned place = event_index_far ? (queue.place + at.size - 1u) % at.size : queue.place;
        const bool wrap = event_index_far && queue.place == 0 ? !queue.wrap : queue.wrap;
        store_le(event, static_cast<std::uint16_t>(place | (wrap ? 0x8000u : 0u)));
        store_le(event + 2, static_cast<std::uint16_t>(suppresses_notifications ? 1 : events ? 2 : 0));
    } else if (events) {
        store_le(machine.at(at.device + 4 + 8u * at.size, 2),
                 static_cast<std::uint16_t>(queue.next_available + (event_index_far ? at.size - 1u : 0u)));
    } else {
        store_le(machine.at(at.device, 2), static_cast<std::uint16_t>(suppresses_notifications ? 1 : 0));
    }
}

void SimulatedDisk::push_used(unsigned number, std::uint32_t id, std::uint32_t length, unsigned descriptors) {
    QueueState& queue = queues[number];
    const QueueAddresses& at = queue.addresses;
    if (!packed()) {
        std::byte* const element = machine.at(at.device + 4 + 8u * (queue.next_used % at.size), 8);
        store_le(element, id);
        store_le(element + 4, length);
        store_le(machine.at(at.device + 2, 2), ++queue.next_used);
        return;
    }
    std::byte* const raw = machine.at(at.descriptors + 16u * queue.used_place, 16);
    store_le(raw + 8, length);
    store_le(raw + 12, static_cast<std::uint16_t>(id));
    store_le(raw + 14, static_cast<std::uint16_t>(kWrite | (queue.used_wrap ? kAvailable | kUsed : 0)));
    queue.used_place += descriptors;
    if (queue.used_place >= at.size) {
        queue.used_place -= at.size;
        queue.used_wrap = !queue.used_wrap;
    }
}

void SimulatedDisk::complete(std::size_t index, std::optional<std::uint8_t> forced_status) {
    const Request request = waiting.at(index);
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
    std::vector<std::byte> in;
    std::uint32_t room = 0;
    bool writable_seen = false;
    for (const Buffer& buffer : request.buffers) {
        const std::byte* const at = machine.at(buffer.address, buffer.length);
        ASSERT_TRUE(buffer.writable || !writable_seen) << "readable after writable";
        writable_seen = writable_seen || buffer.writable;
        if (buffer.writable)
            room += buffer.length;
        else
            in.insert(in.end(), at, at + buffer.length);
    }
    ASSERT_GE(room, 1u);
    std::vector<std::byte> out(room);
    out.back() = static_cast<std::byte>(forced_status ? *forced_status : execute(in, out));
    std::size_t done = 0;
    for (const Buffer& buffer : request.buffers) {
        if (!buffer.writable)
            continue;
        std::memcpy(machine.at(buffer.address, buffer.length), out.data() + done, buffer.length);
        done += buffer.length;
    }
    push_used(request.queue, request.id, room, request.descriptors);
}

std::uint8_t SimulatedDisk::execute(const std::vector<std::byte>& in, std::vector<std::byte>& out) {
    constexpr std::uint8_t ok = 0, io_error = 1, unsupported = 2;
    if (in.size() < 16)
        return io_error;
    const auto type = load_le<std::uint32_t>(in.data());
    const auto sector = load_le<std::uint64_t>(in.data() + 8);
    log.emplace_back(type, sector);
    const std::size_t length = type == 1 ? in.size() - 16 : out.size() - 1;
    const bool inside = sector * 512 + length <= content.size();
    switch (type) {
    case 0:
        if (!inside || length % 512 != 0)
            return io_error;
        std::memcpy(out.data(), content.data() + sector * 512, length);
        return ok;
    case 1:
        if (!inside || length % 512 != 0)
            return io_error;
        std::memcpy(content.data() + sector * 512, in.data() + 16, length);
        return ok;
    case 4: ++flushes; return ok;
    case 8: std::memcpy(out.data(), "SIMULATED-0123456789", 20); return ok;
    case 11:
    case 13: {
        const auto from = load_le<std::uint64_t>(in.data() + 16);
        const auto sectors = load_le<std::uint32_t>(in.data() + 24);
        EXPECT_LE(sectors, type == 11 ? 16u : 8u);
        ++discards;
        std::memset(content.data() + from * 512, 0, sectors * 512);
        return ok;
    }
    default: return unsupported;
    }
}

// ------------------------------------------------------------------------------------------ fronts

std::uint64_t MmioFront::read(std::uint64_t offset, unsigned width) {
    if (offset >= 0x100) {
        if (changes != 0) {
            --changes;
            ++generation_;
        }
        const std::vector<std::byte> bytes = disk_.configuration();
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width && offset - 0x100 + i < bytes.size(); ++i)
            value |= std::to_integer<std::uint64_t>(bytes[offset - 0x100 + i]) << (8 * i);
        return value;
    }
    EXPECT_EQ(width, 4u);
    switch (offset) {
    case 0x00: return magic;
    case 0x04: return version;
    case 0x08: return id;
    case 0x10: return disk_.offered() >> (32 * device_select_) & 0xffff'ffff;
    case 0x34: return queue_ < disk_.queues.size() ? disk_.largest_queue : 0;
    case 0x44: return queue_ < disk_.queues.size() && disk_.queues[queue_].enabled ? 1 : 0;
    case 0x70: return disk_.read_status();
    case 0xfc: return generation_;
    default: ADD_FAILURE() << "read of " << offset; return 0;
    }
}

void MmioFront::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    EXPECT_EQ(width, 4u);
    switch (offset) {
    case 0x14: device_select_ = static_cast<std::uint32_t>(value); break;
    case 0x20:
        accepted_ = merge(accepted_, 32 * driver_select_, value);
        disk_.accept(accepted_);
        break;
    case 0x24: driver_select_ = static_cast<std::uint32_t>(value); break;
    case 0x30: queue_ = static_cast<std::uint32_t>(value); break;
    case 0x38: next_.size = static_cast<std::uint16_t>(value); break;
    case 0x44: disk_.enable(queue_, next_); break;
    case 0x50: disk_.notify(static_cast<unsigned>(value)); break;
    case 0x70:
        disk_.write_status(static_cast<std::uint8_t>(value));
        if (value == 0)
            accepted_ = 0;
        break;
    case 0x80:
    case 0x84: next_.descriptors = merge(next_.descriptors, offset % 8 * 8, value); break;
    case 0x90:
    case 0x94: next_.driver = merge(next_.driver, offset % 8 * 8, value); break;
    case 0xa0:
    case 0xa4: next_.device = merge(next_.device, offset % 8 * 8, value); break;
    default: ADD_FAILURE() << "write of " << offset;
    }
}

std::uint64_t PciFront::read(std::uint64_t offset, unsigned width) {
    if (offset >= kDevice) {
        const std::vector<std::byte> bytes = disk_.configuration();
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width && offset - kDevice + i < bytes.size(); ++i)
            value |= std::to_integer<std::uint64_t>(bytes[offset - kDevice + i]) << (8 * i);
        return value;
    }
    const auto expect_width = [&](unsigned expected) { EXPECT_EQ(width, expected) << offset; };
    switch (offset) {
    case 0x04: expect_width(4); return disk_.offered() >> (32 * device_select_) & 0xffff'ffff;
    case 0x12: expect_width(2); return disk_.queues.size();
    case 0x14: expect_width(1); return disk_.read_status();
    case 0x15: expect_width(1); return 0;
    case 0x18: expect_width(2); return queue_ < disk_.queues.size() ? disk_.largest_queue : 0;
    case 0x1e: expect_width(2); return queue_ == 0 ? notify_offset_of_queue_0 : 8u + queue_;
    default: ADD_FAILURE() << "read of " << offset; return 0;
    }
}

void PciFront::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    const auto expect_width = [&](unsigned expected) { EXPECT_EQ(width, expected) << offset; };
    if (offset >= kNotify && offset < kDevice) {
        expect_width(2);
        const std::uint64_t place = (offset - kNotify) / kMultiplier;
        EXPECT_EQ(place, value == 0 ? notify_offset_of_queue_0 : 8 + value);
        return disk_.notify(static_cast<unsigned>(value));
    }
    switch (offset) {
    case 0x00: device_select_ = static_cast<std::uint32_t>(value); break;
    case 0x08: driver_select_ = static_cast<std::uint32_t>(value); break;
    case 0x0c:
        expect_width(4);
        accepted_ = merge(accepted_, 32 * driver_select_, value);
        disk_.accept(accepted_);
        break;
    case 0x10:
    case 0x1a:
        expect_width(2);
        EXPECT_EQ(value, 0xffffu);
        break;
    case 0x14:
        expect_width(1);
        disk_.write_status(static_cast<std::uint8_t>(value));
        if (value == 0)
            accepted_ = 0;
        break;
    case 0x16: queue_ = static_cast<std::uint16_t>(value); break;
    case 0x18: next_.size = static_cast<std::uint16_t>(value); break;
    case 0x1c: disk_.enable(queue_, next_); break;
    case 0x20:
    case 0x24: next_.descriptors = merge(next_.descriptors, offset % 8 * 8, value); break;
    case 0x28:
    case 0x2c: next_.driver = merge(next_.driver, offset % 8 * 8, value); break;
    case 0x30:
    case 0x34: next_.device = merge(next_.device, offset % 8 * 8, value); break;
    default: ADD_FAILURE() << "write of " << offset;
    }
}

} // namespace ashlar::virtio::test
