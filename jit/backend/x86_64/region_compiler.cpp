#include "jit/backend/x86_64/region_compiler.h"

#include "jit/backend/x86_64/condition_code.h"
#include "jit/mmu/mmu.h"

namespace ashlar::jit::x86_64 {

namespace {

struct ProbeAnswer {
    std::uint64_t addend;
    std::uint64_t found;
};

// Called by a region whose look into the TLB found nothing, with the address of the range's first byte.
ProbeAnswer answer_probe(Context& context, std::uint64_t address, const ProbeRequest& request) {
    if (request.extent != 0) {
        const std::uint64_t pc =
            context.slots[ir::kPcSlot] + static_cast<std::uint64_t>(std::int64_t{request.low});
        context.helpers->extent_missed(request.extent - 1u, address, request.length, pc);
        return {0, 0};
    }
    std::uint64_t addend = 0;
    const mmu::Access access =
        request.writes && !request.speculative_write ? mmu::Access::Store : mmu::Access::Load;
    const bool found = request.speculative
                           ? context.mmu->probe_known(address, request.length, request.writes, addend)
                           : context.mmu->probe(address, request.length, request.writes, access, addend);
    ++(found ? context.probes_found : context.probes_failed);
    if (!found)
        context.helpers->probe_failed();
    if (request.stream_slot != 0) {
        // As in RegionEmitter::emit_stream_start.
        const std::uint64_t page_end = (address | (kPageSize - 1)) + 1;
        const std::uint64_t high =
            static_cast<std::uint64_t>(std::int64_t{request.low} + std::int64_t{request.length});
        context.slots[request.stream_slot] = found && page_end != 0 ? page_end - high + 1 : 0;
        context.slots[request.stream_slot + 1u] = addend;
    }
    return {addend, found ? 1u : 0u};
}

bool supports(const ir::Instruction& instruction) {
    return RegionEmitter::supports(instruction);
}

constexpr int kSavedRegisters[] = {1, 6, 7, 8, 9, 10, 11};
constexpr int kSavedFloats = 14; // an even number keeps the stack aligned

// What asks for no more than a page of RAM to read or write may have it from the TLB's second level.
void emit_probe_of_second_level(Emitter& e, const RegionThunks& thunks) {
    static_assert(offsetof(ProbeRequest, length) == 0 && offsetof(ProbeRequest, writes) == 2 &&
                  offsetof(ProbeRequest, low) == 8);
    e.mov(e.rdx, e.ptr[e.rsp]);
    e.mov(e.rdx, e.ptr[e.rdx]);
    e.push(e.rcx);
    e.movzx(e.ecx, e.dx);
    e.lea(e.rcx, e.ptr[e.rax + e.rcx - 1]);
    e.xor_(e.rcx, e.rax);
    e.cmp(e.rcx, static_cast<std::uint32_t>(kPageSize));
    e.pop(e.rcx);
    const std::size_t two_pages = e.jump_if_later(kAboveOrEqual);
    e.shr(e.rdx, 16);
    e.cmp(e.rdx, 1); // writes, and nothing else
    const std::size_t special = e.jump_if_later(kAbove);
    const std::size_t writes = e.jump_if_later(kEqual);
    e.call_to(thunks.second_level_read);
    const std::size_t looked = e.jump_later();
    e.bind(writes);
    e.call_to(thunks.second_level_write);
    e.bind(looked);
    const std::size_t missed = e.jump_if_later(kBelow);
    e.inc(e.qword[e.r15 + (static_cast<int>(offsetof(Context, probes_found)) - kContextBias)]);
    e.pop(e.rax);
    e.lea(e.rax, e.ptr[e.rax + sizeof(ProbeRequest)]);
    e.jmp(e.rax);
    for (const std::size_t jump : {two_pages, special, missed})
        e.bind(jump);
}

} // namespace

// Called with an address in rax and a ProbeRequest behind the call; goes on behind that, with the addend in
// rdx and carry clear, or with carry set. Changes no other register.
void RegionCompiler::emit_probe_thunk(Emitter& e, const RegionThunks& thunks, bool with_float) {
    emit_probe_of_second_level(e, thunks);
    e.pop(e.rdx);
    for (const int saved : kSavedRegisters)
        e.push(Xbyak::Reg64(saved));
    e.push(e.rdx);
    if (with_float) {
        e.sub(e.rsp, 8 * kSavedFloats);
        for (int i = 0; i < kSavedFloats; ++i)
            e.movsd(e.ptr[e.rsp + 8 * i], Xbyak::Xmm(i));
    }
    e.lea(e.rdi, e.ptr[e.r15 - kContextBias]);
    e.mov(e.rsi, e.rax);
    e.mov(e.rax, reinterpret_cast<std::uintptr_t>(answer_probe));
    e.call(e.rax);
    if (with_float) {
        for (int i = 0; i < kSavedFloats; ++i)
            e.movsd(Xbyak::Xmm(i), e.ptr[e.rsp + 8 * i]);
        e.add(e.rsp, 8 * kSavedFloats);
    }
    e.cmp(e.rdx, 1); // carry: not found; nothing below touches it
    e.mov(e.rdx, e.rax);
    e.pop(e.rax);
    for (std::size_t i = std::size(kSavedRegisters); i-- > 0;)
        e.pop(Xbyak::Reg64(kSavedRegisters[i]));
    e.lea(e.rax, e.ptr[e.rax + sizeof(ProbeRequest)]);
    e.jmp(e.rax);
}

Result<std::unique_ptr<RegionCompiler>> RegionCompiler::create(bool shared_memory) {
    constexpr std::size_t kMaxBytes = std::size_t{192} << 10; // of any region
    std::unique_ptr<RegionCompiler> compiler(
        new (std::nothrow) RegionCompiler(ASHLAR_TRY(Emitter::create(kMaxBytes)), shared_memory));
    if (compiler == nullptr)
        return Error::OutOfMemory;
    return compiler;
}

void RegionCompiler::emit_shared(Emitter& emitter, RegionThunks thunks) {
    thunks.probe = emitter.position();
    emit_probe_thunk(emitter, thunks, false);
    thunks.probe_with_float = emitter.position();
    emit_probe_thunk(emitter, thunks, true);
    FloatEmitter floats(emitter);
    for (std::size_t i = 0; i < thunks.canonicalizers.size(); ++i) {
        thunks.canonicalizers[i] = emitter.position();
        floats.emit_canonicalizer(i < kXmmRegisters ? ir::Precision::Double : ir::Precision::Single,
                                  Xbyak::Xmm(static_cast<int>(i % kXmmRegisters)));
    }
    region_.set_thunks(thunks);
}

UnplacedCode RegionCompiler::compile(const optimizer::RegionSource& source,
                                     const RegionEnvironment& environment, unsigned passes) {
    if (!optimizer_.run(source, supports, RegionEmitter::registers(), passes)) {
        ASHLAR_ASSERT(optimizer_.verdict().ok());
        return {};
    }
    emitter_->begin_unplaced();
    if (!region_.emit(optimizer_.graph(), optimizer_.allocation(), environment) || emitter_->overflowed())
        return {};
    return emitter_->unplaced();
}

} // namespace ashlar::jit::x86_64
