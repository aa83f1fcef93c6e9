#include "jit/board/plic.h"

#include <bit>

#include "lib/assert.h"

namespace ashlar::jit::board {
namespace {

constexpr std::uint32_t bit_of(unsigned source) {
    return std::uint32_t{1} << (source % 32);
}

} // namespace

Plic::Plic(HartInterrupts& interrupts, unsigned harts)
    : interrupts_(&interrupts), contexts_count_(2 * harts) {
    ASHLAR_ASSERT(harts <= kMaxHarts);
}

void Plic::reset() {
    priority_ = {};
    claimed_ = {};
    for (unsigned i = 0; i < contexts_count_; ++i) {
        contexts_[i].enabled = {};
        contexts_[i].threshold = 0;
    }
    update();
}

void Plic::set_source(unsigned source, bool level) {
    ASHLAR_ASSERT(source != 0 && source < kSources);
    std::uint32_t& word = level_[source / 32];
    word = level ? word | bit_of(source) : word & ~bit_of(source);
    update();
}

// The plain register at `offset` and its writable bits; nullptr if there is none.
std::uint32_t* Plic::register_at(std::uint64_t offset, std::uint32_t& mask) {
    if (offset < kPending) {
        mask = kMaxPriority;
        const std::uint64_t source = offset / 4;
        return source != 0 && source < kSources ? &priority_[source] : nullptr;
    }
    if (offset >= kEnable && offset < kContext) {
        const std::uint64_t context = (offset - kEnable) / kEnableStride;
        const std::uint64_t word = (offset - kEnable) % kEnableStride / 4;
        mask = word == 0 ? ~std::uint32_t{1} : ~std::uint32_t{0};
        return context < contexts_count_ && word < kWords ? &contexts_[context].enabled[word] : nullptr;
    }
    if (offset >= kContext && (offset - kContext) % kContextStride == kThreshold) {
        mask = kMaxPriority;
        const std::uint64_t context = (offset - kContext) / kContextStride;
        return context < contexts_count_ ? &contexts_[context].threshold : nullptr;
    }
    return nullptr;
}

Result<std::uint64_t> Plic::read(std::uint64_t offset, unsigned width) {
    if (width != 4 || offset % 4 != 0)
        return Error::Misaligned;
    std::uint32_t mask = 0;
    if (const std::uint32_t* const plain = register_at(offset, mask))
        return std::uint64_t{*plain};
    if (offset >= kPending && offset < kPending + 4 * kWords)
        return std::uint64_t{pending(static_cast<unsigned>((offset - kPending) / 4))};
    if (offset >= kContext && (offset - kContext) % kContextStride == kClaim) {
        const std::uint64_t context = (offset - kContext) / kContextStride;
        return std::uint64_t{context < contexts_count_ ? claim(contexts_[context]) : 0};
    }
    return std::uint64_t{0};
}

Status Plic::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (width != 4 || offset % 4 != 0)
        return Error::Misaligned;
    std::uint32_t mask = 0;
    if (std::uint32_t* const plain = register_at(offset, mask)) {
        *plain = static_cast<std::uint32_t>(value) & mask;
        update();
    } else if (offset >= kContext && (offset - kContext) % kContextStride == kClaim) {
        const std::uint64_t context = (offset - kContext) / kContextStride;
        if (context < contexts_count_)
            complete(contexts_[context], value);
    }
    return {};
}

// The enabled pending source of the highest priority, the lowest number among equals; 0 if none is above
// priority 0.
unsigned Plic::best(const Context& context) const {
    unsigned found = 0;
    for (unsigned word = 0; word < kWords; ++word) {
        for (std::uint32_t bits = pending(word) & context.enabled[word]; bits != 0; bits &= bits - 1) {
            const unsigned source = word * 32 + static_cast<unsigned>(std::countr_zero(bits));
            if (priority_[source] > (found == 0 ? 0 : priority_[found]))
                found = source;
        }
    }
    return found;
}

// The threshold masks the notification, not the claim (section 1.10 of the specification).
std::uint32_t Plic::claim(Context& context) {
    const unsigned source = best(context);
    if (source != 0) {
        claimed_[source / 32] |= bit_of(source);
        update();
    }
    return source;
}

// A completion for a source that the context has not enabled is ignored.
void Plic::complete(const Context& context, std::uint64_t source) {
    if (source == 0 || source >= kSources)
        return;
    const auto number = static_cast<unsigned>(source);
    if ((context.enabled[number / 32] & bit_of(number)) == 0)
        return;
    claimed_[number / 32] &= ~bit_of(number);
    update();
}

void Plic::update() {
    for (unsigned i = 0; i < contexts_count_; ++i) {
        Context& context = contexts_[i];
        const unsigned source = best(context);
        const bool level = source != 0 && priority_[source] > context.threshold;
        if (level == context.level)
            continue;
        context.level = level;
        interrupts_->set_interrupt(
            i / 2, i % 2 == 0 ? riscv64::Interrupt::MachineExternal : riscv64::Interrupt::SupervisorExternal,
            level);
    }
}

} // namespace ashlar::jit::board
