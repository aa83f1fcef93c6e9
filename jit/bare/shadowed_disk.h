// A disk of the board whose queue the hypervisor serves: it shadows it onto a disk of the machine.
#pragma once

#include "jit/bare/hypervisor.h"
#include "jit/platform.h"

namespace ashlar::jit::bare {

class ShadowedDisk final : public BlockBackend, private QueueServer {
public:
    // `hypervisor` outlives the disk, of which it has told that.
    ShadowedDisk(Hypervisor& hypervisor, unsigned number, const abi::BlockInformation& information)
        : hypervisor_(&hypervisor), number_(number), information_(information) {}

    std::uint64_t capacity() const override { return information_.bytes; }
    BlockGeometry geometry() const override;
    bool read_only() const override { return information_.read_only != 0; }
    std::string_view serial() const override;
    unsigned depth() const override { return 1; }
    // Nobody asks us: there is a server.
    std::optional<Status> start(const BlockRequest&) override { return Status(Error::Unsupported); }
    void submit() override {}
    void poll(BlockCompletions&) override {}
    void abandon() override {}
    QueueServer* queue_server() override { return this; }

private:
    Limits limits() const override;
    Status attach(const Queue& queue) override;
    Status kick() override { return hypervisor_->block_kick(number_); }
    bool interrupted() override;
    void detach() override;

    Hypervisor* hypervisor_;
    unsigned number_;
    abi::BlockInformation information_;
    std::uint64_t interrupts_seen_ = 0;
};

} // namespace ashlar::jit::bare
