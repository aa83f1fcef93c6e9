// A VM's virtio block queue, shadowed onto a disk of the machine: requests are checked and translated one by
// one, data is not copied. The VM sees a part of the disk and reaches no other.
// Specification: Virtio 1.2, section 5.2.
#pragma once

#include "drivers/virtio/block.h"
#include "drivers/virtio/guest_queue.h"

namespace ashlar::virtio {

// What a disk's user starts requests with; SharedDisk gives one to each.
class DiskPort {
public:
    virtual const DiskProperties& properties() const = 0;
    // The errors of BlockDevice::start. `tag` comes back when the request is done.
    virtual Status start(const DiskRequest& request, std::uint16_t tag) = 0;
    virtual void submit() = 0;

protected:
    ~DiskPort() = default;
};

// The part of a disk that is a VM's. Bytes, multiples of the disk's block size.
struct DiskSlice {
    std::uint64_t offset = 0, length = 0;
    bool read_only = false;
    BlockDevice::Identity identity{}; // what get-id answers
};

// Used by one CPU at a time.
class ShadowDisk {
public:
    // Both outlive it; the slice lies within the disk.
    ShadowDisk(DiskPort& port, GuestWindow& window, const DiskSlice& slice)
        : port_(port), window_(window), slice_(slice) {}
    ShadowDisk(const ShadowDisk&) = delete;
    ShadowDisk& operator=(const ShadowDisk&) = delete;

    const DiskSlice& slice() const { return slice_; }

    // Takes a queue on. Busy while one is there or requests of an earlier one are in flight; Malformed as of
    // GuestQueue::enable.
    Status attach(const QueueAddresses& queue, std::uint64_t features);
    // The queue is left alone from now on. Requests in flight still reach the VM's memory until idle().
    void detach();
    bool attached() const { return queue_.enabled(); }
    bool idle() const { return in_flight_ == 0; }

    // Takes what the driver has offered. Malformed when the driver broke the rules, now or earlier: nothing
    // more is done for it until detach().
    Status kick();
    // A request is done.
    void completed(std::uint16_t tag, Status status);
    // Goes on with what had to wait. True when the VM is to be interrupted: its driver wants to hear of
    // requests that are done, or has broken the rules.
    bool settle();

private:
    struct Request {
        std::uint16_t parts = 0; // in flight
        bool started = false;    // all parts are, or will not be
        std::uint8_t status = 0;
        std::uint32_t written = 0;
        std::uint64_t status_at = 0; // guest-physical
    };
    // Of the request whose parts are being started: the others have been started as a whole.
    struct Transfer {
        bool active = false;
        DiskRequest::Kind kind = DiskRequest::Kind::Read;
        std::uint16_t head = 0;
        std::uint64_t offset = 0, left = 0; // bytes; `offset` on the disk
        std::span<const GuestSegment> segments;
        std::uint64_t skip = 0; // bytes of the first one
    };

    Status begin(const GuestChain& chain);
    void plan(std::uint32_t type, std::uint64_t sector, const GuestChain& chain, std::uint64_t readable,
              std::uint64_t writable);
    void plan_transfer(bool write, std::uint64_t sector, std::uint64_t length, const GuestChain& chain);
    void plan_erase(bool zeroes, std::uint64_t length, const GuestChain& chain);
    void start_whole(const DiskRequest& request, std::uint16_t head);
    void identify(std::uint64_t room, const GuestChain& chain);
    bool in_slice(std::uint64_t sector, std::uint64_t length) const;
    bool pump();
    std::size_t gather(std::span<DiskPiece> pieces, std::uint64_t& total);
    void finish(std::uint16_t head, std::uint8_t status);
    void finish_if_done(std::uint16_t head);
    void serve();

    DiskPort& port_;
    GuestWindow& window_;
    DiskSlice slice_;
    GuestQueue queue_;
    std::array<Request, GuestQueue::kMaxSize> requests_{}; // by head
    Transfer transfer_;
    unsigned in_flight_ = 0; // parts
    bool broken_ = false;
    bool more_ = false; // the driver may have offered what was not looked at, for lack of room
};

} // namespace ashlar::virtio
