// Physical memory for tests of what boot loaders hand over. What the reader hands out are copies of exactly
// the size asked for, so that the address sanitizer sees a read beyond.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "arch/x86_64/boot/boot_protocol.h"

namespace ashlar::arch {

class BootMemory final : public acpi::PhysicalReader {
public:
    explicit BootMemory(std::size_t size = 0x10000) : bytes_(size) {}

    Result<Bytes> view(PhysicalAddress address, std::uint64_t size) override {
        if (address.value() > bytes_.size() || size > bytes_.size() - address.value())
            return Error::OutOfRange;
        auto copy = std::make_unique<std::byte[]>(size);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(address.value()), size, copy.get());
        views_.push_back(std::move(copy));
        return Bytes{views_.back().get(), size};
    }
    template <class T>
    void put(std::size_t at, T value) {
        store_le(bytes_.data() + at, value);
    }
    void put_text(std::size_t at, std::string_view text) {
        std::memcpy(bytes_.data() + at, text.data(), text.size());
    }

private:
    std::vector<std::byte> bytes_;
    std::vector<std::unique_ptr<std::byte[]>> views_;
};

} // namespace ashlar::arch
