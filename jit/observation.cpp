#include "jit/observation.h"

#include <algorithm>

#include "jit/frontend/riscv64/lifter.h"

namespace ashlar::jit {

namespace {

constexpr std::size_t kMaxOps = interpreter::max_ops(riscv64::kBlockCapacity) + 1;
// Enough for a large region. A block has the code of an op, what follows its call, and the same again for its
// slow path.
constexpr std::size_t kMaxMarks = 8192;
constexpr std::size_t kMaxLabels = 1024;

} // namespace

Result<std::unique_ptr<Observation>> Observation::create(CodeObserver& observer, GuestMemory& memory) {
    std::unique_ptr<Observation> result(new (std::nothrow) Observation(
        observer, memory, ASHLAR_TRY(ir::Block::create(riscv64::kBlockCapacity)),
        ASHLAR_TRY(interpreter::Lowering::create(riscv64::kBlockCapacity)),
        ASHLAR_TRY(CodeMarks::create(kMaxMarks, kMaxLabels))));
    if (result == nullptr)
        return Error::OutOfMemory;
    result->ops_.reset(new (std::nothrow) interpreter::Op[kMaxOps]);
    result->guest_offsets_.reset(new (std::nothrow) std::uint16_t[kMaxOps]);
    if (result->ops_ == nullptr || result->guest_offsets_ == nullptr)
        return Error::OutOfMemory;
    return result;
}

void Observation::lifted(const BlockKey& key, std::uint64_t pc, const ir::Block& ir) {
    const GuestBytes code(memory_, key);
    observer_.block_lifted(
        {GuestVirtualAddress(pc), key.address, ir.guest_instructions(), code.get().first(ir.guest_bytes())},
        ir);
}

// Threaded code does not say which instructions its ops are of. It is made once more, to see.
void Observation::ask_for_marks(Block& block, NativeBlock& native) {
    lift(memory_, block.key, ir_);
    const std::span<std::uint16_t> offsets{guest_offsets_.get(), kMaxOps};
    const std::size_t count = lowering_.lower(ir_, {ops_.get(), kMaxOps - 1}, offsets.subspan(1));
    marks_.clear();
    if (1 + count != block.op_count)
        return;
    offsets[0] = 0; // the op that counts
    native.marks = &marks_;
    native.guest_offsets = offsets.first(block.op_count);
}

void Observation::compiled(const Block& block, std::uint64_t pc, Bytes code) {
    const GuestBytes bytes(memory_, block.key);
    const GuestCode guest{GuestVirtualAddress(pc), block.key.address, block.guest_instructions,
                          bytes.get().first(block.guest_bytes)};
    EmittedCode emitted{};
    emitted.name = "block";
    emitted.tier = 1;
    emitted.guest = {&guest, 1};
    emitted.code = code;
    emitted.marks = marks_.entries(code.size());
    observer_.code_emitted(emitted);
}

void Observation::optimized(const RegionFormer& region, std::uint64_t pc, const RegionCode& made,
                            Bytes code) {
    std::array<GuestCode, optimizer::kMaxBlocks> parts;
    std::size_t count = 0; // a part for each block, as marks have it
    for (const optimizer::SourceBlock& block : region.source().blocks) {
        GuestCode& part = parts[count++];
        const std::uint64_t address = pc + static_cast<std::uint64_t>(std::int64_t{block.pc});
        const ir::Instruction& last = region.source().instructions[block.first + block.count - 1];
        for (const RegionPage& page : region.pages())
            if (((address ^ (pc + static_cast<std::uint64_t>(page.offset))) >> kPageShift) == 0) {
                const GuestPhysicalAddress physical = page.physical + (address & (kPageSize - 1));
                part = {GuestVirtualAddress(address), physical, block.guest_instructions,
                        Bytes(memory_.host(physical), std::size_t{last.pc_offset} + last.guest_length)};
                break;
            }
    }
    observer_.region_optimized(
        {{parts.data(), count}, made.refusal, *made.graph, *made.allocation, *made.registers});
    if (code.empty())
        return;
    EmittedCode emitted{};
    emitted.name = "region";
    emitted.tier = 2;
    emitted.guest = {parts.data(), count};
    emitted.code = code;
    emitted.marks = marks_.entries(code.size());
    emitted.labels = marks_.labels();
    observer_.code_emitted(emitted);
}

} // namespace ashlar::jit
