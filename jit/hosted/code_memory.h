// Memory for host code in a Linux process: shared memory, mapped writable and, elsewhere, executable.
#pragma once

#include <sys/mman.h>

#include "jit/native_compiler.h"

namespace ashlar::jit::hosted {

class HostedCodeMemory {
public:
    // `bytes` is a multiple of the page size. Without the memory get() is empty, so that code is interpreted.
    explicit HostedCodeMemory(std::size_t bytes) {
        // Anonymous, so that perf takes the names of its code from a map file.
        writable_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (writable_ == MAP_FAILED)
            return;
        bytes_ = bytes;
        // Of shared memory this makes a second mapping of the same pages.
        executable_ = mremap(writable_, 0, bytes, MREMAP_MAYMOVE);
        if (executable_ != MAP_FAILED && mprotect(executable_, bytes, PROT_READ | PROT_EXEC) != 0) {
            munmap(executable_, bytes);
            executable_ = MAP_FAILED;
        }
        // An emulator of user programs (qemu-x86_64) refuses a second mapping, and would not see that code
        // changed through one. What is measured there gets along with a single mapping that allows
        // everything.
        if (executable_ == MAP_FAILED && mprotect(writable_, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) == 0)
            executable_ = writable_;
    }
    HostedCodeMemory(const HostedCodeMemory&) = delete;
    HostedCodeMemory& operator=(const HostedCodeMemory&) = delete;
    ~HostedCodeMemory() {
        if (writable_ != MAP_FAILED)
            munmap(writable_, bytes_);
        if (executable_ != MAP_FAILED && executable_ != writable_)
            munmap(executable_, bytes_);
    }

    CodeMemory get() const {
        if (writable_ == MAP_FAILED || executable_ == MAP_FAILED)
            return {};
        return {{static_cast<std::byte*>(writable_), bytes_}, static_cast<const std::byte*>(executable_)};
    }

private:
    void* writable_ = MAP_FAILED;
    void* executable_ = MAP_FAILED;
    std::size_t bytes_ = 0;
};

} // namespace ashlar::jit::hosted
