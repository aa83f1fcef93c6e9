// A disk that a server of the NBD protocol has, such as qemu-nbd with a qcow2 image.
#pragma once

#include <memory>
#include <vector>

#include "jit/hosted/disk.h"
#include "jit/hosted/nbd_library.h"
#include "jit/hosted/transfer.h"

namespace ashlar::jit::hosted {

// Whether a disk is named in a way that means a server: nbd:unix:PATH, nbd:HOST:PORT (both also with
// :exportname=NAME), or a URI (nbd://, nbds://, nbd+unix://, nbds+unix://).
bool is_nbd_name(std::string_view name);

class NbdDisk final : public HostDisk {
public:
    // Connects. Nothing after `error` has been set.
    static std::unique_ptr<NbdDisk> connect(const DiskOption& option, Sink& messages, std::string& error);
    NbdDisk(const NbdDisk&) = delete;
    NbdDisk& operator=(const NbdDisk&) = delete;
    ~NbdDisk() override;

    std::uint64_t capacity() const override { return capacity_; }
    BlockGeometry geometry() const override { return geometry_; }
    bool read_only() const override { return read_only_; }
    std::string_view serial() const override { return serial_; }
    unsigned depth() const override { return kDepth; }
    std::optional<Status> start(const BlockRequest& request) override;
    void submit() override {} // sent at once
    void poll(BlockCompletions& completions) override;
    void abandon() override;
    pollfd wake_up() const override;

private:
    static constexpr unsigned kDepth = 64;
    struct Request {
        NbdDisk* disk;
        std::uint32_t tag;
        BlockRequest::Kind kind;
        Transfer transfer;
        std::size_t step = 0; // bytes that the server was asked for
    };
    struct Completion {
        std::uint32_t tag;
        int error;
    };

    NbdDisk(const NbdLibrary& library, nbd_handle* handle, const DiskOption& option, Sink& messages);
    bool establish(const DiskOption& option);
    bool describe(const DiskOption& option, std::string& error);
    bool ask(Request& request, const BlockRequest& what);
    bool ask_for_step(Request& request);
    std::optional<Status> finish(Request& request, int error);
    void report_loss();
    static int on_completion(void* request, int* error);

    const NbdLibrary& library_;
    nbd_handle* handle_; // null after it was given up
    Sink& messages_;
    std::string name_, serial_;
    std::uint64_t capacity_ = 0;
    BlockGeometry geometry_;
    bool read_only_, can_flush_ = false, can_trim_ = false, can_zero_ = false, lost_ = false;
    std::size_t largest_ = 0; // that one request may be
    std::vector<Request> requests_;
    std::vector<Completion> done_;
    unsigned in_flight_ = 0;
};

} // namespace ashlar::jit::hosted
