// The rules common to all CSR accesses (2.1): privilege and read-only numbers.
#include "jit/frontend/riscv64/csr.h"
#include "jit/frontend/riscv64/csr_table.h"
#include "jit/frontend/riscv64/privileged.h"

namespace ashlar::jit::riscv64 {

namespace {

constexpr bool is_read_only(std::uint16_t number) {
    return number >> 10 == 3;
}
constexpr std::uint64_t lowest_privilege(std::uint16_t number) {
    return number >> 8 & 3;
}

// The descriptor when the hart may read the CSR now, else nullptr.
const CsrDescriptor* accessible(const HartState& hart, std::uint16_t number) {
    const CsrDescriptor* csr = find_csr(number);
    if (csr == nullptr || static_cast<std::uint64_t>(hart.control.privilege) < lowest_privilege(number) ||
        (csr->allowed != nullptr && !csr->allowed(hart, number)))
        return nullptr;
    return csr;
}

// What CSRRS and CSRRC combine the operand with: mip's written bits, without the external line (3.1.9).
std::uint64_t modification_base(const HartState& hart, std::uint16_t number, std::uint64_t value) {
    return number == static_cast<std::uint16_t>(Csr::Mip) ? hart.control.mip : value;
}

} // namespace

const char* csr_name(std::uint16_t number) {
    const CsrDescriptor* csr = find_csr(number);
    return csr != nullptr ? csr->name : nullptr;
}

std::optional<std::uint64_t> read_csr(const HartState& hart, std::uint16_t number, TimeSource& time) {
    const CsrDescriptor* csr = accessible(hart, number);
    if (csr == nullptr)
        return std::nullopt;
    return csr->read({hart, time, number});
}

Effect write_csr(HartState& hart, std::uint16_t number, std::uint64_t value, TimeSource& time) {
    const CsrDescriptor* csr = accessible(hart, number);
    if (csr == nullptr || is_read_only(number))
        return Effect::Illegal;
    return csr->write != nullptr ? csr->write({hart, time, number, value}) : Effect::None;
}

CsrResult execute_csr(HartState& hart, std::uint16_t number, CsrOperation operation, std::uint64_t operand,
                      bool writes, TimeSource& time) {
    const std::optional<std::uint64_t> old = read_csr(hart, number, time);
    if (!old)
        return {0, Effect::Illegal};
    if (!writes)
        return {*old, Effect::None};
    std::uint64_t value = operand;
    if (operation == CsrOperation::Set)
        value = modification_base(hart, number, *old) | operand;
    else if (operation == CsrOperation::Clear)
        value = modification_base(hart, number, *old) & ~operand;
    return {*old, write_csr(hart, number, value, time)};
}

} // namespace ashlar::jit::riscv64
