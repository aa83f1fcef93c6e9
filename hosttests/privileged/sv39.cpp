// Address translation: the rules of the Sv39 walk, one by one.
#include "jit/frontend/riscv64/translate.h"

#include <array>
#include <random>
#include <vector>

#include "hosttests/privileged/hart_fixture.h"
#include "jit/frontend/riscv64/page_table.h"
#include "jit/guest_memory.h"

namespace ashlar::jit::riscv64::test {

namespace {

constexpr std::uint64_t kV = 1, kR = 2, kW = 4, kX = 8, kU = 16, kG = 32, kA = 64, kD = 128;
constexpr std::uint64_t kRwxAd = kV | kR | kW | kX | kA | kD;
constexpr std::uint64_t kRam = 0x8000'0000, kRamSize = 0x10'0000;
constexpr std::uint64_t kRoot = kRam + 0x1000, kMiddle = kRam + 0x2000, kLow = kRam + 0x3000;
// Maps through entries 2, 3 and 5 of the three tables; the frame lies in RAM.
constexpr std::uint64_t kVirtual = 2u << 30 | 3u << 21 | 5u << 12, kFrame = kRam + 0x8000;

class Recorder final : public CodeWriteObserver {
public:
    void code_page_written(GuestPhysicalAddress address, std::uint64_t) override {
        pages.push_back(address.align_down(kPageSize).value());
    }
    std::vector<std::uint64_t> pages;
};

class Sv39Test : public HartTest {
protected:
    Sv39Test() {
        hart.control.privilege = Privilege::Supervisor;
        hart.control.pmp.configuration[0] = 0x1F;
        hart.control.pmp.address[0] = ~std::uint64_t{0} >> 10;
        hart.control.satp = std::uint64_t{8} << 60 | kRoot >> 12;
        point(kRoot + 2 * 8, kMiddle);
        point(kMiddle + 3 * 8, kLow);
        map(kRwxAd);
    }

    void put(std::uint64_t address, std::uint64_t entry) {
        ASSERT_TRUE(memory.store(GuestPhysicalAddress(address), entry).ok());
    }
    std::uint64_t get(std::uint64_t address) {
        return memory.load<std::uint64_t>(GuestPhysicalAddress(address)).value_or(0);
    }
    void point(std::uint64_t location, std::uint64_t table) { put(location, table >> 12 << 10 | kV); }
    // The leaf of kVirtual.
    static constexpr std::uint64_t kLeaf = kLow + 5 * 8;
    void map(std::uint64_t flags, std::uint64_t frame = kFrame) { put(kLeaf, frame >> 12 << 10 | flags); }

    TranslationResult access(std::uint64_t address, AccessType type, std::uint64_t length = 1) {
        return translate(hart, memory, GuestVirtualAddress(address), length, type);
    }
    // Whether accesses of that type may rely on the page.
    bool grants(const TranslationResult& result, AccessType type) const {
        return (result.translation.denies & needs(hart, type)) == 0;
    }
    void expect_fault(std::uint64_t address, AccessType type, bool page_fault) {
        constexpr Cause kPage[] = {Cause::InstructionPageFault, Cause::LoadPageFault, Cause::StorePageFault};
        constexpr Cause kAccess[] = {Cause::InstructionAccessFault, Cause::LoadAccessFault,
                                     Cause::StoreAccessFault};
        const TranslationResult result = access(address, type);
        ASSERT_FALSE(result.ok);
        EXPECT_EQ(result.cause, (page_fault ? kPage : kAccess)[static_cast<int>(type)]);
    }
    // All three kinds of access.
    void expect_page_faults(std::uint64_t address = kVirtual) {
        for (const AccessType type : {AccessType::Fetch, AccessType::Load, AccessType::Store})
            expect_fault(address, type, true);
    }
    void expect_access_faults(std::uint64_t address = kVirtual) {
        for (const AccessType type : {AccessType::Fetch, AccessType::Load, AccessType::Store})
            expect_fault(address, type, false);
    }

