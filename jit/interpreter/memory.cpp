// Loads and stores: the TLB's hit inline, everything else in the MMU.
#include "jit/interpreter/handler.h"
#include "jit/interpreter/handlers.h"
#include "jit/mmu/mmu.h"
#include "lib/bytes.h"

namespace ashlar::jit::interpreter {

namespace {

using ir::Extension;

template <class T, Extension extension>
constexpr std::uint64_t extend(T value) {
    if constexpr (extension == Extension::Sign)
        return static_cast<std::uint64_t>(
            static_cast<std::int64_t>(static_cast<std::make_signed_t<T>>(value)));
    else if constexpr (extension == Extension::Box)
        return std::uint64_t{value} | 0xffffffff00000000;
    else
        return value;
}

std::uint64_t address_of(const Context& context, const Op* op) {
    return context.slots[op->a] + static_cast<std::uint64_t>(std::int64_t{op->imm});
}

// Behind a slow access: a device may have asked for attention, and translated code may have changed, by a
// store to it or by a device's DMA.
const Op* finish(Context& context, const Op* op, std::uint64_t generation) {
    if (context.attention.load(std::memory_order_relaxed))
        context.yield();
    if (context.generation != generation)
        return leave_after(context, site_in_operands(op));
    return go_on(context, op);
}

template <class T, Extension extension>
[[gnu::noinline]] const Op* load_slowly(Context& context, const Op* op) {
    const std::uint64_t generation = context.generation;
    std::uint64_t* value = &context.slots[kDiscardSlot];
    if (!context.mmu->load(address_of(context, op), sizeof(T), *value))
        return leave_with_fault(context, site_in_operands(op));
    context.slots[op->d] = extend<T, extension>(static_cast<T>(*value));
    return finish(context, op, generation);
}

template <class T, Extension extension>
const Op* load(Context& context, const Op* op) {
    const std::uint64_t address = address_of(context, op);
    if (__builtin_expect(!context.tlb->hits(mmu::kLoads, address, sizeof(T)), 0))
        return load_slowly<T, extension>(context, op);
    const std::uint64_t host = address + context.tlb->addend(address);
    context.slots[op->d] = extend<T, extension>(load_le<T>(reinterpret_cast<const void*>(host)));
    return go_on(context, op);
}

template <class T>
[[gnu::noinline]] const Op* store_slowly(Context& context, const Op* op) {
    const std::uint64_t generation = context.generation;
    if (!context.mmu->store(address_of(context, op), sizeof(T), context.slots[op->d]))
        return leave_with_fault(context, site_in_operands(op));
    return finish(context, op, generation);
}

template <class T>
const Op* store(Context& context, const Op* op) {
    const std::uint64_t address = address_of(context, op);
    if (__builtin_expect(!context.tlb->hits(mmu::kStores, address, sizeof(T)), 0))
        return store_slowly<T>(context, op);
    const std::uint64_t host = address + context.tlb->addend(address);
    store_le(reinterpret_cast<void*>(host), static_cast<T>(context.slots[op->d]));
    return go_on(context, op);
}

template <Extension extension>
constexpr Handler kLoad[] = {load<std::uint8_t, extension>, load<std::uint16_t, extension>,
                             load<std::uint32_t, extension>, load<std::uint64_t, extension>};
constexpr Handler kStore[] = {store<std::uint8_t>, store<std::uint16_t>, store<std::uint32_t>,
                              store<std::uint64_t>};

} // namespace

Handler load_handler(unsigned width, Extension extension) {
    const auto size = static_cast<std::size_t>(std::countr_zero(width));
    ASHLAR_ASSERT(size < 4);
    switch (extension) {
    case Extension::Zero: return kLoad<Extension::Zero>[size];
    case Extension::Sign: return kLoad<Extension::Sign>[size];
    case Extension::Box: break;
    }
    ASHLAR_ASSERT(width == 4);
    return load<std::uint32_t, Extension::Box>;
}

Handler store_handler(unsigned width) {
    const auto size = static_cast<std::size_t>(std::countr_zero(width));
    ASHLAR_ASSERT(size < 4);
    return kStore[size];
}

} // namespace ashlar::jit::interpreter
