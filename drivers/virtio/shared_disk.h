// A disk with several users, each with its own share of the queues.
#pragma once

#include "drivers/virtio/block.h"
#include "drivers/virtio/shadow_disk.h"

namespace ashlar::virtio {

// Hears of its requests.
class DiskUser {
public:
    virtual void completed(std::uint16_t tag, Status status) = 0;
    // After completed(), once for any number of them: there is room for more.
    virtual void settle() = 0;

protected:
    ~DiskUser() = default;
};

// Used by one CPU at a time.
class SharedDisk final : private DiskCompletions {
public:
    static constexpr unsigned kMaxUsers = 16;

    // Both outlive it. The device is initialized, and nobody else's.
    SharedDisk(BlockDevice& device, Platform& platform) : device_(device), platform_(platform) {}

    // OutOfRange when there are too many users. `user` outlives its membership.
    Result<DiskPort*> join(DiskUser& user);
    // Nothing of the user's is in flight.
    void leave(const DiskUser& user);

    BlockDevice& device() { return device_; }
    // Requests in flight.
    bool busy() const { return in_flight_ != 0; }
    unsigned in_flight_of(const DiskUser& user) const;
    // Reports what is done. A device that breaks the rules, or that is silent for too long, is reset: what
    // was in flight has then failed. Work is bounded by the length of the queues.
    void poll();
    // Asks for an interrupt when the next request is done, as poll() does.
    void arm_interrupts();
    // Whether the device will interrupt when the next request is done, if it has interrupts at all.
    bool armed() const { return armed_; }
    // Resets the device at once; what was in flight has failed. Io when it does not get quiet: it may still
    // access memory.
    Status reset();

private:
    static constexpr std::uint64_t kLookAfterNs = 1'000'000'000, kPatienceNs = 30'000'000'000;
    class Port final : public DiskPort {
    public:
        const DiskProperties& properties() const override { return disk->device_.properties(); }
        Status start(const DiskRequest& request, std::uint16_t tag) override {
            return disk->start(*this, request, tag);
        }
        void submit() override { disk->device_.submit(queue()); }
        unsigned queue() const { return index % disk->device_.queue_count(); }

        SharedDisk* disk = nullptr;
        DiskUser* user = nullptr; // null: nobody's
        unsigned index = 0, in_flight = 0;
    };
    struct Owner {
        std::uint16_t port, tag;
    };

    Status start(Port& port, const DiskRequest& request, std::uint16_t tag);
    void completed(std::uint32_t token, Status status) override;
    void poll_once();
    void settle_all();
    bool is_stuck(std::uint64_t now);

    BlockDevice& device_;
    Platform& platform_;
    std::array<Port, kMaxUsers> ports_;
    unsigned users_ = 0, in_flight_ = 0, ports_end_ = 0; // the last: behind the last that was ever used
    bool progress_ = false, dead_ = false, armed_ = false;
    std::uint64_t last_progress_ = 0, last_look_ = 0;
    std::array<Owner, BlockDevice::kMaxQueues * Queue::kMaxSize> owners_; // by token
};

} // namespace ashlar::virtio