    alignas(kPageSize) std::array<std::byte, kRamSize> bytes{};
    std::array<std::uint8_t, kRamSize / kPageSize> code_pages{};
    GuestMemory memory{GuestPhysicalAddress(kRam), bytes, code_pages.data()};
};

} // namespace

TEST_F(Sv39Test, maps_pages_of_three_sizes) {
    TranslationResult result = access(kVirtual + 0x123, AccessType::Load);
    ASSERT_TRUE(result.ok);
    EXPECT_EQ(result.translation.address.value(), kFrame + 0x123);
    EXPECT_EQ(result.translation.page_size(), 0x1000u);
    EXPECT_TRUE(result.translation.uniform);

    put(kMiddle + 3 * 8, 0x8020'0000u >> 12 << 10 | kRwxAd);
    result = access(kVirtual + 0x123, AccessType::Load);
    ASSERT_TRUE(result.ok);
    EXPECT_EQ(result.translation.address.value(), 0x8020'0000u + 0x5123);
    EXPECT_EQ(result.translation.page_size(), 0x20'0000u);
    EXPECT_TRUE(result.translation.whole);
    EXPECT_FALSE(result.translation.identity);

    put(kRoot + 2 * 8, 0x4000'0000u >> 12 << 10 | kRwxAd | kG);
    result = access(kVirtual + 0x123, AccessType::Store);
    ASSERT_TRUE(result.ok);
    EXPECT_EQ(result.translation.address.value(), 0x4000'0000u + 0x60'5123);
    EXPECT_EQ(result.translation.page_size(), 0x4000'0000u);
    EXPECT_TRUE(result.translation.global);
}

TEST_F(Sv39Test, bare_mode_and_machine_mode_do_not_translate) {
    hart.control.satp = 0;
    EXPECT_EQ(access(kFrame, AccessType::Store).translation.address.value(), kFrame);
    hart.control.satp = std::uint64_t{8} << 60 | kRoot >> 12;
    hart.control.privilege = Privilege::Machine;
    const TranslationResult result = access(kFrame, AccessType::Fetch);
    EXPECT_TRUE(result.ok && grants(result, AccessType::Load) && grants(result, AccessType::Store) &&
                grants(result, AccessType::Fetch));
    EXPECT_TRUE(result.translation.identity);
    EXPECT_EQ(result.translation.address.value(), kFrame);
}

TEST_F(Sv39Test, addresses_must_be_sign_extended_from_bit_38) {
    point(kRoot + 255 * 8, kMiddle);
    point(kRoot + 256 * 8, kMiddle);
    constexpr std::uint64_t kOffset = 3u << 21 | 5u << 12;
    EXPECT_TRUE(access(0x0000'003F'C000'0000 + kOffset, AccessType::Load).ok);
    EXPECT_TRUE(access(0xFFFF'FFC0'0000'0000 + kOffset, AccessType::Load).ok);
    expect_page_faults(0x0000'0040'0000'0000 + kOffset);
    expect_page_faults(0xFFFF'FF80'0000'0000 + kOffset);
    expect_page_faults(0x8000'0000'0000'0000 + kVirtual);
}

struct LeafCase {
    std::uint64_t flags, status;
    Privilege privilege;
    bool fetch, load, store;
};

TEST_F(Sv39Test, rights) {
    constexpr Privilege kS = Privilege::Supervisor, kUser = Privilege::User;
    constexpr std::uint64_t kSum = mstatus::kSum, kMxr = mstatus::kMxr;
    constexpr LeafCase kCases[] = {
        // R, W and X
        {kV | kR, 0, kS, false, true, false},
        {kV | kX, 0, kS, true, false, false},
        {kV | kR | kX, 0, kS, true, true, false},
        {kV | kR | kW, 0, kS, false, true, true},
        {kV | kR | kW | kX, 0, kS, true, true, true},
        {kV | kW, 0, kS, false, false, false},
        {kV | kW | kX, 0, kS, false, false, false},
        {kR | kW | kX, 0, kS, false, false, false}, // not valid
        // MXR makes executable pages readable
        {kV | kX, kMxr, kS, true, true, false},
        {kV | kX | kU, kMxr, kUser, true, true, false},
        {kV | kR, kMxr, kS, false, true, false},
        // U and SUM
        {kV | kR | kW | kX, 0, kUser, false, false, false},
        {kV | kR | kW | kX, kSum, kUser, false, false, false},
        {kV | kR | kW | kX | kU, 0, kUser, true, true, true},
        {kV | kR | kW | kX | kU, kSum, kUser, true, true, true},
        {kV | kR | kW | kX | kU, 0, kS, false, false, false},
        {kV | kR | kW | kX | kU, kSum, kS, false, true, true},
        {kV | kX | kU, kSum | kMxr, kS, false, true, false},
        {kV | kX | kU, kSum, kS, false, false, false},
    };
    for (const LeafCase& row : kCases) {
        SCOPED_TRACE(testing::Message() << std::hex << "pte " << row.flags << " status " << row.status
                                        << " mode " << static_cast<int>(row.privilege));
        hart.control.mstatus = row.status;
        hart.control.privilege = row.privilege;
        for (const auto& [type, allowed] : {std::pair{AccessType::Fetch, row.fetch},
                                            {AccessType::Load, row.load},
                                            {AccessType::Store, row.store}}) {
            map(row.flags | kA | kD);
            const TranslationResult result = access(kVirtual, type);
            EXPECT_EQ(result.ok, allowed) << static_cast<int>(type);
            if (!result.ok)
                continue;
            EXPECT_EQ(grants(result, AccessType::Fetch), row.fetch);
            EXPECT_EQ(grants(result, AccessType::Load), row.load);
            EXPECT_EQ(grants(result, AccessType::Store), row.store);
        }
    }
}

TEST_F(Sv39Test, reserved_bits_fault) {
    for (unsigned reserved = 54; reserved < 64; ++reserved) {
        SCOPED_TRACE(reserved);
        const std::uint64_t mask = std::uint64_t{1} << reserved;
        map(kRwxAd | mask);
        expect_page_faults();
        map(kRwxAd);
        point(kMiddle + 3 * 8, kLow);
        put(kMiddle + 3 * 8, get(kMiddle + 3 * 8) | mask);
        expect_page_faults();
        point(kMiddle + 3 * 8, kLow);
        EXPECT_TRUE(access(kVirtual, AccessType::Load).ok);
    }
    // RSW, bits 8 and 9, are software's.
    map(kRwxAd | 0x300);
    EXPECT_TRUE(access(kVirtual, AccessType::Load).ok);
}

TEST_F(Sv39Test, pointers_must_have_a_d_and_u_clear) {
    for (const std::uint64_t flag : {kA, kD, kU}) {
        put(kMiddle + 3 * 8, kLow >> 12 << 10 | kV | flag);
        expect_page_faults();
    }
    put(kMiddle + 3 * 8, kLow >> 12 << 10 | kV | kG);
    const TranslationResult result = access(kVirtual, AccessType::Load);
    EXPECT_TRUE(result.ok && result.translation.global) << "G in a pointer covers all below";
}

TEST_F(Sv39Test, a_pointer_at_the_last_level_faults) {
    map(kV);
    expect_page_faults();
}

TEST_F(Sv39Test, superpages_must_be_aligned) {
    put(kMiddle + 3 * 8, 0x8020'1000u >> 12 << 10 | kRwxAd);
    expect_page_faults();
    put(kRoot + 2 * 8, 0x4020'0000u >> 12 << 10 | kRwxAd);
    expect_page_faults();
}

TEST_F(Sv39Test, accessed_and_dirty_are_set_on_demand) {
    map(kV | kR | kW | kX);
    TranslationResult result = access(kVirtual, AccessType::Load);
    EXPECT_TRUE(result.ok && grants(result, AccessType::Load));
    EXPECT_FALSE(grants(result, AccessType::Store)) << "the first store has to walk again";
    EXPECT_EQ(get(kLeaf) & (kA | kD), kA);
    result = access(kVirtual, AccessType::Store);
    EXPECT_TRUE(result.ok && grants(result, AccessType::Store));
    EXPECT_EQ(get(kLeaf) & (kA | kD), kA | kD);

    map(kV | kR | kW | kX);
    EXPECT_TRUE(access(kVirtual, AccessType::Fetch).ok);
    EXPECT_EQ(get(kLeaf) & (kA | kD), kA);
}

TEST_F(Sv39Test, a_refused_access_sets_neither_bit) {
    map(kV | kR);
    expect_fault(kVirtual, AccessType::Store, true);
    map(kV | kR | kU);
    expect_page_faults();
    EXPECT_EQ(get(kLeaf) & (kA | kD), 0u);
    // A misaligned superpage neither.
    put(kMiddle + 3 * 8, 0x8020'1000u >> 12 << 10 | kV | kR | kW);
    expect_fault(kVirtual, AccessType::Store, true);
    EXPECT_EQ(get(kMiddle + 3 * 8) & (kA | kD), 0u);
}

TEST_F(Sv39Test, setting_bits_in_a_page_with_code_is_announced) {
    Recorder recorder;
    memory.set_observer(&recorder);
    memory.mark_code_page(GuestPhysicalAddress(kLow), true);
    map(kV | kR);
    recorder.pages.clear();
    EXPECT_TRUE(access(kVirtual, AccessType::Load).ok);
    EXPECT_EQ(recorder.pages, std::vector<std::uint64_t>{kLow});
    EXPECT_TRUE(access(kVirtual, AccessType::Load).ok);
    EXPECT_EQ(recorder.pages.size(), 1u) << "nothing was written the second time";
}

// Another hart that changes the leaf just before A is set in it: the announcement of the write comes in
// between.
class Meddler final : public CodeWriteObserver {
public:
    Meddler(GuestMemory& target, std::uint64_t new_entry) : memory(target), entry(new_entry) {}
    void code_page_written(GuestPhysicalAddress address, std::uint64_t) override {
        memory.mark_code_page(address, false);
        EXPECT_TRUE(memory.store(GuestPhysicalAddress(kLow + 5 * 8), entry).ok());
    }
    GuestMemory& memory;
    std::uint64_t entry;
};

TEST_F(Sv39Test, a_leaf_that_changes_under_the_walk_is_read_again) {
    for (const bool stays_valid : {true, false}) {
        map(kV | kR);
        const std::uint64_t other = (kFrame + 0x1000) >> 12 << 10 | kR | (stays_valid ? kV : 0);
        Meddler meddler(memory, other);
        memory.set_observer(&meddler);
        memory.mark_code_page(GuestPhysicalAddress(kLow), true);
        const TranslationResult result = access(kVirtual, AccessType::Load);
        EXPECT_EQ(result.ok, stays_valid);
        if (stays_valid) {
            EXPECT_EQ(result.translation.address.value(), kFrame + 0x1000);
        }
        EXPECT_EQ(get(kLeaf), stays_valid ? other | kA : other);
        memory.set_observer(nullptr);
    }
}

TEST_F(Sv39Test, page_tables_outside_ram_are_access_faults) {
    hart.control.satp = std::uint64_t{8} << 60 | 0x1000'0000u >> 12;
    expect_access_faults();
    hart.control.satp = std::uint64_t{8} << 60 | kRoot >> 12;
    point(kMiddle + 3 * 8, kRam + kRamSize);
    expect_access_faults();
    put(kMiddle + 3 * 8, (~std::uint64_t{0} >> 20) << 10 | kV); // the highest physical page
    expect_access_faults();
}

TEST_F(Sv39Test, pmp_applies_to_page_tables_as_supervisor) {
    const auto restrict_page = [&](std::uint64_t page, std::uint8_t rights) {
        hart.control.pmp.configuration = {};
        hart.control.pmp.configuration[0] = static_cast<std::uint8_t>(0x18 | rights);
        hart.control.pmp.address[0] = page >> 2 | 0x1FF;
        hart.control.pmp.configuration[1] = 0x1F;
        hart.control.pmp.address[1] = ~std::uint64_t{0} >> 10;
    };
    for (const std::uint64_t table : {kRoot, kMiddle, kLow}) {
        restrict_page(table, 0);
        expect_access_faults();
    }
    // Readable tables will do until a bit has to be set.
    restrict_page(kLow, 1);
    EXPECT_TRUE(access(kVirtual, AccessType::Store).ok);
    map(kV | kR | kW | kX);
    expect_access_faults();
    EXPECT_EQ(get(kLeaf) & (kA | kD), 0u);
    // Even when a locked entry binds M-mode itself, the walk is S-mode's; with MPRV too.
    hart.control.privilege = Privilege::Machine;
    hart.control.mstatus = mstatus::kMprv | 1u << 11;
    expect_fault(kVirtual, AccessType::Load, false);
}

TEST_F(Sv39Test, pmp_applies_to_the_final_address) {
    hart.control.pmp.configuration[0] = 0x18 | 1; // the frame: read only
    hart.control.pmp.address[0] = kFrame >> 2 | 0x1FF;
    hart.control.pmp.configuration[1] = 0x1F;
    hart.control.pmp.address[1] = ~std::uint64_t{0} >> 10;
    const TranslationResult result = access(kVirtual, AccessType::Load);
    ASSERT_TRUE(result.ok);
    EXPECT_TRUE(grants(result, AccessType::Load) && !grants(result, AccessType::Store) &&
                !grants(result, AccessType::Fetch));
    expect_fault(kVirtual, AccessType::Store, false);
    expect_fault(kVirtual, AccessType::Fetch, false);
}

TEST_F(Sv39Test, pmp_that_splits_a_page_makes_the_result_single_use) {
    hart.control.pmp.configuration[0] = 0x10 | 1; // four bytes, read only
    hart.control.pmp.address[0] = (kFrame + 0x100) >> 2;
    hart.control.pmp.configuration[1] = 0x1F;
    hart.control.pmp.address[1] = ~std::uint64_t{0} >> 10;
    TranslationResult result = access(kVirtual + 0x200, AccessType::Store, 8);
    ASSERT_TRUE(result.ok);
    EXPECT_FALSE(result.translation.uniform);
    EXPECT_TRUE(grants(result, AccessType::Store));
    expect_fault(kVirtual + 0x100, AccessType::Store, false);
    EXPECT_TRUE(access(kVirtual + 0x100, AccessType::Load, 4).ok);
    EXPECT_FALSE(access(kVirtual + 0x100, AccessType::Load, 8).ok);
}

TEST_F(Sv39Test, pmp_that_splits_a_superpage_leaves_its_pages_usable) {
    put(kMiddle + 3 * 8, 0x8020'0000u >> 12 << 10 | kRwxAd);
    hart.control.pmp.configuration[0] = 0x18; // one page of it: nothing
    hart.control.pmp.address[0] = 0x8021'0000u >> 2 | 0x1FF;
    hart.control.pmp.configuration[1] = 0x1F;
    hart.control.pmp.address[1] = ~std::uint64_t{0} >> 10;
    const TranslationResult result = access(kVirtual, AccessType::Load);
    ASSERT_TRUE(result.ok);
    EXPECT_EQ(result.translation.page_size(), 0x20'0000u); // a fence anywhere in it is for all of it
    EXPECT_TRUE(result.translation.uniform);
    EXPECT_FALSE(result.translation.whole);
    EXPECT_EQ(result.translation.address.value(), 0x8020'5000u);
    EXPECT_FALSE(access(kVirtual - 0x5000 + 0x1'0000, AccessType::Load).ok);
}

TEST_F(Sv39Test, mprv_borrows_the_stacked_mode_for_loads_and_stores) {
    hart.control.privilege = Privilege::Machine;
    for (const Privilege mode : {Privilege::User, Privilege::Supervisor, Privilege::Machine}) {
        hart.control.mstatus = mstatus::kMprv | static_cast<std::uint64_t>(mode) << 11;
        EXPECT_EQ(effective_privilege(hart, AccessType::Load), mode);
        EXPECT_EQ(effective_privilege(hart, AccessType::Store), mode);
        EXPECT_EQ(effective_privilege(hart, AccessType::Fetch), Privilege::Machine);
    }
    hart.control.mstatus = mstatus::kMprv | 1u << 11;
    EXPECT_EQ(access(kVirtual, AccessType::Load).translation.address.value(), kFrame);
    EXPECT_EQ(access(kFrame, AccessType::Fetch).translation.address.value(), kFrame);
    map(kRwxAd | kU);
    expect_fault(kVirtual, AccessType::Load, true);
    hart.control.mstatus |= mstatus::kSum;
    EXPECT_TRUE(access(kVirtual, AccessType::Load).ok);
    hart.control.mstatus = mstatus::kMprv; // user
    EXPECT_TRUE(access(kVirtual, AccessType::Load).ok);
}

TEST_F(Sv39Test, physical_addresses_have_56_bits) {
    hart.control.satp = 0;
    expect_access_faults(std::uint64_t{1} << 56);
    expect_access_faults(0xFFFF'FFFF'FFFF'F000);
}

// Tables of random entries, mostly good ones: what the short walk finds is what the long one says.
TEST_F(Sv39Test, the_plain_walk_finds_nothing_else) {
    std::mt19937_64 random(1);
    unsigned found = 0;
    for (int turn = 0; turn < 20000; ++turn) {
        const auto entry = [&](std::uint64_t table, unsigned level, std::uint64_t next) {
            std::uint64_t flags = random() % 4 != 0 ? kV : kRwxAd;
            if (level == 0 || random() % 4 == 0)
                flags = kV | (random() & 0xff);
            if (random() % 8 == 0)
                flags ^= std::uint64_t{1} << random() % 10;
            const std::uint64_t frame = random() % 8 == 0 ? random() % (kRam * 2) : next;
            const std::uint64_t reserved = random() % 16 == 0 ? std::uint64_t{1} << (54 + random() % 10) : 0;
            put(table, frame >> 12 << 10 | flags | reserved);
        };
        entry(kRoot + 2 * 8, 2, random() % 2 != 0 ? kMiddle : 0x8000'0000);
        entry(kMiddle + 3 * 8, 1, random() % 2 != 0 ? kLow : 0x8020'0000);
        entry(kLeaf, 0, kFrame);
        hart.control.privilege = random() % 2 != 0 ? Privilege::User : Privilege::Supervisor;
        hart.control.mstatus = random() % 2 != 0 ? mstatus::kSum : 0;
        const std::uint64_t address =
            kVirtual + random() % kPageSize + (random() % 16 == 0 ? random() << 39 : std::uint64_t{0});
        const auto type = static_cast<AccessType>(random() % 3);
        const PlainLeaf plain = walk_plainly(memory, kRoot >> 12, address, needs(hart, type));
        const TranslationResult quiet = look_up(hart, memory, GuestVirtualAddress(address), type);
        ASSERT_EQ(plain.entry != 0, quiet.ok) << turn;
        if (!quiet.ok)
            continue;
        ++found;
        ASSERT_EQ(plain.level, quiet.translation.level) << turn;
        ASSERT_EQ(plain.global, quiet.translation.global) << turn;
        ASSERT_EQ(denials_of_leaf(plain.entry, false), quiet.translation.denies) << turn;
        const std::uint64_t frame = pte::physical_page(plain.entry) << kPageShift;
        ASSERT_EQ(frame, quiet.translation.address.align_down(quiet.translation.page_size()).value()) << turn;
    }
    EXPECT_GT(found, 1000u);
}

} // namespace ashlar::jit::riscv64::test
