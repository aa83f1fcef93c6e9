// Debug console (SBI 2.0, chapter 12).
#include "jit/board/sbi.h"

#include <algorithm>
#include <array>

namespace ashlar::jit::board {

namespace {
// A call may transfer less than it was asked to; this bounds the time that one takes.
constexpr std::uint64_t kMaximumTransfer = 4096;
} // namespace

Sbi::Reply Sbi::debug_console(const Call& call) {
    const auto& [first, second, third, a3, a4, a5] = call.argument;
    switch (call.function) {
    case sbi::debug_console::Write: return write_console(first, second, third);
    case sbi::debug_console::Read: return read_console(first, second, third);
    case sbi::debug_console::WriteByte: {
        const auto byte = static_cast<std::byte>(first);
        console_.write(Bytes(&byte, 1));
        return {};
    }
    default: return {Status::NotSupported};
    }
}

Sbi::Reply Sbi::write_console(std::uint64_t length, std::uint64_t low, std::uint64_t high) {
    const GuestPhysicalAddress from(low);
    if (high != 0 || !memory_.contains(from, length))
        return {Status::InvalidParameter};
    length = std::min(length, kMaximumTransfer);
    console_.write(Bytes(memory_.host(from), length));
    return {Status::Success, length};
}

Sbi::Reply Sbi::read_console(std::uint64_t length, std::uint64_t low, std::uint64_t high) {
    const GuestPhysicalAddress to(low);
    if (high != 0 || !memory_.contains(to, length))
        return {Status::InvalidParameter};
    std::array<std::byte, 256> buffer;
    const std::size_t wanted = std::min<std::uint64_t>(length, buffer.size());
    const std::size_t got = console_.read(MutableBytes(buffer.data(), wanted));
    if (!memory_.write(to, Bytes(buffer.data(), got)).ok())
        return {Status::InvalidParameter};
    return {Status::Success, got};
}

} // namespace ashlar::jit::board
