// xbyak with shortcuts for what tiers emit most: fields of the context, moves, bytes as they are. They emit
// what xbyak would, in a tenth of the time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

// The freestanding programs have no exceptions, thread-local storage, mmap or stderr for xbyak.
#define XBYAK_NO_EXCEPTION
#ifndef NDEBUG
#define NDEBUG
#endif
#if !__STDC_HOSTED__
#define XBYAK_DONT_USE_MMAP_ALLOCATOR
#define thread_local
#endif
#include <xbyak/xbyak.h>
#if !__STDC_HOSTED__
#undef thread_local
#endif

#include "lib/assert.h"
#include "lib/bytes.h"

namespace ashlar::jit::x86_64 {

// An operand at a distance from r15: for xbyak it is an address.
struct ContextField {
    int displacement;
    std::uint32_t bits;

    operator Xbyak::Address() const {
        return Xbyak::AddressFrame(bits)[Xbyak::Reg64(Xbyak::Operand::R15) + displacement];
    }
};

// Instructions that were emitted once, to be put elsewhere: nothing in them depends on where they are.
struct Recorded {
    std::array<std::uint8_t, 80> bytes{};
    std::size_t size = 0;
};

// Emits into a buffer of its own; code is then copied to where it stays. Positions are those in the code
// memory; of code that has no place there yet they begin at kUnplaced.
class Encoder : public Xbyak::CodeGenerator {
public:
    static constexpr std::size_t kUnplaced = std::size_t{1} << 30; // above all positions
    using Reg32 = Xbyak::Reg32;
    using Reg64 = Xbyak::Reg64;
    using CodeGenerator::add;
    using CodeGenerator::and_;
    using CodeGenerator::cmp;
    using CodeGenerator::db;
    using CodeGenerator::lea;
    using CodeGenerator::mov;
    using CodeGenerator::sub;

    explicit Encoder(MutableBytes buffer) : CodeGenerator(buffer.size(), buffer.data()) {}

    // Starts anew at the beginning of the buffer, which has this position.
    void restart(std::size_t position) {
        origin_ = position;
        size_ = 0;
    }
    std::size_t position() const { return origin_ + size_; }
    Bytes emitted() const { return {reinterpret_cast<const std::byte*>(top_), size_}; }
    void put(const void* bytes, std::size_t size) {
        std::memcpy(claim(size), bytes, size);
        size_ += size;
    }
    template <class T>
    void put(T value) {
        put(&value, sizeof value);
    }
    void db(const std::uint8_t* bytes, std::size_t size) { put(bytes, size); }
    void dd(std::uint32_t value) { put(value); }
    void dq(std::uint64_t value) { put(value); }
    void put(const Recorded& recorded) { put(recorded.bytes.data(), recorded.size); }
    template <class Emit>
    Recorded record(Emit emit) {
        Recorded recorded;
        const std::size_t begin = size_;
        emit();
        recorded.size = size_ - begin;
        ASHLAR_ASSERT(recorded.size <= recorded.bytes.size());
        std::memcpy(recorded.bytes.data(), top_ + begin, recorded.size);
        size_ = begin;
        return recorded;
    }
    template <class T>
    void patch(std::size_t position, T value) {
        std::memcpy(top_ + (position - origin_), &value, sizeof value);
    }

    void mov(const Reg64& to, const Reg64& from) { registers(0x89, from, to); }
    void mov(const Reg64& to, const ContextField& from) { field(kWide, 0x8b, to.getIdx(), from); }
    void mov(const Reg32& to, const ContextField& from) { field(0, 0x8b, to.getIdx(), from); }
    void mov(const ContextField& to, const Reg64& from) { field(kWide, 0x89, from.getIdx(), to); }
    void add(const Reg64& to, const ContextField& from) { field(kWide, 0x03, to.getIdx(), from); }
    void sub(const Reg64& to, const ContextField& from) { field(kWide, 0x2b, to.getIdx(), from); }
    void cmp(const Reg64& a, const ContextField& b) { field(kWide, 0x3b, a.getIdx(), b); }
    void add(const Reg64& to, std::uint32_t value) { immediate(0, to, value); }
    void and_(const Reg64& to, std::uint32_t value) { immediate(4, to, value); }
    void sub(const Reg64& to, std::uint32_t value) { immediate(5, to, value); }
    void cmp(const Reg64& a, std::uint32_t value) { immediate(7, a, value); }
    void add(const ContextField& to, std::uint32_t value) { field_immediate(0, to, value); }
    void sub(const ContextField& to, std::uint32_t value) { field_immediate(5, to, value); }
    void cmp(const ContextField& a, std::uint32_t value) { field_immediate(7, a, value); }
    // to = base + displacement
    void lea(const Reg64& to, const Reg64& base, std::int32_t displacement) {
        std::uint8_t* at = claim(kLongest);
        *at++ = rex(kWide, to.getIdx(), base.getIdx());
        *at++ = 0x8d;
        finish(memory(at, to.getIdx(), base.getIdx(), displacement));
    }

private:
    std::size_t origin_ = 0;

