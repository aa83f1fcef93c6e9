// Files of the host: images that are read as a whole, disks that are read and written in place.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jit/hosted/options.h"
#include "jit/platform.h"

namespace ashlar::jit::hosted {

// A host file descriptor that is closed with its owner.
class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    int get() const { return number_; }

private:
    int number_;
};

// The contents of a file or pipe; nothing after `error` has been set (the path and the reason).
std::optional<std::vector<std::byte>> read_file(const std::string& path, std::string& error);

// A raw disk image. The file is locked: exclusively by a writer, shared by readers.
class DiskFile final : public BlockBackend {
public:
    static std::unique_ptr<DiskFile> open(const DiskOption& option, std::string& error);

    std::uint64_t capacity() const override { return capacity_; }
    bool read_only() const override { return read_only_; }
    std::string_view serial() const override { return serial_; }
    Status read(std::uint64_t offset, MutableBytes to) override;
    Status write(std::uint64_t offset, Bytes from) override;
    Status flush() override;
    Status discard(std::uint64_t offset, std::uint64_t length) override;

private:
    DiskFile(Descriptor file, std::uint64_t capacity, bool read_only, std::string serial)
        : file_(std::move(file)), capacity_(capacity), read_only_(read_only), serial_(std::move(serial)) {}

    Descriptor file_;
    std::uint64_t capacity_;
    bool read_only_;
    std::string serial_;
};

} // namespace ashlar::jit::hosted
