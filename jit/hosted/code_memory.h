// Memory for host code in a Linux process: one file in memory, mapped writable and, elsewhere, executable.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include "jit/native_compiler.h"

namespace ashlar::jit::hosted {

class HostedCodeMemory {
public:
    // `bytes` is a multiple of the page size. Without the memory get() is empty, so that code is interpreted.
    explicit HostedCodeMemory(std::size_t bytes) {
        const int file = memfd_create("ashlar-code", MFD_CLOEXEC);
        if (file < 0)
            return;
        if (ftruncate(file, static_cast<off_t>(bytes)) == 0) {
            writable_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            executable_ = mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
            bytes_ = bytes;
        }
        close(file);
    }
    HostedCodeMemory(const HostedCodeMemory&) = delete;
    HostedCodeMemory& operator=(const HostedCodeMemory&) = delete;
    ~HostedCodeMemory() {
        if (writable_ != MAP_FAILED)
            munmap(writable_, bytes_);
        if (executable_ != MAP_FAILED)
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
