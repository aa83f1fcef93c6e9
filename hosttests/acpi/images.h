// Physical memory with ACPI tables in it, for tests. What the reader hands out are copies of exactly the size
// asked for, so that a read beyond is one that the address sanitizer and the heap's checks see.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "drivers/acpi/tables.h"

namespace ashlar::acpi {

// Bytes that grow, little-endian.
class Image {
public:
    template <class T>
    Image& add(T value) {
        for (std::size_t i = 0; i < sizeof value; ++i)
            bytes_.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i)));
        return *this;
    }
    Image& text(std::string_view characters) {
        for (const char c : characters)
            add(static_cast<std::uint8_t>(c));
        return *this;
    }
    Image& zeros(std::size_t count) {
        bytes_.insert(bytes_.end(), count, std::byte{0});
        return *this;
    }
    template <class T>
    Image& set(std::size_t offset, T value) {
        const Image one = Image().add(value);
        std::copy(one.bytes_.begin(), one.bytes_.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
        return *this;
    }
    // Makes the first `size` bytes add up to 0 by the byte at `offset`.
    Image& checksum(std::size_t offset, std::size_t size) {
        std::uint8_t total = 0;
        set(offset, std::uint8_t{0});
        for (std::size_t i = 0; i < size; ++i)
            total = static_cast<std::uint8_t>(total + std::to_integer<std::uint8_t>(bytes_[i]));
        return set(offset, static_cast<std::uint8_t>(-total));
    }
    std::size_t size() const { return bytes_.size(); }
    const std::vector<std::byte>& bytes() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

// A table of that name around `body`, with its length and checksum.
inline Image table(std::string_view name, const Image& body) {
    Image image;
    image.text(name).add(static_cast<std::uint32_t>(36 + body.size())).add(std::uint8_t{1}).zeros(27);
    for (const std::byte b : body.bytes())
        image.add(std::to_integer<std::uint8_t>(b));
    return image.checksum(9, image.size());
}

// Revision 0 with an RSDT alone, or 2 with an XSDT besides.
inline Image rsdp(std::uint32_t rsdt, std::uint64_t xsdt = 0) {
    const std::uint8_t revision = xsdt == 0 ? 0 : 2;
    Image image;
    image.text("RSD PTR ").add(std::uint8_t{0}).text("ASHLAR").add(revision).add(rsdt);
    image.checksum(8, 20);
    if (revision == 2)
        image.add(std::uint32_t{36}).add(xsdt).zeros(4).checksum(32, 36);
    return image;
}

class Memory final : public PhysicalReader {
public:
    explicit Memory(std::size_t size = 1 << 20) : bytes_(size) {}

    Result<Bytes> view(PhysicalAddress address, std::uint64_t size) override {
        if (address.value() > bytes_.size() || size > bytes_.size() - address.value())
            return Error::OutOfRange;
        const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(address.value());
        auto copy = std::make_unique<std::byte[]>(size);
        std::copy_n(begin, size, copy.get());
        views_.push_back(std::move(copy));
        return Bytes{views_.back().get(), size};
    }
    void put(std::uint64_t address, const Image& image) {
        std::copy(image.bytes().begin(), image.bytes().end(),
                  bytes_.begin() + static_cast<std::ptrdiff_t>(address));
    }

private:
    std::vector<std::byte> bytes_;
    std::vector<std::unique_ptr<std::byte[]>> views_;
};

// For the parsers by table: a heap block of exactly the table's size.
class ExactBytes {
public:
    explicit ExactBytes(const Image& image)
        : block_(std::make_unique<std::byte[]>(image.size())), size_(image.size()) {
        std::copy(image.bytes().begin(), image.bytes().end(), block_.get());
    }
    operator Bytes() const { return {block_.get(), size_}; }

private:
    std::unique_ptr<std::byte[]> block_;
    std::size_t size_;
};

} // namespace ashlar::acpi
