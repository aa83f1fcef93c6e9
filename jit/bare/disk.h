// A disk of the board over the hypervisor's block hypercalls. Data goes straight between guest RAM and the
// hypervisor's image.
#pragma once

#include "jit/bare/hypervisor.h"
#include "jit/board/synchronous_disk.h"

namespace ashlar::jit::bare {

class HypercallDisk final : public board::SynchronousDisk {
public:
    // `hypervisor` outlives the disk, of which it has told that.
    HypercallDisk(Hypervisor& hypervisor, unsigned number, const abi::BlockInformation& information)
        : hypervisor_(&hypervisor), number_(number), information_(information) {}

    std::uint64_t capacity() const override { return information_.bytes; }
    bool read_only() const override { return information_.read_only != 0; }
    std::string_view serial() const override;
    Status read(std::uint64_t offset, MutableBytes to) override;
    Status write(std::uint64_t offset, Bytes from) override;
    Status flush() override;

private:
    Hypervisor* hypervisor_;
    unsigned number_;
    abi::BlockInformation information_;
};

} // namespace ashlar::jit::bare
