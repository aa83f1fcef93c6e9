// Physical memory protection: matching, rights, locking.
#include "jit/frontend/riscv64/pmp.h"

#include "hosttests/privileged/hart_fixture.h"
#include "jit/frontend/riscv64/translate.h"

namespace ashlar::jit::riscv64::test {

namespace {

constexpr std::uint8_t kR = 1, kW = 2, kX = 4, kTor = 0x08, kNa4 = 0x10, kNapot = 0x18, kLocked = 0x80;
constexpr std::uint64_t kOnes = ~std::uint64_t{0};

class PmpTest : public HartTest {
protected:
    void set_entry(std::size_t entry, std::uint8_t configuration, std::uint64_t address) {
        hart.control.pmp.configuration[entry] = configuration;
        hart.control.pmp.address[entry] = address;
    }
    bool allows(std::uint64_t address, std::uint64_t length, AccessType type,
                Privilege privilege = Privilege::Supervisor) {
        return pmp_allows(hart, GuestPhysicalAddress(address), length, type, privilege);
    }
    bool may_load(std::uint64_t address, std::uint64_t length = 1) {
        return allows(address, length, AccessType::Load);
    }
};

} // namespace

TEST_F(PmpTest, without_entries_only_machine_mode_has_access) {
    for (const AccessType type : {AccessType::Fetch, AccessType::Load, AccessType::Store}) {
        EXPECT_TRUE(allows(0x8000'0000, 8, type, Privilege::Machine));
        EXPECT_FALSE(allows(0x8000'0000, 8, type, Privilege::Supervisor));
        EXPECT_FALSE(allows(0x8000'0000, 8, type, Privilege::User));
    }
}

struct RangeCase {
    const char* name;
    std::uint8_t mode;
    std::uint64_t address, below; // pmpaddr of the entry and of the one before it
    std::uint64_t first, last;    // bytes that match; first > last: none
};

TEST_F(PmpTest, ranges) {
    constexpr RangeCase kCases[] = {
        {"NA4", kNa4, 0x2000'0000, 0, 0x8000'0000, 0x8000'0003},
        {"NAPOT 8", kNapot, 0x2000'0000, 0, 0x8000'0000, 0x8000'0007},
        {"NAPOT 16", kNapot, 0x2000'0001, 0, 0x8000'0000, 0x8000'000F},
        {"NAPOT 4096", kNapot, 0x2000'01FF, 0, 0x8000'0000, 0x8000'0FFF},
        {"NAPOT 2 MiB", kNapot, 0x2003'FFFF, 0, 0x8000'0000, 0x801F'FFFF},
        {"NAPOT everything", kNapot, 0x003F'FFFF'FFFF'FFFF, 0, 0, 0x00FF'FFFF'FFFF'FFFF},
        {"NAPOT half", kNapot, 0x001F'FFFF'FFFF'FFFF, 0, 0, 0x00FF'FFFF'FFFF'FFFF},
        {"TOR", kTor, 0x2000'0400, 0x2000'0000, 0x8000'0000, 0x8000'0FFF},
        {"TOR of 4 bytes", kTor, 0x2000'0001, 0x2000'0000, 0x8000'0000, 0x8000'0003},
        {"TOR empty", kTor, 0x2000'0000, 0x2000'0000, 1, 0},
        {"TOR backwards", kTor, 0x2000'0000, 0x2000'0400, 1, 0},
    };
    for (const RangeCase& row : kCases) {
        SCOPED_TRACE(row.name);
        set_entry(4, 0, row.below);
        set_entry(5, static_cast<std::uint8_t>(row.mode | kR), row.address);
        if (row.first > row.last) {
            EXPECT_FALSE(may_load(0x8000'0000));
            continue;
        }
        EXPECT_TRUE(may_load(row.first));
        EXPECT_TRUE(may_load(row.last));
        EXPECT_FALSE(may_load(row.last + 1));
        if (row.first != 0) {
            EXPECT_FALSE(may_load(row.first - 1));
        }
    }
}

TEST_F(PmpTest, first_entry_as_top_of_range_starts_at_zero) {
    set_entry(0, kTor | kR, 0x400);
    EXPECT_TRUE(may_load(0));
    EXPECT_TRUE(may_load(0xFFF));
    EXPECT_FALSE(may_load(0x1000));
}

TEST_F(PmpTest, rights_by_mode_and_lock) {
    for (std::uint8_t rights = 0; rights < 8; ++rights)
        for (const bool locked : {false, true})
            for (const Privilege privilege : {Privilege::User, Privilege::Supervisor, Privilege::Machine}) {
                set_entry(0, static_cast<std::uint8_t>(rights | kNapot | (locked ? kLocked : 0)),
                          kOnes >> 10);
                const bool exempt = privilege == Privilege::Machine && !locked;
                EXPECT_EQ(allows(0x1000, 8, AccessType::Load, privilege), exempt || (rights & kR) != 0);
                EXPECT_EQ(allows(0x1000, 8, AccessType::Store, privilege), exempt || (rights & kW) != 0);
                EXPECT_EQ(allows(0x1000, 8, AccessType::Fetch, privilege), exempt || (rights & kX) != 0);
            }
}

TEST_F(PmpTest, lowest_numbered_match_decides) {
    set_entry(0, kNa4 | kR, 0x400);              // 0x1000..0x1003 readable
    set_entry(1, kNapot, 0x401);                 // 0x1000..0x100F: nothing
    set_entry(2, kNapot | kR | kW, kOnes >> 10); // all
    EXPECT_TRUE(allows(0x1000, 4, AccessType::Load));
    EXPECT_FALSE(allows(0x1000, 4, AccessType::Store));
    EXPECT_FALSE(allows(0x1004, 4, AccessType::Load));
    EXPECT_TRUE(allows(0x1010, 4, AccessType::Store));
}

TEST_F(PmpTest, partial_match_fails_in_every_mode) {
    set_entry(0, kNa4 | kR | kW | kX, 0x400); // not locked, all rights
    set_entry(1, kNapot | kR | kW | kX, kOnes >> 10);
    for (const Privilege privilege : {Privilege::User, Privilege::Supervisor, Privilege::Machine}) {
        EXPECT_FALSE(allows(0x1000, 8, AccessType::Load, privilege));
        EXPECT_FALSE(allows(0xFFE, 4, AccessType::Load, privilege));
        EXPECT_FALSE(allows(0x0FF8, 16, AccessType::Load, privilege));
        EXPECT_TRUE(allows(0x1000, 4, AccessType::Load, privilege));
        EXPECT_TRUE(allows(0x1004, 4, AccessType::Load, privilege));
    }
}

TEST_F(PmpTest, addresses_beyond_56_bits_have_no_rights) {
    set_entry(0, kNapot | kR, kOnes >> 10);
    EXPECT_TRUE(may_load(0x00FF'FFFF'FFFF'FFFF));
    EXPECT_FALSE(may_load(0x0100'0000'0000'0000));
    EXPECT_FALSE(may_load(0x00FF'FFFF'FFFF'FFFC, 8));
    EXPECT_FALSE(allows(kOnes, 1, AccessType::Load, Privilege::Machine));
}

TEST_F(PmpTest, uniformity) {
    set_entry(0, kNa4 | kR, 0x400);
    set_entry(1, kNapot | kR | kX, kOnes >> 10);
    const Pmp& pmp = hart.control.pmp;
    EXPECT_FALSE(pmp_rights(pmp, GuestPhysicalAddress(0x1000), 0x1000, Privilege::Supervisor).uniform);
    const PmpRights rights = pmp_rights(pmp, GuestPhysicalAddress(0x2000), 0x1000, Privilege::Supervisor);
    EXPECT_TRUE(rights.uniform && rights.read && !rights.write && rights.execute);
}

TEST_F(PmpTest, configuration_registers_hold_eight_entries_each) {
    poke(Csr::Pmpcfg0, 0x0706'0504'0302'0100);
    poke(Csr::Pmpcfg2, 0x1F1F'1F1F'1F1F'1F1F);
    // W without R is reserved; it reads back as neither.
    EXPECT_EQ(peek(Csr::Pmpcfg0), 0x0704'0504'0300'0100u);
    EXPECT_EQ(hart.control.pmp.configuration[8], 0x1F);
    poke(Csr::Pmpcfg2, kOnes & ~0x8080'8080'8080'8080);
    EXPECT_EQ(peek(Csr::Pmpcfg2), 0x1F1F'1F1F'1F1F'1F1Fu) << "bits 5 and 6 are zero";
}

TEST_F(PmpTest, locked_entries_cannot_be_changed) {
    poke(Csr::Pmpaddr0, 0x111);
    poke(Csr::Pmpcfg0, 0x9F'00 | 0x0F); // entry 1 locked NAPOT, entry 0 TOR
    poke(static_cast<Csr>(0x3B1), 0x222);
    EXPECT_EQ(peek(static_cast<Csr>(0x3B1)), 0u);
    poke(Csr::Pmpaddr0, 0x333); // entry 1 is no TOR, so its neighbour is free
    EXPECT_EQ(peek(Csr::Pmpaddr0), 0x333u);
    poke(Csr::Pmpcfg0, 0);
    EXPECT_EQ(peek(Csr::Pmpcfg0), 0x9F00u);
}

TEST_F(PmpTest, a_locked_top_of_range_locks_its_base) {
    poke(static_cast<Csr>(0x3B2), 0x100);
    poke(static_cast<Csr>(0x3B3), 0x200);
    poke(Csr::Pmpcfg0, std::uint64_t{0x88 | kR} << 24); // entry 3
    poke(static_cast<Csr>(0x3B2), 0x150);
    poke(static_cast<Csr>(0x3B3), 0x250);
    EXPECT_EQ(peek(static_cast<Csr>(0x3B2)), 0x100u);
    EXPECT_EQ(peek(static_cast<Csr>(0x3B3)), 0x200u);
    poke(static_cast<Csr>(0x3B1), 0x150);
    EXPECT_EQ(peek(static_cast<Csr>(0x3B1)), 0x150u);
}

} // namespace ashlar::jit::riscv64::test
