#include <algorithm>
#include <bit>

#include "hosttests/optimizer/region.h"

namespace ashlar::jit::optimizer::test {

namespace {

using ir::Condition;
using ir::Opcode;
using ir::Value;

class RandomRegion {
public:
    RandomRegion(std::mt19937_64& random, std::size_t blocks) : random_(random), count_(1 + below(blocks)) {}

    Region run() {
        for (std::size_t i = 0; i < count_; ++i) {
            region_.begin(static_cast<std::int32_t>(i) * 256, 1 + static_cast<std::uint32_t>(below(100)));
            for (std::size_t n = below(9); n != 0; --n)
                add_any();
            end(i);
        }
        return std::move(region_);
    }

private:
    std::size_t below(std::size_t bound) { return random_() % bound; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    ir::Builder& build() { return region_.build(); }

    // Slots 5 to 7 count, 8 to 10 point.
    unsigned pointer() { return 8 + static_cast<unsigned>(below(3)); }
    unsigned source_slot() { return static_cast<unsigned>(below(16)); }
    unsigned target_slot() {
        static constexpr unsigned kSlots[] = {1, 2, 3, 4, 11, 12, 13, 14, 15};
        return kSlots[below(std::size(kSlots))];
    }
    unsigned float_slot() { return ir::kFloatSlot + static_cast<unsigned>(below(6)); }

    std::int64_t constant() {
        static constexpr std::int64_t kCorners[] = {
            0, 1, -1, 2, 8, 31, 32, 33, 48, 56, 63, 255, 4096, -256, 2047, INT32_MAX, INT32_MIN, INT64_MIN};
        return one_in(4) ? static_cast<std::int64_t>(random_()) : kCorners[below(std::size(kCorners))];
    }
    Value operand() { return one_in(3) ? build().constant(constant()) : build().get(source_slot()); }
    Opcode binary() { return static_cast<Opcode>(below(static_cast<std::size_t>(Opcode::BitExtract) + 1)); }

    void add_any() {
        region_.next();
        switch (below(18)) {
        case 0:
        case 1:
        case 2:
        case 3: return build().set(target_slot(), build().binary(binary(), operand(), operand()));
        case 4: {
            const std::size_t first = static_cast<std::size_t>(Opcode::CountLeadingZeros);
            const auto opcode = static_cast<Opcode>(first + below(11));
            return build().set(target_slot(), build().unary(opcode, operand()));
        }
        case 5: return add_shifts();
        case 6: return add_word_chain();
        case 7:
        case 8:
        case 9: return add_load();
        case 10:
        case 11: return add_store();
        case 12: return add_step();
        case 13: return add_float();
        case 14: return one_in(2) ? build().guard(0, 0) : build().fence(0xff);
        case 15: return add_atomic();
        case 16: return add_words();
        default:
            if (one_in(2)) // else an instruction that does nothing
                build().set(target_slot(), build().pc_relative(static_cast<std::int32_t>(random_()) >> 12));
        }
    }

    void add_shifts() {
        static constexpr std::int64_t kAmounts[] = {3, 16, 29, 31, 32, 33, 48, 56, 63};
        const Value up = build().binary(Opcode::ShiftLeft, build().get(source_slot()),
                                        build().constant(kAmounts[below(std::size(kAmounts))]));
        const Value down = build().binary(one_in(2) ? Opcode::ShiftRight : Opcode::ShiftRightSigned, up,
                                          build().constant(kAmounts[below(std::size(kAmounts))]));
        build().set(target_slot(), down);
    }

    void add_word_chain() {
        static constexpr Opcode kWords[] = {
            Opcode::AddWord,         Opcode::SubtractWord, Opcode::MultiplyWord, Opcode::ShiftLeftWord,
            Opcode::AddUnsignedWord, Opcode::And,          Opcode::Xor,          Opcode::Or};
        const unsigned slot = target_slot();
        Value value = build().get(slot);
        for (std::size_t n = 1 + below(3); n != 0; --n)
            value = build().binary(kWords[below(std::size(kWords))], value, operand());
        build().set(slot, value);
    }

    Value address(std::int32_t& displacement) {
        displacement = one_in(3) ? static_cast<std::int32_t>(below(4096)) - 2048
                                 : static_cast<std::int32_t>(below(8)) * 8;
        Value base = build().get(pointer());
        if (one_in(6)) // far away, and back
            base = build().binary(
                Opcode::Add, base,
                build().constant((one_in(2) ? 1 : -1) * static_cast<std::int64_t>(below(0x4000))));
        if (one_in(6)) {
            const Value index =
                build().binary(Opcode::And, build().get(source_slot()), build().constant(0x1f8));
            base = build().binary(Opcode::Add, base, index);
        }
        return base;
    }
    std::uint8_t width() { return static_cast<std::uint8_t>(1u << below(4)); }

    void add_load() {
        std::int32_t displacement = 0;
        const Value base = address(displacement);
        if (one_in(5)) {
            const bool is_double = one_in(2);
            const ir::MemoryAccess access{static_cast<std::uint8_t>(is_double ? 8 : 4),
                                          is_double ? ir::Extension::Zero : ir::Extension::Box};
            return build().set(float_slot(), build().load(access, ir::Type::Float, base, displacement));
        }
        const ir::MemoryAccess access{width(), one_in(2) ? ir::Extension::Zero : ir::Extension::Sign};
        const Value loaded = build().load(access, ir::Type::Integer, base, displacement);
        if (!one_in(12)) // x0 takes nothing
            build().set(target_slot(), loaded);
    }

    void add_store() {
        std::int32_t displacement = 0;
        const Value base = address(displacement);
        if (one_in(5))
            return build().store({static_cast<std::uint8_t>(one_in(2) ? 8 : 4)}, base, displacement,
                                 build().get(float_slot(), ir::Type::Float));
        build().store({width()}, base, displacement, operand());
    }

    // Words of the state: exchanged, checked, changed where nobody must hear of it.
    void add_words() {
        const auto word = [&] { return ir::kFrontendSlot + static_cast<unsigned>(below(5)); };
        const unsigned which = word();
        const Value old = build().get(which);
        switch (below(4)) {
        case 0: one_in(2) ? build().call_unless(old, 0, 0) : build().call_if(old, 0, 0); break;
        case 1: break;
        case 2: build().set(which, operand()); break;
        default: {
            const Value changed = build().binary(Opcode::And, operand(), build().get(word()));
            build().set(which, build().binary(Opcode::Xor, old, changed));
            if (one_in(2))
                build().set(target_slot(), old);
            return build().call_if(changed, 0, 0);
        }
        }
        if (!one_in(4))
            build().set(target_slot(), old);
    }

    // Mostly aligned, often through an address that another has just been made through.
    void add_atomic() {
        const std::uint8_t width = one_in(2) ? 4 : 8;
        Value base = build().get(pointer());
        if (!one_in(6))
            base = build().binary(Opcode::And, base, build().constant(-8));
        if (one_in(3))
            base = build().binary(Opcode::Add, base, build().constant(one_in(2) ? 4 : 8));
        const ir::MemoryAccess access{width, ir::Extension::Sign};
        Value result{};
        switch (below(4)) {
        case 0: result = build().load_reserved(access, base); break;
        case 1: result = build().store_conditional(access, base, operand()); break;
        default:
            result = build().atomic(static_cast<ir::AtomicOperation>(below(ir::kAtomicOperations)), access,
                                    base, operand());
        }
        if (!one_in(4))
            build().set(target_slot(), result);
    }

    void add_step() {
        static constexpr std::int64_t kSteps[] = {1, 2, 4, 8, 8, 16, 64, 255, 256, 257, -8, 4096};
        const unsigned slot = pointer();
        if (one_in(12))
            return build().set(slot, build().get(pointer()));
        build().set(slot, build().binary(Opcode::Add, build().get(slot),
                                         build().constant(kSteps[below(std::size(kSteps))])));
    }

    void add_float() {
        const auto get = [&] { return build().get(float_slot(), ir::Type::Float); };
        const ir::FloatMode mode{one_in(2) ? ir::Precision::Single : ir::Precision::Double,
                                 one_in(6) ? static_cast<std::uint8_t>(below(2)) : ir::kDynamicRounding};
        switch (below(7)) {
        case 0:
            return build().set(float_slot(),
                               build().floating(Opcode::FloatFused, mode, 1, get(), get(), get()));
        case 1:
            return build().set(target_slot(), build().floating(Opcode::FloatCompare, mode, 2, get(), get()));
        case 2: return build().set(target_slot(), build().floating(Opcode::FloatToBits, mode, 0, get()));
        case 3: return build().set(float_slot(), build().floating(Opcode::FloatFromBits, mode, 0, operand()));
        case 4: return build().set(float_slot(), build().floating(Opcode::FloatSign, mode, 0, get(), get()));
        default:
            return build().set(float_slot(),
                               build().floating(Opcode::FloatArithmetic, mode,
                                                static_cast<std::uint8_t>(below(4)), get(), get()));
        }
    }

    std::int16_t target(std::size_t from) {
        const std::size_t choice = below(10);
        if (choice == 0)
            return SourceBlock::kOutside;
        if (choice < 3)
            return static_cast<std::int16_t>(from); // a loop of one block
        if (choice < 5)
            return static_cast<std::int16_t>(below(from + 1));
        return static_cast<std::int16_t>(below(count_));
    }

    void end(std::size_t index) {
        const std::int16_t taken = target(index), other = target(index);
        if (one_in(5))
            return region_.jump(taken);
        region_.next();
        if (one_in(8) && taken != SourceBlock::kOutside)
            return add_return(taken);
        if (one_in(8))
            return add_dispatch();
        if (one_in(2)) { // turns are counted
            const unsigned slot = 5 + static_cast<unsigned>(below(3));
            const Value left = build().binary(Opcode::Add, build().get(slot), build().constant(-1));
            build().set(slot, left);
            region_.next();
            return region_.branch(Condition::NotEqual, build().get(slot), build().get(0), taken, other);
        }
        Value a = operand();
        if (one_in(3))
            a = build().binary(one_in(2) ? Opcode::Less : Opcode::LessUnsigned, a, operand());
        const Value b = one_in(2) ? build().get(0) : operand();
        region_.branch(static_cast<Condition>(below(6)), a, b, taken, other);
    }

    // Where it is expected to go, most of the time.
    void add_return(std::int16_t taken) {
        const auto displacement = static_cast<std::int32_t>(below(3)) * 4;
        const std::int32_t here = region_.pc_of(static_cast<std::int16_t>(region_.source().blocks.size()));
        if (one_in(8))
            return region_.jump_indirect(operand(), displacement, taken);
        const Value expected = build().pc_relative(std::int64_t{region_.pc_of(taken)} - here - displacement);
        Value address = expected;
        if (one_in(2)) // wrong now and then
            address = build().binary(Opcode::Add, expected,
                                     build().binary(Opcode::And, build().get(source_slot()),
                                                    build().constant(one_in(2) ? 1 : 64)));
        if (one_in(2))
            build().set(target_slot(), build().pc_relative(8));
        region_.jump_indirect(address, displacement, taken);
    }

    // To some block by number, of which the region knows most.
    void add_dispatch() {
        const std::int32_t here = region_.pc_of(static_cast<std::int16_t>(region_.source().blocks.size()));
        const auto displacement = static_cast<std::int32_t>(below(3)) * 4;
        std::vector<Way> ways;
        for (std::size_t i = 0; i < count_ && ways.size() < RegionSource::kMaxWays; ++i)
            if (!one_in(4))
                ways.push_back({one_in(9) ? SourceBlock::kOutside : static_cast<std::int16_t>(i),
                                static_cast<std::uint32_t>(1 + below(one_in(2) ? 4 : 100))});
        std::shuffle(ways.begin(), ways.end(), random_);
        const Value number = build().binary(
            Opcode::And, build().get(one_in(2) ? 5 + static_cast<unsigned>(below(3)) : source_slot()),
            build().constant(static_cast<std::int64_t>(std::bit_ceil(count_)) - 1));
        Value address = build().binary(Opcode::Add, build().pc_relative(-here - displacement),
                                       build().binary(Opcode::ShiftLeft, number, build().constant(8)));
        if (one_in(8)) // the lowest bit does not count
            address = build().binary(Opcode::Or, address, build().constant(1));
        if (one_in(2))
            build().set(target_slot(), build().pc_relative(8));
        region_.jump_indirect(address, displacement, ways);
    }

    std::mt19937_64& random_;
    std::size_t count_;
    Region region_;
};

} // namespace

Region random_region(std::mt19937_64& random, std::size_t blocks) {
    return RandomRegion(random, blocks).run();
}

} // namespace ashlar::jit::optimizer::test
