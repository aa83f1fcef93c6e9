// Loads, stores and atomics: widths, extension, alignment, pages, faults.
#include "hosttests/semantics/single_step.h"

#include <algorithm>

namespace ashlar::jit::test {

namespace {

using U = std::uint64_t;
using S = std::int64_t;
using riscv64::Cause;

U sign_extend(U value, unsigned bytes) {
    const unsigned shift = 64 - 8 * bytes;
    return static_cast<U>(static_cast<S>(value << shift) >> shift);
}
U zero_extend(U value, unsigned bytes) {
    return bytes == 8 ? value : value & ((U{1} << (8 * bytes)) - 1);
}

// Addresses of every alignment, and across a page.
std::vector<U> addresses() {
    std::vector<U> result;
    for (U offset = 0; offset < 9; ++offset)
        result.push_back(SingleStep::kData + offset);
    for (U offset = 0; offset < 9; ++offset)
        result.push_back(SingleStep::kData + 4096 - 8 + offset);
    return result;
}

TEST(Semantics, LoadsOfAllWidthsAtAllAlignments) {
    SingleStep machine;
    for (const U address : addresses())
        for (const U value : kCorners)
            for (unsigned funct3 = 0; funct3 < 7; ++funct3) {
                const unsigned bytes = 1u << (funct3 & 3);
                machine.guest().put(address, value);
                machine.state().x[6] = address - 24;
                ASSERT_TRUE(machine.run(assemble::load(funct3, 5, 6, 24)));
                const U expected = funct3 < 4 ? sign_extend(value, bytes) : zero_extend(value, bytes);
                ASSERT_EQ(machine.state().x[5], expected) << funct3 << std::hex << " at " << address;
            }
}

TEST(Semantics, StoresOfAllWidthsAtAllAlignments) {
    SingleStep machine;
    for (const U address : addresses())
        for (const U value : kCorners)
            for (unsigned funct3 = 0; funct3 < 4; ++funct3) {
                const unsigned bytes = 1u << funct3;
                machine.guest().put(address - 8, U{0x1111111111111111});
                machine.guest().put(address, U{0x2222222222222222});
                machine.guest().put(address + 8, U{0x3333333333333333});
                machine.state().x[6] = address + 2048;
                machine.state().x[7] = value;
                ASSERT_TRUE(machine.run(assemble::store(funct3, 7, 6, -2048)));
                const U kept = bytes == 8 ? 0 : U{0x2222222222222222} << (8 * bytes);
                ASSERT_EQ(machine.guest().get<U>(address),
                          (kept & ~zero_extend(~U{0}, bytes)) | zero_extend(value, bytes));
                ASSERT_EQ(machine.guest().get<U>(address - 8), 0x1111111111111111u);
                ASSERT_EQ(machine.guest().get<U>(address + 8), 0x3333333333333333u);
            }
}

TEST(Semantics, LoadIntoItsOwnBase) {
    SingleStep machine;
    machine.guest().put(SingleStep::kData, U{0x1234});
    machine.state().x[6] = SingleStep::kData;
    ASSERT_TRUE(machine.run(assemble::load(3, 6, 6, 0)));
    EXPECT_EQ(machine.state().x[6], 0x1234u);
}

TEST(Semantics, AccessesOutsideMemoryFaultAndChangeNothing) {
    SingleStep machine;
    const U end = kRam + (1 << 20);
    for (const U address : {U{0}, U{8}, kRam - 8, end, end + 4096, ~U{0} - 7, U{1} << 56})
        for (unsigned funct3 = 0; funct3 < 4; ++funct3) {
            machine.state().x[6] = address;
            machine.state().x[5] = 99;
            EXPECT_FALSE(machine.run(assemble::load(funct3, 5, 6, 0)));
            EXPECT_EQ(machine.cause(), static_cast<U>(Cause::LoadAccessFault)) << std::hex << address;
            EXPECT_EQ(machine.trap_value(), address);
            EXPECT_EQ(machine.state().x[5], 99u);
            EXPECT_FALSE(machine.run(assemble::store(funct3, 5, 6, 0)));
            EXPECT_EQ(machine.cause(), static_cast<U>(Cause::StoreAccessFault));
            EXPECT_EQ(machine.trap_value(), address);
        }
    // Partly outside.
    machine.guest().put(end - 8, U{0x5555555555555555});
    machine.state().x[6] = end - 4;
    EXPECT_FALSE(machine.run(assemble::load(3, 5, 6, 0)));
    EXPECT_EQ(machine.cause(), static_cast<U>(Cause::LoadAccessFault));
    EXPECT_FALSE(machine.run(assemble::store(3, 5, 6, 0)));
    EXPECT_EQ(machine.cause(), static_cast<U>(Cause::StoreAccessFault));
    EXPECT_EQ(machine.guest().get<U>(end - 8), 0x5555555555555555u);
}

// ---------------------------------------------------------------- atomics
struct AtomicForm {
    const char* name;
    unsigned funct5;
    U (*model)(U memory, U operand); // both sign-extended for words
};

constexpr AtomicForm kAtomicForms[] = {
    {"amoswap", 0x01, [](U, U b) { return b; }},
    {"amoadd", 0x00, [](U a, U b) { return a + b; }},
    {"amoxor", 0x04, [](U a, U b) { return a ^ b; }},
    {"amoand", 0x0c, [](U a, U b) { return a & b; }},
    {"amoor", 0x08, [](U a, U b) { return a | b; }},
    {"amomin", 0x10, [](U a, U b) { return static_cast<S>(a) < static_cast<S>(b) ? a : b; }},
    {"amomax", 0x14, [](U a, U b) { return static_cast<S>(a) > static_cast<S>(b) ? a : b; }},
    // Sign extension keeps the order of unsigned words.
    {"amominu", 0x18, [](U a, U b) { return a < b ? a : b; }},
    {"amomaxu", 0x1c, [](U a, U b) { return a > b ? a : b; }},
};

TEST(Semantics, AtomicsOfBothWidths) {
    SingleStep machine;
    const U address = SingleStep::kData;
    for (const AtomicForm& form : kAtomicForms)
        for (unsigned width = 4; width <= 8; width += 4)
            for (const U memory : kCorners)
                for (const U operand : kCorners) {
                    machine.guest().put(address, memory);
                    machine.state().x[6] = address;
                    machine.state().x[7] = operand;
                    ASSERT_TRUE(machine.run(assemble::amo(width == 4 ? 2 : 3, form.funct5, 5, 6, 7)));
                    const U old = sign_extend(memory, width);
                    const U result = form.model(old, sign_extend(operand, width));
                    ASSERT_EQ(machine.state().x[5], old) << form.name;
                    const U expected =
                        width == 8 ? result : (memory & ~U{0xffffffff}) | zero_extend(result, 4);
                    ASSERT_EQ(machine.guest().get<U>(address), expected)
                        << form.name << width << std::hex << " of " << memory << " and " << operand;
                }
}

TEST(Semantics, AtomicsMayOverwriteTheirOperands) {
    SingleStep machine;
    for (const unsigned rd : {6u, 7u}) {
        machine.guest().put(SingleStep::kData, U{40});
        machine.state().x[6] = SingleStep::kData;
        machine.state().x[7] = 2;
        ASSERT_TRUE(machine.run(assemble::amo(3, 0x00, rd, 6, 7)));
        EXPECT_EQ(machine.state().x[rd], 40u);
        EXPECT_EQ(machine.guest().get<U>(SingleStep::kData), 42u);
    }
}

TEST(Semantics, MisalignedAtomicsTrap) {
    SingleStep machine;
    for (unsigned width = 2; width <= 3; ++width)
        for (U offset = 1; offset < (U{1} << width); ++offset) {
            machine.state().x[6] = SingleStep::kData + offset;
            EXPECT_FALSE(machine.run(assemble::amo(width, 0x00, 5, 6, 7)));
            EXPECT_EQ(machine.cause(), static_cast<U>(Cause::StoreMisaligned));
            EXPECT_EQ(machine.trap_value(), SingleStep::kData + offset);
            EXPECT_FALSE(machine.run(assemble::amo(width, 0x02, 5, 6, 0)));
            EXPECT_EQ(machine.cause(), static_cast<U>(Cause::LoadMisaligned));
        }
}

constexpr unsigned kLoadReserved = 0x02, kStoreConditional = 0x03;

TEST(Semantics, StoreConditionalSucceedsOnceAfterLoadReserved) {
    SingleStep machine;
    for (unsigned width = 2; width <= 3; ++width) {
        machine.guest().put(SingleStep::kData, U{0xffff'ffff'8000'0001});
        machine.state().x[6] = SingleStep::kData;
        machine.state().x[7] = 0x1'2345'6789;
        ASSERT_TRUE(machine.run(assemble::amo(width, kLoadReserved, 5, 6, 0)));
        EXPECT_EQ(machine.state().x[5], 0xffff'ffff'8000'0001u);
        ASSERT_TRUE(machine.run(assemble::amo(width, kStoreConditional, 5, 6, 7)));
        EXPECT_EQ(machine.state().x[5], 0u);
        EXPECT_EQ(machine.guest().get<U>(SingleStep::kData),
                  width == 2 ? 0xffff'ffff'2345'6789u : 0x1'2345'6789u);
        ASSERT_TRUE(machine.run(assemble::amo(width, kStoreConditional, 5, 6, 6)));
        EXPECT_EQ(machine.state().x[5], 1u);
    }
}

TEST(Semantics, StoreConditionalFailsElsewhere) {
    SingleStep machine;
    machine.state().x[6] = SingleStep::kData;
    ASSERT_TRUE(machine.run(assemble::amo(3, kLoadReserved, 5, 6, 0)));
    machine.state().x[6] = SingleStep::kData + 64;
    machine.guest().put(SingleStep::kData + 64, U{5});
    ASSERT_TRUE(machine.run(assemble::amo(3, kStoreConditional, 5, 6, 6)));
    EXPECT_EQ(machine.state().x[5], 1u);
    EXPECT_EQ(machine.guest().get<U>(SingleStep::kData + 64), 5u);
    // Nor afterwards at the first place.
    machine.state().x[6] = SingleStep::kData;
    ASSERT_TRUE(machine.run(assemble::amo(3, kStoreConditional, 5, 6, 6)));
    EXPECT_EQ(machine.state().x[5], 1u);
}

TEST(Semantics, AtomicsOutsideMemoryAreStoreFaults) {
    SingleStep machine;
    machine.state().x[6] = 0x1000;
    EXPECT_FALSE(machine.run(assemble::amo(3, 0x00, 5, 6, 7)));
    EXPECT_EQ(machine.cause(), static_cast<U>(Cause::StoreAccessFault));
    EXPECT_FALSE(machine.run(assemble::amo(3, kLoadReserved, 5, 6, 0)));
    EXPECT_EQ(machine.cause(), static_cast<U>(Cause::LoadAccessFault));
}

} // namespace

} // namespace ashlar::jit::test
