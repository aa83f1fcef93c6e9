// A disk whose file is read and written through Linux's io_uring.
#pragma once

#include <liburing.h>
#include <memory>
#include <vector>

#include "jit/hosted/disk.h"
#include "jit/hosted/image_file.h"

namespace ashlar::jit::hosted {

class UringDisk final : public HostDisk {
public:
    // Nothing when the kernel does not let us use io_uring; `error` is then why. `image` is taken on success
    // alone.
    static std::unique_ptr<UringDisk> create(ImageFile& image, std::string& error);
    UringDisk(const UringDisk&) = delete;
    UringDisk& operator=(const UringDisk&) = delete;
    ~UringDisk() override;

    std::uint64_t capacity() const override { return image_.capacity; }
    BlockGeometry geometry() const override { return image_.geometry; }
    bool read_only() const override { return image_.read_only; }
    std::string_view serial() const override { return image_.serial; }
    unsigned depth() const override { return kDepth; }
    std::optional<Status> start(const BlockRequest& request) override;
    void submit() override;
    void poll(BlockCompletions& completions) override;
    void abandon() override;
    pollfd wake_up() const override;

private:
    static constexpr unsigned kDepth = 256;
    struct Request {
        BlockRequest::Kind kind;
        Transfer transfer;
    };

    UringDisk(ImageFile image, const io_uring& ring, bool can_erase)
        : image_(std::move(image)), ring_(ring), can_erase_(can_erase) {}

    io_uring_sqe& next_entry();
    bool queue_step(std::uint32_t tag);
    std::optional<Status> finish(std::uint32_t tag, int result);

    ImageFile image_;
    io_uring ring_;
    bool can_erase_;
    std::vector<Request> requests_{kDepth};
    unsigned in_flight_ = 0;
};

} // namespace ashlar::jit::hosted
