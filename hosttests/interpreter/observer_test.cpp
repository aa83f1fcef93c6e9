// An observer hears of every translation, and of their end.
#include "jit/code_observer.h"

#include "hosttests/interpreter/guest.h"
#include "jit/ir/block.h"

namespace ashlar::jit::test {

namespace {

using namespace assemble;

class Recorder final : public CodeObserver {
public:
    struct Record {
        std::string name;
        unsigned tier;
        std::uint64_t pc, physical, instructions;
        std::vector<std::byte> guest;
        Bytes code;
        std::vector<CodeMark> marks;
    };
    void block_lifted(const GuestCode& guest, const ir::Block& block) override {
        EXPECT_EQ(guest.instructions, block.guest_instructions());
        lifted.push_back(record("ir", 0, &guest, {}));
    }
    void code_emitted(const EmittedCode& code) override {
        ASSERT_LE(code.guest.size(), 1u);
        emitted.push_back(record(std::string(code.name), code.tier,
                                 code.guest.empty() ? nullptr : &code.guest.front(), code.code));
        emitted.back().marks.assign(code.marks.begin(), code.marks.end());
    }
    void code_flushed() override { ++flushes; }

    std::vector<Record> lifted, emitted;
    unsigned flushes = 0;

private:
    static Record record(std::string name, unsigned tier, const GuestCode* guest, Bytes code) {
        if (guest == nullptr)
            return {std::move(name), tier, 0, 0, 0, {}, code, {}};
        return {std::move(name),
                tier,
                guest->virtual_address.value(),
                guest->physical_address.value(),
                guest->instructions,
                {guest->bytes.begin(), guest->bytes.end()},
                code,
                {}};
    }
};

// A guest that compiles its blocks the third time that they run, whatever the tier of the tests.
class Observed {
public:
    explicit Observed(unsigned promote_after = 3)
        : guest(1 << 20, {.native_code = memory_.get(),
                          .promote_after = promote_after,
                          .optimize_after = 0,
                          .observer = &seen}) {}

    Recorder seen;

private:
    hosted::HostedCodeMemory memory_{std::size_t{1} << 20};

public:
    Guest guest;
};

TEST(Observer, HearsOfBlocksAndOfTheirHostCode) {
    Observed observed;
    Guest& guest = observed.guest;
    guest.state().x[2] = 5;
    guest.code(kRam, {addi(2, 2, -1), branch(1, 2, 0, -4), kWfi});
    ASSERT_EQ(guest.run(), Stop::WaitForInterrupt);

    const auto& lifted = observed.seen.lifted;
    ASSERT_EQ(lifted.size(), 2u); // the loop, and what comes after it
    EXPECT_EQ(lifted[0].pc, kRam);
    EXPECT_EQ(lifted[0].physical, kRam);
    EXPECT_EQ(lifted[0].instructions, 2u);
    EXPECT_EQ(lifted[0].guest.size(), 8u);
    EXPECT_EQ(lifted[1].pc, kRam + 8);

    const auto& emitted = observed.seen.emitted;
    ASSERT_EQ(emitted.size(), 2u);
    EXPECT_EQ(emitted[0].guest.size(), 0u); // what blocks share comes first
    EXPECT_FALSE(emitted[0].code.empty());
    EXPECT_EQ(emitted[1].name, "block");
    EXPECT_EQ(emitted[1].tier, 1u);
    EXPECT_EQ(emitted[1].pc, kRam);
    EXPECT_EQ(emitted[1].guest, lifted[0].guest);
    EXPECT_GE(emitted[1].code.data(), emitted[0].code.data() + emitted[0].code.size());

    EXPECT_EQ(observed.seen.flushes, 0u);
    guest.engine->flush_code();
    EXPECT_EQ(observed.seen.flushes, 1u);
}

TEST(Observer, LearnsWhichInstructionHostCodeIsOf) {
    Observed observed(1);
    Guest& guest = observed.guest;
    guest.code(kRam, {addi(1, 0, 1), store(2, 1, 2, 0), csrrs(3, 0x304, 0), jal(0, 4), kWfi});
    guest.state().x[2] = kRam + 0x1000;
    ASSERT_EQ(guest.run(), Stop::WaitForInterrupt);
    ASSERT_GE(observed.seen.emitted.size(), 2u);
    const Recorder::Record& block = observed.seen.emitted[1];
    std::vector<std::uint32_t> order; // guest offsets, 100 for data, 200 for none
    std::uint32_t position = 0;
    for (const CodeMark& mark : block.marks) {
        EXPECT_TRUE(order.empty() ? mark.host_offset == 0 : mark.host_offset > position);
        position = mark.host_offset;
        order.push_back(mark.part == 0 ? mark.guest_offset : mark.part == CodeMark::kData ? 100 : 200);
    }
    EXPECT_LT(position, block.code.size());
    // The CSR is read by a handler; then the store's slow path, and the way out.
    EXPECT_EQ(order, (std::vector<std::uint32_t>{0, 4, 8, 100, 12, 4, 100, 4, 200, 100}));
}

TEST(Observer, GathersAnInstructionAcrossPages) {
    Observed observed(1);
    Guest& guest = observed.guest;
    const std::uint64_t start = kRam + kPageSize - 2;
    guest.code(start, {addi(3, 0, 7), kWfi});
    guest.state().pc = start;
    ASSERT_EQ(guest.run(), Stop::WaitForInterrupt);
    const auto& emitted = observed.seen.emitted;
    ASSERT_GE(emitted.size(), 2u);
    EXPECT_EQ(emitted[1].pc, start);
    ASSERT_EQ(emitted[1].guest.size(), 4u);
    EXPECT_EQ(load_le<std::uint32_t>(emitted[1].guest.data()), addi(3, 0, 7));
}

} // namespace

} // namespace ashlar::jit::test
