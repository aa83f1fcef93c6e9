#include "jit/backend/x86_64/emitter.h"

#include <cpuid.h>

namespace ashlar::jit::x86_64 {

namespace {

// With OSXSAVE only.
bool saves_avx() {
    constexpr std::uint32_t kSseAndAvx = 6;
    std::uint32_t low = 0, high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & kSseAndAvx) == kSseAndAvx;
}

// AMD's CPUs before Zen 3 (family 19h), and those that Hygon makes after them, have it in microcode.
bool runs_pext_fast() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(0, &a, &b, &c, &d) == 0)
        return false;
    const std::array<unsigned, 3> name{b, d, c};
    char vendor[sizeof name];
    std::memcpy(vendor, name.data(), sizeof vendor);
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && HostFeatures::has_fast_pext({vendor, sizeof vendor}, a);
}

} // namespace

bool HostFeatures::has_fast_pext(std::string_view vendor, std::uint32_t signature) {
    constexpr std::uint32_t kZen3 = 0x19, kExtended = 0xf;
    std::uint32_t family = signature >> 8 & 0xf;
    if (family == kExtended)
        family += signature >> 20 & 0xff;
    return (vendor != "AuthenticAMD" && vendor != "HygonGenuine") || family >= kZen3;
}

HostFeatures HostFeatures::detect() {
    HostFeatures features;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
        features.bmi1 = (b & bit_BMI) != 0;
        features.bmi2 = (b & bit_BMI2) != 0;
        features.fast_pext = features.bmi2 && runs_pext_fast();
    }
    if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
        features.popcnt = (c & bit_POPCNT) != 0;
        features.sse41 = (c & bit_SSE4_1) != 0;
        features.avx = (c & bit_AVX) != 0 && (c & bit_OSXSAVE) != 0 && saves_avx();
        features.fma = features.avx && (c & bit_FMA) != 0;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0)
        features.lzcnt = (c & bit_ABM) != 0;
    return features;
}

Result<std::unique_ptr<Emitter>> Emitter::create(std::size_t bytes) {
    std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[bytes]);
    if (buffer == nullptr)
        return Error::OutOfMemory;
    std::unique_ptr<Emitter> emitter(new (std::nothrow) Emitter(std::move(buffer), bytes));
    if (emitter == nullptr)
        return Error::OutOfMemory;
    return emitter;
}

void Emitter::load_slot(const Xbyak::Reg64& to, unsigned slot) {
    if (!is_pinned(slot))
        mov(to, slot_address(slot));
    else if (host_of(slot) != to.getIdx())
        mov(to, Xbyak::Reg64(host_of(slot)));
}

void Emitter::load_slot32(const Xbyak::Reg64& to, unsigned slot) {
    if (is_pinned(slot))
        mov(to.cvt32(), Xbyak::Reg32(host_of(slot)));
    else
        mov(to.cvt32(), slot_address32(slot));
}

void Emitter::store_slot(unsigned slot, const Xbyak::Reg64& from) {
    if (!is_pinned(slot))
        mov(slot_address(slot), from);
    else if (host_of(slot) != from.getIdx())
        mov(Xbyak::Reg64(host_of(slot)), from);
}

Xbyak::Reg64 Emitter::in_register(unsigned slot, const Xbyak::Reg64& scratch) {
    if (is_pinned(slot))
        return Xbyak::Reg64(host_of(slot));
    mov(scratch, slot_address(slot));
    return scratch;
}

Xbyak::Reg64 Emitter::target(unsigned slot, const Xbyak::Reg64& scratch) const {
    return is_pinned(slot) ? Xbyak::Reg64(host_of(slot)) : scratch;
}

void Emitter::finish(unsigned slot, const Xbyak::Reg64& computed) {
    store_slot(slot, computed);
}

void Emitter::load_constant(const Xbyak::Reg64& to, std::int64_t value) {
    if (value == 0)
        xor_(to.cvt32(), to.cvt32());
    else
        mov(to, static_cast<std::uint64_t>(value)); // the shortest of the three forms
}

void Emitter::tlb_index(const Xbyak::Reg32& to, const Xbyak::Reg32& from) {
    if (features.fast_pext)
        return pext(to, from, dword[r14 + mmu::Tlb::kIndexBitsOffset]);
    if (features.bmi2) {
        rorx(to, from, kPageShift);
    } else {
        mov(to, from);
        shr(to, kPageShift);
    }
    and_(to, mmu::Tlb::kEntries - 1);
}

void Emitter::spill_pinned() {
    for (const Pinned& pinned : kPinned)
        mov(slot_address(pinned.slot), Xbyak::Reg64(pinned.host));
}

void Emitter::reload_pinned() {
    for (const Pinned& pinned : kPinned)
        mov(Xbyak::Reg64(pinned.host), slot_address(pinned.slot));
    mov(r14, context_field(offsetof(Context, tlb)));
}

std::size_t Emitter::jump_later() {
    put(std::array<std::uint8_t, 5>{0xe9});
    return position() - 4;
}

std::size_t Emitter::jump_if_later(std::uint8_t condition_code) {
    put(std::array<std::uint8_t, 6>{0x0f, static_cast<std::uint8_t>(0x80 | condition_code)});
    return position() - 4;
}

void Emitter::bind(std::size_t rel32_position, std::size_t target) {
    patch(rel32_position, static_cast<std::uint32_t>(target - (rel32_position + 4)));
    if (target >= kUnplaced || rel32_position < kUnplaced)
        return;
    if (outward_count_ < outward_.size())
        outward_[outward_count_] = static_cast<std::uint32_t>(rel32_position - kUnplaced);
    ++outward_count_;
}

void Emitter::call_to(std::size_t target) {
    put(std::array<std::uint8_t, 5>{0xe8});
    bind(position() - 4, target);
}

} // namespace ashlar::jit::x86_64
