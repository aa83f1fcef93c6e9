#include "jit/hosted/threaded_disk.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

namespace ashlar::jit::hosted {

ThreadedDisk::ThreadedDisk(ImageFile image)
    : image_(std::move(image)), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    // Signals are the main thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < kThreads && event_.get() >= 0; ++i)
        if (pthread_t thread_id; pthread_create(&thread_id, nullptr, thread, this) == 0)
            threads_.push_back(thread_id);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadedDisk::~ThreadedDisk() {
    abandon();
    {
        const std::lock_guard guard(mutex_);
        ending_ = true;
    }
    work_.notify_all();
    for (const pthread_t thread_id : threads_)
        pthread_join(thread_id, nullptr);
}

std::optional<Status> ThreadedDisk::start(const BlockRequest& request) {
    Request& slot = requests_[request.tag];
    slot.what = request;
    slot.what.buffers = {};
    if (request.kind == BlockRequest::Kind::Read || request.kind == BlockRequest::Kind::Write)
        slot.transfer.begin(request, image_.alignment);
    if (threads_.empty())
        return perform(slot);
    ++in_flight_;
    {
        const std::lock_guard guard(mutex_);
        waiting_.push_back(request.tag);
    }
    work_.notify_one();
    return std::nullopt;
}

void* ThreadedDisk::thread(void* disk) {
    static_cast<ThreadedDisk*>(disk)->work();
    return nullptr;
}

void ThreadedDisk::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        work_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (ending_)
            return;
        const std::uint32_t tag = waiting_.front();
        waiting_.pop_front();
        ++running_;
        lock.unlock();
        const Status status = perform(requests_[tag]);
        lock.lock();
        --running_;
        done_.push_back({tag, status});
        any_done_.store(true, std::memory_order_release);
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
        idle_.notify_all();
    }
}

Status ThreadedDisk::perform(Request& request) {
    using Kind = BlockRequest::Kind;
    switch (request.what.kind) {
    case Kind::Read:
    case Kind::Write: {
        const Status status = move(request.transfer);
        request.transfer.end();
        return status;
    }
    case Kind::Flush: return fdatasync(image_.file.get()) == 0 ? Status() : Status(Error::Io);
    case Kind::Discard:
    case Kind::WriteZeroes: break;
    }
    const int result =
        fallocate(image_.file.get(), erase_mode(request.what), static_cast<off_t>(request.what.offset),
                  static_cast<off_t>(request.what.length));
    return erase_status(result == 0 ? 0 : -errno);
}

Status ThreadedDisk::move(Transfer& transfer) {
    while (!abandoned_.load(std::memory_order_relaxed)) {
        const std::span<const iovec> step = transfer.step();
        const auto offset = static_cast<off_t>(transfer.offset());
        const int count = static_cast<int>(step.size());
        if (count == 0)
            break;
        const ssize_t moved = transfer.is_write() ? pwritev(image_.file.get(), step.data(), count, offset)
                                                  : preadv(image_.file.get(), step.data(), count, offset);
        switch (transfer.advance(moved < 0 ? -errno : moved)) {
        case Transfer::Progress::More: break;
        case Transfer::Progress::Done: return {};
        case Transfer::Progress::Failed: return Error::Io;
        }
    }
    return Error::Io;
}

void ThreadedDisk::poll(BlockCompletions& completions) {
    if (!any_done_.exchange(false, std::memory_order_acquire))
        return;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = read(event_.get(), &count, sizeof count);
    std::vector<Completion> done;
    {
        const std::lock_guard guard(mutex_);
        done.swap(done_);
    }
    in_flight_ -= static_cast<unsigned>(done.size());
    for (const Completion& completion : done)
        completions.completed(completion.tag, completion.status);
}

void ThreadedDisk::abandon() {
    if (in_flight_ == 0)
        return;
    abandoned_.store(true, std::memory_order_relaxed);
    std::unique_lock lock(mutex_);
    waiting_.clear();
    idle_.wait(lock, [this] { return running_ == 0; });
    done_.clear();
    any_done_.store(false, std::memory_order_relaxed);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = read(event_.get(), &count, sizeof count);
    in_flight_ = 0;
    abandoned_.store(false, std::memory_order_relaxed);
}

pollfd ThreadedDisk::wake_up() const {
    return {in_flight_ != 0 ? event_.get() : -1, POLLIN, 0};
}

} // namespace ashlar::jit::hosted
