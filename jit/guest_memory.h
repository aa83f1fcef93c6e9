// Guest RAM: one window of guest-physical memory, and checked access to it.
#pragma once

#include <cstring>

#include "lib/address.h"
#include "lib/bytes.h"

namespace ashlar::jit {

// Hears of stores into pages that hold translated code.
class CodeWriteObserver {
public:
    // `length` bytes within one page. Called before the store, on the thread that stores.
    virtual void code_page_written(GuestPhysicalAddress address, std::uint64_t length) = 0;

protected:
    ~CodeWriteObserver() = default;
};

// Does not own the bytes. Which pages hold translated code is recorded here, so that every writer
// (interpreter, generated code's slow path, device DMA, loader) can keep translations coherent.
class GuestMemory {
public:
    // `base` and bytes.size() are multiples of kPageSize; `code_pages` has one zeroed byte per page.
    GuestMemory(GuestPhysicalAddress base, MutableBytes bytes, std::uint8_t* code_pages)
        : base_(base), bytes_(bytes), code_pages_(code_pages) {}

    GuestPhysicalAddress base() const { return base_; }
    std::uint64_t size() const { return bytes_.size(); }
    bool contains(GuestPhysicalAddress address, std::uint64_t length) const {
        const std::uint64_t offset = address - base_;
        return offset <= bytes_.size() && length <= bytes_.size() - offset;
    }
    // The byte at `address`, which lies in the window.
    std::byte* host(GuestPhysicalAddress address) { return bytes_.data() + (address - base_); }

    // Views are for devices that then write through write(), or call note_write for what they store.
    Result<MutableBytes> view(GuestPhysicalAddress address, std::uint64_t length) {
        if (!contains(address, length))
            return Error::OutOfRange;
        return bytes_.subspan(address - base_, length);
    }
    Status read(GuestPhysicalAddress address, MutableBytes to) {
        if (!contains(address, to.size()))
            return Error::OutOfRange;
        std::memcpy(to.data(), host(address), to.size());
        return {};
    }
    Status write(GuestPhysicalAddress address, Bytes from) {
        if (!contains(address, from.size()))
            return Error::OutOfRange;
        note_write(address, from.size());
        std::memcpy(host(address), from.data(), from.size());
        return {};
    }
    template <std::unsigned_integral T>
    Result<T> load(GuestPhysicalAddress address) {
        if (!contains(address, sizeof(T)))
            return Error::OutOfRange;
        return load_le<T>(host(address));
    }
    template <std::unsigned_integral T>
    Status store(GuestPhysicalAddress address, T value) {
        if (!contains(address, sizeof(T)))
            return Error::OutOfRange;
        note_write(address, sizeof(T));
        store_le(host(address), value);
        return {};
    }

    // Before bytes in [address, address+length), which lies in the window, change.
    void note_write(GuestPhysicalAddress address, std::uint64_t length) {
        while (length != 0) {
            const std::uint64_t left_in_page = kPageSize - address.page_offset();
            const std::uint64_t piece = length < left_in_page ? length : left_in_page;
            if (is_code_page(address) && observer_ != nullptr)
                observer_->code_page_written(address, piece);
            address += piece;
            length -= piece;
        }
    }
    void set_observer(CodeWriteObserver* observer) { observer_ = observer; }
    bool is_code_page(GuestPhysicalAddress address) const {
        return (code_pages_[(address - base_) >> kPageShift] & kHoldsCode) != 0;
    }
    void mark_code_page(GuestPhysicalAddress address, bool has_code) {
        std::uint8_t& page = code_pages_[(address - base_) >> kPageShift];
        page = static_cast<std::uint8_t>(has_code ? page | kHoldsCode : page & ~kHoldsCode);
    }
    // A page that has been entered into a TLB for stores: somebody may have to be stopped from them when it
    // begins to hold code.
    void note_stores_without_notice(GuestPhysicalAddress address) {
        code_pages_[(address - base_) >> kPageShift] |= kStoresWithoutNotice;
    }
    bool stores_without_notice(GuestPhysicalAddress address) const {
        return (code_pages_[(address - base_) >> kPageShift] & kStoresWithoutNotice) != 0;
    }

private:
    static constexpr std::uint8_t kHoldsCode = 1, kStoresWithoutNotice = 2;

    GuestPhysicalAddress base_;
    MutableBytes bytes_;
    std::uint8_t* code_pages_;
    CodeWriteObserver* observer_ = nullptr;
};

} // namespace ashlar::jit
