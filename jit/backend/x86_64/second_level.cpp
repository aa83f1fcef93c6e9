#include "jit/backend/x86_64/second_level.h"

#include <array>

#include "jit/backend/x86_64/condition_code.h"
#include "jit/guest_memory.h"
#include "jit/mmu/host_view.h"
#include "jit/mmu/second_level.h"
#include "jit/mmu/tlb.h"

namespace ashlar::jit::x86_64 {

namespace {

using mmu::HostView;
using mmu::SecondLevelTlb;
using mmu::Tlb;

constexpr std::uint32_t kPageMask = static_cast<std::uint32_t>(-static_cast<std::int32_t>(kPageSize));

// In rax is the address, in rsi the HostView. While a level is looked at rcx is the set, rdi where that lies,
// r8 the key of the page in this address space and r9 that of a global page; rdx the way where one was found.
// Then r8 is the entry's value, and r9b whether it is global.
class LookUp {
public:
    LookUp(Emitter& emitter, bool writes) : e(emitter), writes_(writes) {}

    void emit() {
        for (const int saved : kSaved)
            e.push(Xbyak::Reg64(saved));
        e.mov(e.rsi, Emitter::context_field(offsetof(Context, tlb_view)));
        for (unsigned level = 0; level < mmu::kLevels; ++level)
            look_at(level);
        for (std::size_t i = 0; i < failure_count_; ++i)
            e.bind(failures_[i]);
        restore();
        e.stc();
        e.ret();
        for (const std::size_t jump : found_)
            e.bind(jump);
        note_use();
        enter_page();
        restore();
        e.clc();
        e.ret();
    }

private:
    static constexpr std::array<int, 7> kSaved{1, 6, 7, 8, 9, 10, 11}; // rcx, rsi, rdi, r8 to r11

    Xbyak::RegExp view(std::size_t offset) const { return e.rsi + offset; }
    void restore() {
        for (std::size_t i = kSaved.size(); i-- > 0;)
            e.pop(Xbyak::Reg64(kSaved[i]));
    }
    void fail_if(std::uint8_t condition) { failures_[failure_count_++] = e.jump_if_later(condition); }

    void look_at(unsigned level) {
        const auto shift = static_cast<int>(mmu::page_shift(level));
        e.test(e.byte[view(offsetof(HostView, levels))], 1u << level);
        const std::size_t none = e.jump_if_later(kEqual);
        e.mov(e.rcx, e.rax);
        e.shr(e.rcx, shift);
        e.mov(e.r9, e.rcx);
        e.shl(e.r9, shift);
        if (level != 0)
            e.or_(e.r9, level);
        e.and_(e.ecx, static_cast<std::uint32_t>(SecondLevelTlb::kSets - 1));
        e.mov(e.edi, e.ecx);
        static_assert(SecondLevelTlb::kSetBytes == 64);
        e.shl(e.edi, 6);
        e.add(e.rdi, e.ptr[view(offsetof(HostView, sets))]);
        e.mov(e.r8, e.r9);
        e.xor_(e.r8, e.ptr[view(offsetof(HostView, local))]);
        e.xor_(e.r9, e.ptr[view(offsetof(HostView, global))]);
        std::array<std::size_t, 2 * mmu::kSetWays> hits{};
        for (std::uint32_t way = 0; way < mmu::kSetWays; ++way) {
            e.mov(e.edx, way);
            e.cmp(e.ptr[e.rdi + 8 * way], e.r8);
            hits[2 * way] = e.jump_if_later(kEqual);
            e.cmp(e.ptr[e.rdi + 8 * way], e.r9);
            hits[2 * way + 1] = e.jump_if_later(kEqual);
        }
        const std::size_t nowhere = e.jump_later();
        for (const std::size_t hit : hits)
            e.bind(hit);
        check_entry(level);
        found_[level] = e.jump_later();
        e.bind(none);
        e.bind(nowhere);
    }

    // What is in the way must allow the access by host address, and the first level must be ready for it.
    void check_entry(unsigned level) {
        e.cmp(e.ptr[e.rdi + e.rdx * 8], e.r9);
        e.sete(e.r9b);
        e.mov(e.r8, e.ptr[e.rdi + e.rdx * 8 + SecondLevelTlb::kValuesOffset]);
        e.test(e.ptr[view(unfit(writes_))], e.r8d);
        fail_if(kNotEqual);
        if (writes_) {
            load_mark_address();
            e.test(e.byte[e.r10], GuestMemory::kHoldsCode);
            fail_if(kNotEqual);
        }
        if (level != 0)
            require_noted_superpage(level);
    }
    static std::size_t unfit(bool writes) {
        return writes ? offsetof(HostView, unfit_to_store) : offsetof(HostView, unfit_to_load);
    }

    // To r10: GuestMemory's mark of the page.
    void load_mark_address() {
        e.mov(e.r10, e.r8);
        e.and_(e.r10, kPageMask);
        e.add(e.r10, e.rax);
        e.shr(e.r10, static_cast<int>(kPageShift));
        e.add(e.r10, e.ptr[view(offsetof(HostView, marks))]);
    }

