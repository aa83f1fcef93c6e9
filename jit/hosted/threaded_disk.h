// A disk whose file is read and written by a few threads, where there is no io_uring.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <vector>

#include "jit/hosted/disk.h"
#include "jit/hosted/image_file.h"

namespace ashlar::jit::hosted {

class ThreadedDisk final : public HostDisk {
public:
    // Without threads it works as well, but the guest waits for each request.
    explicit ThreadedDisk(ImageFile image);
    ThreadedDisk(const ThreadedDisk&) = delete;
    ThreadedDisk& operator=(const ThreadedDisk&) = delete;
    ~ThreadedDisk() override;

    std::uint64_t capacity() const override { return image_.capacity; }
    BlockGeometry geometry() const override { return image_.geometry; }
    bool read_only() const override { return image_.read_only; }
    std::string_view serial() const override { return image_.serial; }
    unsigned depth() const override { return kDepth; }
    std::optional<Status> start(const BlockRequest& request) override;
    void submit() override {}
    void poll(BlockCompletions& completions) override;
    void abandon() override;
    pollfd wake_up() const override;

private:
    static constexpr unsigned kDepth = 256, kThreads = 4;
    struct Request {
        BlockRequest what;
        Transfer transfer;
    };
    struct Completion {
        std::uint32_t tag;
        Status status;
    };

    static void* thread(void* disk);
    void work();
    Status perform(Request& request);
    Status move(Transfer& transfer);

    ImageFile image_;
    Descriptor event_; // counts completions
    std::vector<Request> requests_{kDepth};
    std::vector<pthread_t> threads_;
    unsigned in_flight_ = 0; // of the caller's thread alone

    std::mutex mutex_; // of what follows
    std::condition_variable work_, idle_;
    std::deque<std::uint32_t> waiting_;
    std::vector<Completion> done_;
    unsigned running_ = 0;
    bool ending_ = false;
    std::atomic<bool> abandoned_{false}, any_done_{false};
};

} // namespace ashlar::jit::hosted
