#include "drivers/virtio/shared_disk.h"

#include <algorithm>

namespace ashlar::virtio {

Result<DiskPort*> SharedDisk::join(DiskUser& user) {
    for (unsigned i = 0; i < kMaxUsers; ++i) {
        Port& port = ports_[i];
        if (port.user != nullptr)
            continue;
        port.disk = this;
        port.user = &user;
        port.index = i;
        ++users_;
        ports_end_ = std::max(ports_end_, i + 1);
        return static_cast<DiskPort*>(&port);
    }
    return Error::OutOfRange;
}

void SharedDisk::leave(const DiskUser& user) {
    for (Port& port : ports_)
        if (port.user == &user) {
            ASHLAR_ASSERT(port.in_flight == 0);
            port.user = nullptr;
            --users_;
        }
}

unsigned SharedDisk::in_flight_of(const DiskUser& user) const {
    for (const Port& port : ports_)
        if (port.user == &user)
            return port.in_flight;
    return 0;
}

// Nobody gets more than its share of a queue, so that nobody starves.
Status SharedDisk::start(Port& port, const DiskRequest& request, std::uint16_t tag) {
    if (dead_)
        return Error::Io;
    const unsigned queues = device_.queue_count();
    const unsigned share = std::max(1u, device_.queue_size() / ((users_ + queues - 1) / queues));
    if (port.in_flight >= share)
        return Error::Busy;
    const Result<std::uint32_t> token = device_.start(port.queue(), request);
    if (!token.ok())
        return token.error();
    owners_[token.value()] = {static_cast<std::uint16_t>(port.index), tag};
    ++port.in_flight;
    if (in_flight_++ == 0)
        last_progress_ = last_look_ = platform_.now_ns();
    return {};
}

void SharedDisk::completed(std::uint32_t token, Status status) {
    Port& port = ports_[owners_[token].port];
    --port.in_flight;
    --in_flight_;
    progress_ = true;
    port.user->completed(owners_[token].tag, status);
}

bool SharedDisk::is_stuck(std::uint64_t now) {
    if (now - last_look_ < kLookAfterNs)
        return false;
    last_look_ = now;
    return now - last_progress_ >= kPatienceNs || !device_.works();
}

void SharedDisk::poll_once() {
    progress_ = false;
    bool well = true;
    for (unsigned queue = 0; queue < device_.queue_count(); ++queue)
        well = device_.poll(queue, *this).ok() && well;
    if (progress_)
        last_progress_ = platform_.now_ns();
    if (!well || (!progress_ && is_stuck(platform_.now_ns())))
        static_cast<void>(reset().ok());
    else if (progress_)
        settle_all();
}

// What is done while we ask for an interrupt is taken too; a device that always is faster has to wait for its
// turn.
void SharedDisk::poll() {
    constexpr unsigned kRounds = 4;
    for (unsigned round = 0; busy() && round < kRounds; ++round) {
        poll_once();
        if (!progress_)
            return;
        arm_interrupts();
        if (armed_)
            return;
    }
}

void SharedDisk::settle_all() {
    for (Port& port : std::span(ports_).first(ports_end_))
        if (port.user != nullptr)
            port.user->settle();
}

void SharedDisk::arm_interrupts() {
    armed_ = true;
    for (unsigned queue = 0; queue < device_.queue_count(); ++queue)
        armed_ = device_.arm_interrupt(queue) && armed_;
}

Status SharedDisk::reset() {
    const Status status = device_.recover(*this);
    dead_ = !status.ok();
    if (!dead_)
        arm_interrupts();
    settle_all();
    return dead_ && !device_.quiet() ? status : Status();
}

} // namespace ashlar::virtio