    // A fence of any part of the leaf drops its pieces only from first levels that have noted it.
    void require_noted_superpage(unsigned level) {
        const std::size_t first = Tlb::superpages_offset();
        e.mov(e.rdi, e.rax);
        e.shr(e.rdi, static_cast<int>(mmu::page_shift(level)));
        e.shl(e.rdi, static_cast<int>(mmu::page_shift(level)));
        e.lea(e.r10, e.ptr[e.rdi + (mmu::page_size(level) - 1)]);
        e.mov(e.r11, e.ptr[e.r14 + Tlb::superpage_count_offset()]);
        e.add(e.r11, e.r11);
        const std::size_t next = e.position();
        e.sub(e.r11, 2);
        fail_if(kBelow);
        e.cmp(e.ptr[e.r14 + e.r11 * 8 + first], e.rdi);
        e.bind(e.jump_if_later(kAbove), next);
        e.cmp(e.ptr[e.r14 + e.r11 * 8 + first + 8], e.r10);
        e.bind(e.jump_if_later(kBelow), next);
    }

    // As SecondLevelTlb::find().
    void note_use() {
        e.add(e.rcx, e.ptr[view(offsetof(HostView, states))]);
        e.movzx(e.edi, e.byte[e.rcx]);
        e.lea(e.edi, e.ptr[e.rdi * 4 + e.rdx]);
        e.add(e.rdi, e.ptr[view(offsetof(HostView, used))]);
        e.movzx(e.edi, e.byte[e.rdi]);
        e.mov(e.byte[e.rcx], e.dil);
        e.inc(e.qword[view(offsetof(HostView, answered))]);
    }

    // As Mmu::enter() and DirectMappedTlb::insert(). The addend to rdx.
    void enter_page() {
        load_mark_address();
        e.mov(e.rdx, e.r8);
        e.and_(e.rdx, kPageMask);
        e.add(e.rdx, e.ptr[view(offsetof(HostView, ram))]);
        e.mov(e.edi, e.eax);
        e.shr(e.edi, static_cast<int>(kPageShift));
        e.and_(e.edi, static_cast<std::uint32_t>(Tlb::kEntries - 1));
        e.mov(e.tlb_addend(e.rdi), e.rdx);
        e.mov(e.rcx, e.rdi); // no tag, for both
        e.shl(e.rcx, static_cast<int>(kPageShift));
        e.not_(e.rcx);
        e.mov(e.tlb_tag(e.rdi, false), e.rcx);
        e.mov(e.tlb_tag(e.rdi, true), e.rcx);
        e.mov(e.rcx, e.rax);
        e.and_(e.rcx, kPageMask);
        e.test(e.ptr[view(unfit(false))], e.r8d);
        const std::size_t no_loads = e.jump_if_later(kNotEqual);
        e.mov(e.tlb_tag(e.rdi, false), e.rcx);
        e.bind(no_loads);
        e.test(e.ptr[view(unfit(true))], e.r8d);
        const std::size_t no_stores = e.jump_if_later(kNotEqual);
        e.test(e.byte[e.r10], GuestMemory::kHoldsCode);
        const std::size_t code = e.jump_if_later(kNotEqual);
        e.or_(e.byte[e.r10], GuestMemory::kStoresWithoutNotice);
        e.mov(e.tlb_tag(e.rdi, true), e.rcx);
        e.bind(no_stores);
        e.bind(code);
        note_filled();
        note_global();
    }
    void note_filled() {
        e.mov(e.rcx, e.ptr[e.r14 + Tlb::filled_count_offset()]);
        e.cmp(e.rcx, static_cast<std::uint32_t>(Tlb::kFew));
        const std::size_t more = e.jump_if_later(kAbove);
        const std::size_t last = e.jump_if_later(kEqual);
        e.mov(e.word[e.r14 + e.rcx * 2 + Tlb::filled_offset()], e.di);
        e.bind(last);
        e.inc(e.rcx);
        e.mov(e.ptr[e.r14 + Tlb::filled_count_offset()], e.rcx);
        e.bind(more);
    }
    void note_global() {
        e.mov(e.ecx, e.edi);
        e.shr(e.ecx, 6);
        e.mov(e.r10, e.ptr[e.r14 + e.rcx * 8 + Tlb::local_offset()]);
        e.bts(e.r10, e.rdi);
        e.test(e.r9b, e.r9b);
        const std::size_t local = e.jump_if_later(kEqual);
        e.btr(e.r10, e.rdi);
        e.bind(local);
        e.mov(e.ptr[e.r14 + e.rcx * 8 + Tlb::local_offset()], e.r10);
    }

    Emitter& e;
    bool writes_;
    std::array<std::size_t, 2 * mmu::kLevels + mmu::kLevels> failures_{};
    std::size_t failure_count_ = 0;
    std::array<std::size_t, mmu::kLevels> found_{};
};

} // namespace

void emit_second_level_look_up(Emitter& e, bool writes) {
    LookUp(e, writes).emit();
}

} // namespace ashlar::jit::x86_64
