// Collects which host code belongs to which guest instruction while a tier emits it for an observer.
#pragma once

#include <memory>

#include "jit/code_observer.h"
#include "lib/result.h"

namespace ashlar::jit {

// Reusable. What is beyond the capacities is dropped.
class CodeMarks {
public:
    static Result<CodeMarks> create(std::size_t capacity, std::size_t label_capacity) {
        std::unique_ptr<CodeMark[]> storage(new (std::nothrow) CodeMark[capacity]);
        std::unique_ptr<CodeLabel[]> labels(new (std::nothrow) CodeLabel[label_capacity]);
        if (storage == nullptr || labels == nullptr)
            return Error::OutOfMemory;
        return CodeMarks(std::move(storage), capacity, std::move(labels), label_capacity);
    }

    void clear() { size_ = label_count_ = 0; }
    // From `host_offset` on, which never decreases: code of the instruction, or of none.
    void guest(std::size_t host_offset, std::size_t part, std::uint64_t guest_offset) {
        add(host_offset, static_cast<std::uint16_t>(part), static_cast<std::uint16_t>(guest_offset));
    }
    void no_guest(std::size_t host_offset) { add(host_offset, CodeMark::kNoGuest, 0); }
    // `size` bytes that are no code; after them it goes on as before.
    void data(std::size_t host_offset, std::size_t size) {
        const CodeMark around = size_ == 0 ? CodeMark{0, CodeMark::kNoGuest, 0} : storage_[size_ - 1];
        add(host_offset, CodeMark::kData, 0);
        add(host_offset + size, around.part, around.guest_offset);
    }
    void label(const CodeLabel& label) {
        if (label_count_ < label_capacity_)
            labels_[label_count_++] = label;
    }
    std::span<const CodeLabel> labels() const { return {labels_.get(), label_count_}; }
    // Marks of `size` bytes of code.
    std::span<const CodeMark> entries(std::size_t size) const {
        const bool beyond = size_ != 0 && storage_[size_ - 1].host_offset >= size;
        return {storage_.get(), beyond ? size_ - 1 : size_};
    }

private:
    CodeMarks(std::unique_ptr<CodeMark[]> storage, std::size_t capacity, std::unique_ptr<CodeLabel[]> labels,
              std::size_t label_capacity)
        : storage_(std::move(storage)),
          capacity_(capacity),
          labels_(std::move(labels)),
          label_capacity_(label_capacity) {}

    void add(std::size_t host_offset, std::uint16_t part, std::uint16_t guest_offset) {
        if (size_ != 0 && storage_[size_ - 1].host_offset == host_offset)
            --size_; // nothing was emitted for the last one
        const CodeMark* const last = size_ == 0 ? nullptr : &storage_[size_ - 1];
        if (last != nullptr && last->part == part && last->guest_offset == guest_offset)
            return;
        if (size_ < capacity_)
            storage_[size_++] = {static_cast<std::uint32_t>(host_offset), part, guest_offset};
    }

    std::unique_ptr<CodeMark[]> storage_;
    std::size_t capacity_;
    std::size_t size_ = 0;
    std::unique_ptr<CodeLabel[]> labels_;
    std::size_t label_capacity_;
    std::size_t label_count_ = 0;
};

} // namespace ashlar::jit
