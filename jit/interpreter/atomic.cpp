// Load-reserved, store-conditional, atomic read-modify-write, fences.
#include <atomic>

#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"
#include "jit/mmu/mmu.h"
#include "lib/bytes.h"

namespace ashlar::jit::interpreter {

namespace {

using ir::AtomicOperation;
static_assert(std::endian::native == std::endian::little, "guest memory is little-endian");

template <class T>
constexpr std::uint64_t sign_extend(T value) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::make_signed_t<T>>(value)));
}

template <class T>
std::byte* resolve(Context& context, const Op* op, mmu::Access access) {
    return context.mmu->atomic(context.slots[op->a], sizeof(T), access);
}

// Done with an access that may have changed translated code.
const Op* finish(Context& context, const Op* op, std::uint64_t generation) {
    if (__builtin_expect(context.generation != generation, 0))
        return leave_after(context, site_in_immediate(op));
    return go_on(context, op);
}

template <class T>
const Op* load_reserved(Context& context, const Op* op) {
    const std::byte* host = resolve<T>(context, op, mmu::Access::Load);
    if (host == nullptr)
        return leave_with_fault(context, site_in_immediate(op));
    const T value = __atomic_load_n(reinterpret_cast<const T*>(host), __ATOMIC_SEQ_CST);
    context.slots[ir::kReservationValidSlot] = 1;
    context.slots[ir::kReservationAddressSlot] = reinterpret_cast<std::uintptr_t>(host);
    context.slots[ir::kReservationValueSlot] = value;
    context.slots[op->d] = sign_extend(value);
    return go_on(context, op);
}

// The reservation holds when nothing but this hart could have changed the value: address and value are
// compared, which also catches the stores of other harts and of devices.
template <class T>
[[gnu::noinline]] bool try_store(Context& context, std::byte* host, T value) {
    T expected = static_cast<T>(context.slots[ir::kReservationValueSlot]);
    return context.slots[ir::kReservationValidSlot] != 0 &&
           context.slots[ir::kReservationAddressSlot] == reinterpret_cast<std::uintptr_t>(host) &&
           __atomic_compare_exchange_n(reinterpret_cast<T*>(host), &expected, value, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

template <class T>
const Op* store_conditional(Context& context, const Op* op) {
    const std::uint64_t generation = context.generation;
    std::byte* host = resolve<T>(context, op, mmu::Access::Store);
    if (host == nullptr)
        return leave_with_fault(context, site_in_immediate(op));
    const bool stored = try_store<T>(context, host, static_cast<T>(context.slots[op->b]));
    context.slots[ir::kReservationValidSlot] = 0;
    context.slots[op->d] = stored ? 0 : 1;
    return finish(context, op, generation);
}

template <class T, AtomicOperation operation>
constexpr T combine(T memory, T value) {
    using S = std::make_signed_t<T>;
    const S memory_signed = static_cast<S>(memory), value_signed = static_cast<S>(value);
    switch (operation) {
    case AtomicOperation::Swap: return value;
    case AtomicOperation::Add: return memory + value;
    case AtomicOperation::Xor: return memory ^ value;
    case AtomicOperation::And: return memory & value;
    case AtomicOperation::Or: return memory | value;
    case AtomicOperation::Minimum: return memory_signed < value_signed ? memory : value;
    case AtomicOperation::Maximum: return memory_signed < value_signed ? value : memory;
    case AtomicOperation::MinimumUnsigned: return memory < value ? memory : value;
    case AtomicOperation::MaximumUnsigned: return memory < value ? value : memory;
    }
    return memory;
}

// Applies the operation and returns what was there.
template <class T, AtomicOperation operation>
[[gnu::noinline]] T exchange(std::byte* host, T value) {
    T* const memory = reinterpret_cast<T*>(host);
    if constexpr (operation == AtomicOperation::Swap)
        return __atomic_exchange_n(memory, value, __ATOMIC_SEQ_CST);
    if constexpr (operation == AtomicOperation::Add)
        return __atomic_fetch_add(memory, value, __ATOMIC_SEQ_CST);
    T old = __atomic_load_n(memory, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(memory, &old, combine<T, operation>(old, value), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
    }
    return old;
}

template <class T, AtomicOperation operation>
const Op* atomic(Context& context, const Op* op) {
    const std::uint64_t generation = context.generation;
    std::byte* host = resolve<T>(context, op, mmu::Access::Store);
    if (host == nullptr)
        return leave_with_fault(context, site_in_immediate(op));
    context.slots[op->d] = sign_extend(exchange<T, operation>(host, static_cast<T>(context.slots[op->b])));
    return finish(context, op, generation);
}

const Op* fence(Context& context, const Op* op) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return go_on(context, op);
}

template <class T>
constexpr Handler kAtomic[] = {
    atomic<T, AtomicOperation::Swap>,
    atomic<T, AtomicOperation::Add>,
    atomic<T, AtomicOperation::Xor>,
    atomic<T, AtomicOperation::And>,
    atomic<T, AtomicOperation::Or>,
    atomic<T, AtomicOperation::Minimum>,
    atomic<T, AtomicOperation::Maximum>,
    atomic<T, AtomicOperation::MinimumUnsigned>,
    atomic<T, AtomicOperation::MaximumUnsigned>,
};

} // namespace

Handler load_reserved_handler(unsigned width) {
    return width == 4 ? load_reserved<std::uint32_t> : load_reserved<std::uint64_t>;
}
Handler store_conditional_handler(unsigned width) {
    return width == 4 ? store_conditional<std::uint32_t> : store_conditional<std::uint64_t>;
}
Handler atomic_handler(AtomicOperation operation, unsigned width) {
    const auto number = static_cast<std::size_t>(operation);
    return width == 4 ? kAtomic<std::uint32_t>[number] : kAtomic<std::uint64_t>[number];
}
Handler fence_handler() {
    return fence;
}

} // namespace ashlar::jit::interpreter
