// Atomic operations where the TLB has the page, against plain models; with and without other threads that
// access guest memory.
#include <atomic>
#include <random>
#include <thread>

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;
using riscv64::Cause;

constexpr std::uint64_t kData = kRam + 0x4000;
constexpr unsigned kAdd = 0, kSwap = 1, kLoadReserved = 2, kStoreConditional = 3, kXor = 4, kOr = 8,
                   kAnd = 12, kMin = 16, kMax = 20, kMinU = 24, kMaxU = 28;

EngineOptions shared(bool is_shared) {
    EngineOptions options;
    options.shared_memory = is_shared;
    return options;
}

class Atomic : public testing::TestWithParam<bool> {
protected:
    Atomic() : guest(1 << 20, shared(GetParam())) {
        guest.state().control.mtvec = kRam + 0x800;
        guest.code(kRam + 0x800, {kWfi});
    }
    // Runs the code again, with what was translated and entered into the TLB before.
    void again() {
        guest.state().pc = kRam;
        EXPECT_EQ(guest.run(100000), Stop::WaitForInterrupt);
    }
    std::uint64_t& x(unsigned number) { return guest.state().x[number]; }
    Guest guest;
};
INSTANTIATE_TEST_SUITE_P(SharedMemory, Atomic, testing::Bool());

template <class T>
T model(unsigned operation, T memory, T value) {
    using S = std::make_signed_t<T>;
    switch (operation) {
    case kAdd: return static_cast<T>(memory + value);
    case kSwap: return value;
    case kXor: return memory ^ value;
    case kOr: return memory | value;
    case kAnd: return memory & value;
    case kMin: return static_cast<S>(memory) < static_cast<S>(value) ? memory : value;
    case kMax: return static_cast<S>(memory) > static_cast<S>(value) ? memory : value;
    case kMinU: return memory < value ? memory : value;
    default: return memory > value ? memory : value;
    }
}

template <class T>
std::uint64_t extend(T value) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::make_signed_t<T>>(value)));
}

TEST_P(Atomic, ReadModifyWrites) {
    std::mt19937_64 random(3);
    constexpr unsigned kOperations[] = {kAdd, kSwap, kXor, kOr, kAnd, kMin, kMax, kMinU, kMaxU};
    // Some are host registers in host code; the same ones may be chosen for several operands.
    constexpr unsigned kRegisters[] = {5, 6, 10, 11, 28};
    for (int i = 0; i < 600; ++i) {
        const unsigned operation = kOperations[random() % std::size(kOperations)];
        const bool wide = random() % 2 != 0;
        const unsigned rd = random() % 8 == 0 ? 0 : kRegisters[random() % 5], rs1 = kRegisters[random() % 5],
                       rs2 = random() % 8 == 0 ? 0 : kRegisters[random() % 5];
        guest.code(kRam, {amo(wide ? 3 : 2, operation, rd, rs1, rs2), kWfi});
        for (int time = 0; time < 4; ++time) {
            const std::uint64_t address = kData + 8 * (random() % 16), memory = random();
            guest.put(address, memory);
            x(rs2) = random() % 2 != 0 ? random() : static_cast<std::uint32_t>(random());
            x(0) = 0;
            x(rs1) = address;
            const std::uint64_t value = x(rs2);
            again();
            std::uint64_t expected = memory;
            if (wide)
                expected = model<std::uint64_t>(operation, memory, value);
            else
                expected = (memory & ~std::uint64_t{0xffffffff}) |
                           model<std::uint32_t>(operation, static_cast<std::uint32_t>(memory),
                                                static_cast<std::uint32_t>(value));
            ASSERT_EQ(guest.get<std::uint64_t>(address), expected) << operation << " wide " << wide;
            if (rd != 0) {
                ASSERT_EQ(x(rd), wide ? memory : extend(static_cast<std::uint32_t>(memory)));
            }
            ASSERT_EQ(x(0), 0u);
        }
    }
}

TEST_P(Atomic, MisalignedOnesTrapAlsoWhereTheTlbHits) {
    for (const unsigned f3 : {2u, 3u})
        for (const unsigned operation : {kAdd, kLoadReserved, kStoreConditional}) {
            guest.code(kRam, {amo(f3, operation, 10, 11, operation == kLoadReserved ? 0 : 12), kWfi});
            for (const std::uint64_t offset : {0, 0, 4, 2, 1, 0xffc, 0xffe}) {
                guest.state().control.mcause = 99;
                x(11) = kData + offset;
                again();
                const bool misaligned = offset % (f3 == 2 ? 4 : 8) != 0;
                const Cause cause =
                    operation == kLoadReserved ? Cause::LoadMisaligned : Cause::StoreMisaligned;
                EXPECT_EQ(guest.state().control.mcause, misaligned ? static_cast<std::uint64_t>(cause) : 99u)
                    << f3 << " " << operation << " " << offset;
            }
        }
}

