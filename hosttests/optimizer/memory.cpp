#include "hosttests/optimizer/model.h"

namespace ashlar::jit::optimizer::test {

using ir::Opcode;

void Memory::fill(std::mt19937_64& random) {
    for (std::uint8_t& byte : bytes_)
        byte = static_cast<std::uint8_t>(random());
}

std::optional<std::uint64_t> Memory::addend(std::uint64_t address, std::uint64_t length, bool writes) const {
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        const std::uint64_t offset = address - pages_[i].address;
        if (offset < kPageSize && offset + length <= kPageSize && (pages_[i].writable || !writes))
            return kHost + i * kDistance - pages_[i].address;
    }
    return std::nullopt;
}

std::optional<std::size_t> Memory::find(std::uint64_t host, unsigned width) const {
    const std::uint64_t index = (host - kHost) / kDistance, offset = (host - kHost) % kDistance;
    if (host < kHost || index >= pages_.size() || offset + width > kPageSize)
        return std::nullopt;
    return index * kPageSize + offset;
}

bool Memory::load(std::uint64_t host, unsigned width, std::uint64_t& value) const {
    const std::optional<std::size_t> at = find(host, width);
    value = 0;
    for (unsigned i = 0; at && i < width; ++i)
        value |= std::uint64_t{bytes_[*at + i]} << 8 * i;
    return at.has_value();
}

bool Memory::store(std::uint64_t host, unsigned width, std::uint64_t value, bool& writable) {
    const std::optional<std::size_t> at = find(host, width);
    writable = at && pages_[*at / kPageSize].writable;
    for (unsigned i = 0; writable && i < width; ++i)
        bytes_[*at + i] = static_cast<std::uint8_t>(value >> 8 * i);
    return at.has_value();
}

namespace {

// What an atomic operation leaves, some function of what was there.
std::uint64_t combine(unsigned operation, std::uint64_t memory, std::uint64_t value) {
    return operation == static_cast<unsigned>(ir::AtomicOperation::Swap) ? value : memory * 3 + value;
}

} // namespace

std::string access_memory(State& state, const Access& access, std::uint64_t& result) {
    const bool reads = access.opcode != Opcode::Store, atomic = reads && access.opcode != Opcode::Load;
    std::uint64_t old = 0;
    if (!state.memory.load(access.host, access.width, old))
        return "accesses what is not the guest's";
    if (atomic && access.host % access.width != 0)
        return "is an atomic access that is not aligned";
    result =
        extend(old, access.width, atomic ? static_cast<unsigned>(ir::Extension::Sign) : access.attribute);
    bool stores = !reads, writable = true;
    std::uint64_t value = access.value;
    switch (access.opcode) {
    case Opcode::LoadReserved: state.reservation = {true, access.host, old}; break;
    case Opcode::StoreConditional:
        stores = state.reservation == Reservation{true, access.host, old};
        result = stores ? 0 : 1;
        state.reservation.valid = false;
        break;
    case Opcode::Atomic:
        stores = true;
        value = combine(access.attribute, old, value);
        break;
    default: break;
    }
    if (stores)
        state.memory.store(access.host, access.width, value, writable);
    return writable ? "" : "writes where it may not";
}

} // namespace ashlar::jit::optimizer::test