    static constexpr std::size_t kLongest = 15; // bytes of an instruction
    static constexpr std::uint8_t kWide = 0x48;

    std::uint8_t* claim(std::size_t size) {
        ASHLAR_ASSERT(size <= maxSize_ - size_);
        return top_ + size_;
    }
    void finish(const std::uint8_t* end) { size_ = static_cast<std::size_t>(end - top_); }
    static std::uint8_t rex(std::uint8_t prefix, int reg, int base) {
        return static_cast<std::uint8_t>(0x40 | prefix | (reg >> 3) << 2 | base >> 3);
    }
    // The operands reg and [base + displacement].
    static std::uint8_t* memory(std::uint8_t* at, int reg, int base, std::int32_t displacement) {
        constexpr int kStackPointer = 4, kFramePointer = 5; // these and r12, r13 are encoded otherwise
        const bool one_byte = displacement == static_cast<std::int8_t>(displacement);
        const bool none = displacement == 0 && (base & 7) != kFramePointer;
        *at++ = static_cast<std::uint8_t>((none ? 0 : one_byte ? 0x40 : 0x80) | (reg & 7) << 3 | (base & 7));
        if ((base & 7) == kStackPointer)
            *at++ = 0x24;
        if (none)
            return at;
        std::memcpy(at, &displacement, sizeof displacement);
        return at + (one_byte ? 1 : 4);
    }
    void registers(std::uint8_t opcode, const Reg64& reg, const Reg64& rm) {
        std::uint8_t* at = claim(kLongest);
        *at++ = rex(kWide, reg.getIdx(), rm.getIdx());
        *at++ = opcode;
        *at++ = static_cast<std::uint8_t>(0xc0 | (reg.getIdx() & 7) << 3 | (rm.getIdx() & 7));
        finish(at);
    }
    void field(std::uint8_t prefix, std::uint8_t opcode, int reg, const ContextField& at_field) {
        std::uint8_t* at = claim(kLongest);
        *at++ = rex(prefix, reg, Xbyak::Operand::R15);
        *at++ = opcode;
        finish(memory(at, reg, Xbyak::Operand::R15, at_field.displacement));
    }
    void immediate(std::uint8_t extension, const Reg64& reg, std::uint32_t value) {
        const bool one_byte = value == static_cast<std::uint32_t>(static_cast<std::int8_t>(value));
        std::uint8_t* at = claim(kLongest);
        *at++ = rex(kWide, 0, reg.getIdx());
        if (reg.getIdx() == 0 && !one_byte) {
            *at++ = static_cast<std::uint8_t>(extension << 3 | 5);
        } else {
            *at++ = one_byte ? 0x83 : 0x81;
            *at++ = static_cast<std::uint8_t>(0xc0 | extension << 3 | (reg.getIdx() & 7));
        }
        std::memcpy(at, &value, sizeof value);
        finish(at + (one_byte ? 1 : 4));
    }
    void field_immediate(int extension, const ContextField& field, std::uint32_t value) {
        const bool one_byte = value == static_cast<std::uint32_t>(static_cast<std::int8_t>(value));
        std::uint8_t* at = claim(kLongest);
        *at++ = rex(field.bits == 64 ? kWide : 0, 0, Xbyak::Operand::R15);
        *at++ = one_byte ? 0x83 : 0x81;
        at = memory(at, extension, Xbyak::Operand::R15, field.displacement);
        std::memcpy(at, &value, sizeof value);
        finish(at + (one_byte ? 1 : 4));
    }
};

} // namespace ashlar::jit::x86_64