TEST_P(Atomic, StoreConditionalNeedsItsReservation) {
    // x10: the word, x12: another; x13: what is stored; x14 and x15: what came of it
    const std::uint32_t reserve = amo(3, kLoadReserved, 11, 10, 0),
                        store_it = amo(3, kStoreConditional, 14, 10, 13);
    const auto run = [&](std::initializer_list<std::uint32_t> code) {
        guest.code(kRam, code);
        for (int time = 0; time < 4; ++time) {
            guest.state().reservation_valid = 0;
            guest.put<std::uint64_t>(kData, 5);
            guest.put<std::uint64_t>(kData + 8, 5);
            x(10) = kData;
            x(12) = kData + 8;
            x(13) = 7;
            x(14) = x(15) = 99;
            again();
        }
    };
    run({reserve, store_it, amo(3, kStoreConditional, 15, 10, 13), kWfi});
    EXPECT_EQ(x(11), 5u);
    EXPECT_EQ(x(14), 0u);
    EXPECT_EQ(x(15), 1u); // a reservation is for one
    EXPECT_EQ(guest.get<std::uint64_t>(kData), 7u);

    run({store_it, kWfi});
    EXPECT_EQ(x(14), 1u);
    EXPECT_EQ(guest.get<std::uint64_t>(kData), 5u);

    run({reserve, amo(3, kStoreConditional, 14, 12, 13), store_it, kWfi}); // elsewhere, which ends it too
    EXPECT_EQ(x(14), 1u);
    EXPECT_EQ(guest.get<std::uint64_t>(kData + 8), 5u);
    EXPECT_EQ(guest.get<std::uint64_t>(kData), 5u);

    run({reserve, store(3, 13, 10, 0), store_it, kWfi});
    EXPECT_EQ(x(14), 1u);

    run({amo(2, kLoadReserved, 11, 10, 0), addi(13, 0, -3), amo(2, kStoreConditional, 14, 10, 13), kWfi});
    EXPECT_EQ(x(14), 0u);
    EXPECT_EQ(guest.get<std::uint64_t>(kData), 0xfffffffdu);
}

TEST_P(Atomic, ChangesCode) {
    // Given: a function that was called, and an exchange of one of its instructions, twice
    guest.code(kRam + 0x2000, {addi(10, 10, 1), jalr(0, 5, 0)});
    x(1) = kRam + 0x2000;
    x(6) = addi(10, 10, 16);
    x(7) = addi(10, 10, 256);
    guest.code(kRam,
               {load(2, 9, 1, 0), jalr(5, 1, 0), amo(2, kSwap, 0, 1, 6), jalr(5, 1, 0),
                amo(2, kLoadReserved, 0, 1, 0), amo(2, kStoreConditional, 8, 1, 7), jalr(5, 1, 0), kWfi});
    again();
    EXPECT_EQ(x(10), 1u + 16 + 256);
    EXPECT_EQ(x(8), 0u);
}

TEST(SharedMemory, AtomicsOfTheGuestAndOfAnotherThreadAddUp) {
    Guest guest(1 << 20, shared(true));
    constexpr std::uint64_t kCount = 200000;
    guest.put<std::uint64_t>(kData, 0);
    auto& x = guest.state().x;
    x[10] = kData;
    x[11] = kCount;
    x[12] = 1;
    // amoadd, and an addition by lr and sc
    guest.code(kRam, {amo(3, kAdd, 0, 10, 12), amo(3, kLoadReserved, 13, 10, 0), addi(13, 13, 1),
                      amo(3, kStoreConditional, 14, 10, 13), branch(1, 14, 0, -12), addi(11, 11, -1),
                      branch(1, 11, 0, -24), kWfi});
    auto* const word = reinterpret_cast<std::uint64_t*>(guest.memory.host(GuestPhysicalAddress(kData)));
    std::atomic<bool> done = false;
    std::uint64_t others = 0;
    std::thread other([&] {
        for (; !done.load(std::memory_order_relaxed); ++others)
            __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
    });
    while (guest.run(100000) != Stop::WaitForInterrupt) {
    }
    done = true;
    other.join();
    EXPECT_EQ(guest.get<std::uint64_t>(kData), 2 * kCount + others);
}

} // namespace

} // namespace ashlar::jit::test
