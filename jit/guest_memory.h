// Guest RAM: one window of guest-physical memory, and checked access to it.
#pragma once

#include <atomic>
#include <cstring>

#include "lib/address.h"
#include "lib/assert.h"
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

// Accesses whose bounds are checked with one comparison: it is done, or it is an error value and nothing has
// changed. What the guest changes meanwhile is seen as before or as after by an aligned access; no access is
// repeated.
//
// Does not own the bytes. Which pages hold translated code is recorded here, so that every writer
// (interpreter, generated code's slow path, device DMA, loader) can keep translations coherent.
class GuestMemory {
public:
    // `base` and bytes.size(), which is not 0, are multiples of kPageSize; `code_pages` has one zeroed byte
    // per page.
    GuestMemory(GuestPhysicalAddress base, MutableBytes bytes, std::uint8_t* code_pages)
        : base_(base), bytes_(bytes), code_pages_(code_pages) {
        ASHLAR_ASSERT(bytes.size() >= kPageSize);
    }

    GuestPhysicalAddress base() const { return base_; }
    std::uint64_t size() const { return bytes_.size(); }
    bool contains(GuestPhysicalAddress address, std::uint64_t length) const {
        std::uint64_t end; // for what lies below the window it is huge, or does not fit
        const bool wraps = __builtin_add_overflow(address - base_, length, &end);
        return !(static_cast<unsigned>(wraps) | static_cast<unsigned>(end > bytes_.size()));
    }
    // The byte at `address`, which lies in the window.
    std::byte* host(GuestPhysicalAddress address) { return bytes_.data() + (address - base_); }

    // Views are for devices that then write through write(), or call note_write for what they store.
    Result<MutableBytes> view(GuestPhysicalAddress address, std::uint64_t length) {
        if (!contains(address, length))
            return Error::OutOfRange;
        return bytes_.subspan(address - base_, length);
    }
    // Any size, and any alignment. The copy is memcpy: the C library's, or the freestanding one, are as fast
    // as any other way to copy (docs/benchmarking.md).
    Status read(GuestPhysicalAddress address, MutableBytes to) {
        if (!contains(address, to.size()))
            return Error::OutOfRange;
        if (!to.empty())
            std::memcpy(to.data(), host(address), to.size());
        // What was read is used from here on, and not read again.
        std::atomic_signal_fence(std::memory_order_seq_cst);
        return {};
    }
    Status write(GuestPhysicalAddress address, Bytes from) {
        if (!contains(address, from.size()))
            return Error::OutOfRange;
        note_write(address, from.size());
        if (!from.empty())
            std::memcpy(host(address), from.data(), from.size());
        return {};
    }
    // Little-endian, at any alignment.
    template <std::unsigned_integral T>
    Result<T> load(GuestPhysicalAddress address) {
        if (!has_room<T>(address))
            return Error::OutOfRange;
        const T value = reinterpret_cast<const volatile Unaligned<T>*>(host(address))->value;
        return std::endian::native == std::endian::little ? value : byte_swap(value);
    }
    template <std::unsigned_integral T>
    Status store(GuestPhysicalAddress address, T value) {
        if (!has_room<T>(address))
            return Error::OutOfRange;
        note_write(address, sizeof(T));
        reinterpret_cast<volatile Unaligned<T>*>(host(address))->value =
            std::endian::native == std::endian::little ? value : byte_swap(value);
        return {};
    }

    // Before bytes in [address, address+length), which lies in the window, change.
    void note_write(GuestPhysicalAddress address, std::uint64_t length) {
        if (length == 0)
            return;
        const std::uint64_t first = (address - base_) >> kPageShift;
        const std::uint64_t last = (address - base_ + length - 1) >> kPageShift;
        const bool few = last - first <= 1;
        if (few && ((code_pages_[first] | code_pages_[last]) & kHoldsCode) == 0) [[likely]]
            return;
        note_pages(address, length);
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
    // For host code, which keeps to the same rules: a byte for each page, as if RAM began at address 0.
    static constexpr std::uint8_t kHoldsCode = 1, kStoresWithoutNotice = 2;
    std::uint8_t* marks_from_zero() const {
        return reinterpret_cast<std::uint8_t*>(reinterpret_cast<std::uintptr_t>(code_pages_) -
                                               (base_.value() >> kPageShift));
    }

private:
    // What may lie anywhere, and among bytes of another type.
    template <class T>
    struct __attribute__((packed, may_alias)) Unaligned {
        T value;
    };

    template <class T>
    bool has_room(GuestPhysicalAddress address) const {
        return address - base_ <= bytes_.size() - sizeof(T); // there is at least a page
    }
    void note_pages(GuestPhysicalAddress address, std::uint64_t length);

    GuestPhysicalAddress base_;
    MutableBytes bytes_;
    std::uint8_t* code_pages_;
    CodeWriteObserver* observer_ = nullptr;
};

} // namespace ashlar::jit
