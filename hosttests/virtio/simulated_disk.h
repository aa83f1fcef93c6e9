// A virtio block device, from the specification's point of view of the device: both ring formats, with all
// that is optional, and with every way to misbehave that a test asks for.
#pragma once

#include <deque>
#include <optional>

#include "drivers/virtio/transport.h"
#include "hosttests/virtio/simulated_machine.h"

namespace ashlar::virtio::test {

namespace blk {
constexpr std::uint64_t kSizeMax = 1 << 1, kSegmentMax = 1 << 2, kReadOnly = 1 << 5, kBlockSize = 1 << 6,
                        kFlush = 1 << 9, kTopology = 1 << 10, kMultiQueue = 1 << 12, kDiscard = 1 << 13,
                        kWriteZeroes = 1 << 14;
}

class SimulatedDisk {
public:
    struct QueueState {
        QueueAddresses addresses{};
        bool enabled = false;
        std::uint16_t next_available = 0, next_used = 0; // of split rings
        unsigned place = 0, used_place = 0;              // of packed rings
        bool wrap = true, used_wrap = true;
        unsigned notifications = 0;
    };
    struct Buffer {
        std::uint64_t address;
        std::uint32_t length;
        bool writable;
    };
    struct Request {
        unsigned queue;
        std::uint16_t id;
        unsigned descriptors; // that it takes in a packed ring
        std::vector<Buffer> buffers;
    };

    SimulatedDisk(SimulatedMachine& machine, std::size_t sectors);

    // What transports pass on.
    std::uint64_t offered() const { return features; }
    void accept(std::uint64_t accepted_features) { accepted = accepted_features; }
    void write_status(std::uint8_t value);
    std::uint8_t read_status() const { return status; }
    void enable(unsigned queue, const QueueAddresses& addresses);
    void notify(unsigned queue);
    std::vector<std::byte> configuration() const;

    // Takes what is available, then carries out everything that waits; in reverse order if `reverses`.
    void process();
    void take_available();
    void complete(std::size_t index, std::optional<std::uint8_t> forced_status = {});
    // Returns a buffer as the ring's format has it.
    void push_used(unsigned queue, std::uint32_t id, std::uint32_t length, unsigned descriptors);
    bool packed() const { return (accepted & feature::kPacked) != 0; }

    SimulatedMachine& machine;
    std::vector<std::byte> content;
    std::vector<QueueState> queues = std::vector<QueueState>(1);
    std::deque<Request> waiting;
    std::uint64_t features = feature::kVersion1, accepted = 0;
    std::uint32_t block_size = 512, size_max = 0, segment_max = 0;
    std::uint16_t largest_queue = 256;
    std::uint8_t status = 0;
    bool holds = false; // requests wait for complete()
    bool reverses = false;
    bool refuses_features = false, never_resets = false;
    bool suppresses_notifications = false; // asks for none
    bool event_index_far = false;          // wants to hear of the last possible one only
    unsigned flushes = 0, discards = 0, resets = 0;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> log; // type and sector of what was carried out

private:
    void take_split(unsigned queue);
    void take_packed(unsigned queue);
    void add_table(std::vector<Buffer>& buffers, std::uint64_t table, std::uint32_t length);
    void tell_when_to_notify(unsigned queue);
    std::uint8_t execute(const std::vector<std::byte>& in, std::vector<std::byte>& out);
};

// The registers of version 2 over MMIO.
class MmioFront final : public RegisterModel {
public:
    explicit MmioFront(SimulatedDisk& disk) : disk_(disk) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;
    std::uint32_t magic = 0x7472'6976, version = 2, id = 2;
    unsigned changes = 0; // of the configuration, while it is read

private:
    SimulatedDisk& disk_;
    std::uint32_t device_select_ = 0, driver_select_ = 0, queue_ = 0, generation_ = 0;
    std::uint64_t accepted_ = 0;
    QueueAddresses next_{};
};

// The common, notification and device structures of a PCI function.
class PciFront final : public RegisterModel {
public:
    static constexpr std::uint64_t kCommon = 0, kNotify = 0x1000, kDevice = 0x2000, kSize = 0x3000;
    static constexpr std::uint32_t kMultiplier = 4;
    explicit PciFront(SimulatedDisk& disk) : disk_(disk) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;
    std::uint16_t notify_offset_of_queue_0 = 7;

private:
    SimulatedDisk& disk_;
    std::uint32_t device_select_ = 0, driver_select_ = 0;
    std::uint16_t queue_ = 0;
    std::uint64_t accepted_ = 0;
    QueueAddresses next_{};
};

} // namespace ashlar::virtio::test
