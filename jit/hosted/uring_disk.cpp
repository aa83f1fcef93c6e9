#include "jit/hosted/uring_disk.h"

#include <cerrno>
#include <cstring>

#include "lib/assert.h"

namespace ashlar::jit::hosted {
namespace {

// Whether requests are taken at all: some sandboxes allow io_uring to be set up, but not to be entered.
int try_out(io_uring& ring) {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring);
    io_uring_prep_nop(entry);
    const int submitted = io_uring_submit_and_wait(&ring, 1);
    io_uring_cqe* completion = nullptr;
    if (submitted < 0 || io_uring_peek_cqe(&ring, &completion) != 0)
        return submitted < 0 ? submitted : -EIO;
    const int result = completion->res;
    io_uring_cqe_seen(&ring, completion);
    return result;
}

} // namespace

std::unique_ptr<UringDisk> UringDisk::create(ImageFile& image, std::string& error) {
    io_uring ring;
    int result = io_uring_queue_init(kDepth, &ring, 0);
    if (result == 0) {
        result = try_out(ring);
        if (result < 0)
            io_uring_queue_exit(&ring);
    }
    if (result < 0) {
        error = std::strerror(-result);
        return nullptr;
    }
    io_uring_ring_dontfork(&ring);
    bool can_erase = false;
    if (io_uring_probe* const probe = io_uring_get_probe_ring(&ring)) {
        can_erase = io_uring_opcode_supported(probe, IORING_OP_FALLOCATE) != 0;
        io_uring_free_probe(probe);
    }
    return std::unique_ptr<UringDisk>(new UringDisk(std::move(image), ring, can_erase));
}

UringDisk::~UringDisk() {
    abandon();
    io_uring_queue_exit(&ring_);
}

// The ring has room for one entry of each request.
io_uring_sqe& UringDisk::next_entry() {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
    ASHLAR_ASSERT(entry != nullptr);
    return *entry;
}

// The next part of a transfer; false when there is no memory for it.
bool UringDisk::queue_step(std::uint32_t tag) {
    Transfer& transfer = requests_[tag].transfer;
    const std::span<const iovec> step = transfer.step();
    if (step.empty())
        return false;
    io_uring_sqe& entry = next_entry();
    const auto count = static_cast<unsigned>(step.size());
    if (transfer.is_write())
        io_uring_prep_writev(&entry, image_.file.get(), step.data(), count, transfer.offset());
    else
        io_uring_prep_readv(&entry, image_.file.get(), step.data(), count, transfer.offset());
    entry.user_data = tag;
    return true;
}

std::optional<Status> UringDisk::start(const BlockRequest& request) {
    using Kind = BlockRequest::Kind;
    const std::uint32_t tag = request.tag;
    requests_[tag].kind = request.kind;
    switch (request.kind) {
    case Kind::Read:
    case Kind::Write:
        requests_[tag].transfer.begin(request, image_.alignment);
        if (!queue_step(tag))
            return Status(Error::Io);
        break;
    case Kind::Flush: {
        io_uring_sqe& entry = next_entry();
        io_uring_prep_fsync(&entry, image_.file.get(), IORING_FSYNC_DATASYNC);
        entry.user_data = tag;
        break;
    }
    case Kind::Discard:
    case Kind::WriteZeroes: {
        if (!can_erase_)
            return Status(Error::Unsupported);
        io_uring_sqe& entry = next_entry();
        io_uring_prep_fallocate(&entry, image_.file.get(), erase_mode(request),
                                static_cast<off_t>(request.offset), static_cast<off_t>(request.length));
        entry.user_data = tag;
        break;
    }
    }
    ++in_flight_;
    return std::nullopt;
}

// A kernel that is short of memory takes them the next time.
void UringDisk::submit() {
    if (io_uring_sq_ready(&ring_) != 0)
        io_uring_submit(&ring_);
}

// The status, unless the request goes on.
std::optional<Status> UringDisk::finish(std::uint32_t tag, int result) {
    using Kind = BlockRequest::Kind;
    Request& request = requests_[tag];
    switch (request.kind) {
    case Kind::Read:
    case Kind::Write: {
        const Transfer::Progress progress = request.transfer.advance(result);
        if (progress == Transfer::Progress::More && queue_step(tag))
            return std::nullopt;
        request.transfer.end();
        return progress == Transfer::Progress::Done ? Status() : Status(Error::Io);
    }
    case Kind::Flush: return result == 0 ? Status() : Status(Error::Io);
    case Kind::Discard:
    case Kind::WriteZeroes: break;
    }
    return erase_status(result);
}

void UringDisk::poll(BlockCompletions& completions) {
    io_uring_cqe* completion = nullptr;
    while (in_flight_ != 0 && io_uring_peek_cqe(&ring_, &completion) == 0) {
        const auto tag = static_cast<std::uint32_t>(completion->user_data);
        const int result = completion->res;
        io_uring_cqe_seen(&ring_, completion);
        const std::optional<Status> status = finish(tag, result);
        if (!status)
            continue;
        --in_flight_;
        completions.completed(tag, *status);
    }
}

void UringDisk::abandon() {
    while (in_flight_ != 0) {
        io_uring_cqe* completion = nullptr;
        const int result = io_uring_submit_and_wait(&ring_, 1);
        ASHLAR_ASSERT(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY);
        while (in_flight_ != 0 && io_uring_peek_cqe(&ring_, &completion) == 0) {
            requests_[static_cast<std::uint32_t>(completion->user_data)].transfer.end();
            io_uring_cqe_seen(&ring_, completion);
            --in_flight_;
        }
    }
}

pollfd UringDisk::wake_up() const {
    // Entries that the kernel did not take are tried again at once.
    const bool held_back = io_uring_sq_ready(&ring_) != 0;
    return {in_flight_ != 0 ? ring_.ring_fd : -1, static_cast<short>(held_back ? POLLIN | POLLOUT : POLLIN),
            0};
}

} // namespace ashlar::jit::hosted
