// What each CSR keeps of what is written to it, and which numbers exist at which privilege.
#include "hosttests/privileged/hart_fixture.h"

#include <set>

namespace ashlar::jit::riscv64::test {

namespace {

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

struct WarlCase {
    Csr csr;
    std::uint64_t after_ones, after_zero; // as read back
};

// Literal values from the manual's figures, not from our constants.
constexpr WarlCase kWarl[] = {
    {Csr::Mstatus, 0x8000'000A'007E'79AA, 0x0000'000A'0000'0000},
    {Csr::Sstatus, 0x8000'0002'000C'6122, 0x0000'0002'0000'0000},
    {Csr::Misa, 0x8000'0000'0014'112D, 0x8000'0000'0014'112D},
    {Csr::Medeleg, 0xB3FF, 0},
    {Csr::Mideleg, 0x222, 0},
    {Csr::Mie, 0xAAA, 0},
    {Csr::Mip, 0x222, 0},
    {Csr::Mcounteren, 0xFFFF'FFFF, 0},
    {Csr::Scounteren, 0xFFFF'FFFF, 0},
    {Csr::Mcountinhibit, 5, 0},
    {Csr::Menvcfg, 0x8000'0000'0000'0001, 0},
    {Csr::Senvcfg, 1, 0},
    {Csr::Mscratch, kOnes, 0},
    {Csr::Sscratch, kOnes, 0},
    {Csr::Mepc, kOnes - 1, 0},
    {Csr::Sepc, kOnes - 1, 0},
    {Csr::Mcause, kOnes, 0},
    {Csr::Scause, kOnes, 0},
    {Csr::Mtval, kOnes, 0},
    {Csr::Stval, kOnes, 0},
    {Csr::Stimecmp, kOnes, 0},
    {Csr::Pmpaddr0, 0x003F'FFFF'FFFF'FFFF, 0},
    {Csr::Pmpaddr15, 0x003F'FFFF'FFFF'FFFF, 0},
    {Csr::Mhpmcounter3, 0, 0},
    {Csr::Mhpmcounter31, 0, 0},
    {Csr::Mhpmevent3, 0, 0},
    {Csr::Mhpmevent31, 0, 0},
};

} // namespace

TEST_F(HartTest, warl_fields_keep_what_is_legal) {
    for (const WarlCase& row : kWarl) {
        SCOPED_TRACE(csr_name(number(row.csr)));
        // From zero, since a locked or sticky field would show.
        reset(hart, 0, 0, 0);
        poke(row.csr, kOnes);
        EXPECT_EQ(peek(row.csr), row.after_ones);
        poke(row.csr, 0);
        EXPECT_EQ(peek(row.csr), row.after_zero);
    }
}

TEST_F(HartTest, reset_values) {
    reset(hart, 3, 0x8000'0000, 0x8220'0000);
    EXPECT_EQ(hart.pc, 0x8000'0000u);
    EXPECT_EQ(hart.x[10], 3u);
    EXPECT_EQ(hart.x[11], 0x8220'0000u);
    EXPECT_EQ(hart.control.privilege, Privilege::Machine);
    EXPECT_EQ(peek(Csr::Mhartid), 3u);
    EXPECT_EQ(peek(Csr::Mstatus), 0x0000'000A'0000'0000u);
    EXPECT_EQ(peek(Csr::Stimecmp), kOnes);
    for (const Csr csr : {Csr::Mvendorid, Csr::Marchid, Csr::Mimpid, Csr::Mconfigptr, Csr::Satp, Csr::Mcause,
                          Csr::Pmpcfg0, Csr::Pmpcfg2, Csr::Mip})
        EXPECT_EQ(peek(csr), 0u) << csr_name(number(csr));
}

TEST_F(HartTest, supervisor_start_state) {
    reset_to_supervisor(hart, 2, 0x8020'0000, 0x1234);
    EXPECT_EQ(hart.control.privilege, Privilege::Supervisor);
    EXPECT_EQ(hart.pc, 0x8020'0000u);
    EXPECT_EQ(hart.x[10], 2u);
    EXPECT_EQ(hart.x[11], 0x1234u);
    EXPECT_EQ(peek(Csr::Satp), 0u);
    EXPECT_EQ(peek(Csr::Sstatus) & mstatus::kSie, 0u);
    EXPECT_EQ(peek(Csr::Pmpcfg0), 0x1Fu); // NAPOT, RWX
    EXPECT_EQ(peek(Csr::Pmpaddr0), 0x003F'FFFF'FFFF'FFFFu);
    EXPECT_TRUE(can_read(Csr::Time));
    EXPECT_TRUE(can_write(Csr::Stimecmp));
    hart.control.privilege = Privilege::User;
    EXPECT_TRUE(can_read(Csr::Time)) << "user programs read the time without asking";
    // Every trap goes to S-mode.
    take_exception(hart, Cause::IllegalInstruction, 0);
    EXPECT_EQ(hart.control.privilege, Privilege::Supervisor);
}

// Everything that exists, as inclusive ranges.
TEST_F(HartTest, implemented_numbers_and_their_privilege) {
    constexpr std::pair<unsigned, unsigned> kImplemented[] = {
        {0x001, 0x003}, {0x100, 0x100}, {0x104, 0x106}, {0x10A, 0x10A}, {0x140, 0x144},
        {0x14D, 0x14D}, {0x180, 0x180}, {0x300, 0x306}, {0x30A, 0x30A}, {0x320, 0x320},
        {0x323, 0x33F}, {0x340, 0x344}, {0x3A0, 0x3A0}, {0x3A2, 0x3A2}, {0x3B0, 0x3BF},
        {0xB00, 0xB00}, {0xB02, 0xB1F}, {0xC00, 0xC1F}, {0xF11, 0xF15}};
    std::set<unsigned> implemented;
    for (const auto& [first, last] : kImplemented)
        for (unsigned csr = first; csr <= last; ++csr)
            implemented.insert(csr);
    // Given that nothing but the number's own rules stands in the way
    poke(Csr::Mstatus, mstatus::kFs);
    poke(Csr::Mcounteren, kOnes);
    poke(Csr::Scounteren, kOnes);
    poke(Csr::Menvcfg, kOnes);
    for (const Privilege privilege : {Privilege::User, Privilege::Supervisor, Privilege::Machine})
        for (unsigned csr = 0; csr < 0x1000; ++csr) {
            hart.control.privilege = privilege;
            const bool privileged_enough = static_cast<unsigned>(privilege) >= (csr >> 8 & 3);
            const bool readable = implemented.contains(csr) && privileged_enough;
            EXPECT_EQ(read_csr(hart, static_cast<std::uint16_t>(csr), clock).has_value(), readable)
                << std::hex << csr;
            HartState copy = hart;
            const bool written =
                !has(write_csr(copy, static_cast<std::uint16_t>(csr), 0, clock), Effect::Illegal);
            EXPECT_EQ(written, readable && csr >> 10 != 3) << std::hex << csr;
        }
}

TEST_F(HartTest, mpp_refuses_the_reserved_mode) {
    for (const std::uint64_t mode : {0, 1, 3}) {
        poke(Csr::Mstatus, mode << 11);
        EXPECT_EQ(peek(Csr::Mstatus) >> 11 & 3, mode);
        poke(Csr::Mstatus, std::uint64_t{2} << 11);
        EXPECT_EQ(peek(Csr::Mstatus) >> 11 & 3, mode);
    }
}

TEST_F(HartTest, sd_follows_fs) {
    for (const std::uint64_t fs : {0, 1, 2, 3}) {
        poke(Csr::Mstatus, fs << 13);
        EXPECT_EQ(peek(Csr::Mstatus) >> 13 & 3, fs);
        EXPECT_EQ(peek(Csr::Mstatus) >> 63, fs == 3 ? 1u : 0u);
        EXPECT_EQ(peek(Csr::Sstatus) >> 63, fs == 3 ? 1u : 0u);
    }
    // SD itself is read-only.
    poke(Csr::Mstatus, std::uint64_t{1} << 63);
    EXPECT_EQ(peek(Csr::Mstatus) >> 63, 0u);
}

TEST_F(HartTest, sstatus_writes_leave_machine_fields_alone) {
    poke(Csr::Mstatus, kOnes);
    poke(Csr::Sstatus, 0);
    EXPECT_EQ(peek(Csr::Mstatus), 0x0000'000A'0072'1888u); // MIE, MPIE, MPP, MPRV, TVM, TW, TSR
}

TEST_F(HartTest, vector_base_refuses_reserved_modes) {
    for (const Csr csr : {Csr::Mtvec, Csr::Stvec}) {
        poke(csr, 0x8000'1001);
        EXPECT_EQ(peek(csr), 0x8000'1001u);
        poke(csr, 0x8000'2002);
        EXPECT_EQ(peek(csr), 0x8000'1001u);
        poke(csr, 0x8000'2003);
        EXPECT_EQ(peek(csr), 0x8000'1001u);
        poke(csr, 0x8000'2000);
        EXPECT_EQ(peek(csr), 0x8000'2000u);
    }
}

TEST_F(HartTest, satp_takes_bare_and_sv39_only) {
    poke(Csr::Satp, 0x8FFF'F000'0008'0000);
    EXPECT_EQ(peek(Csr::Satp), 0x8FFF'F000'0008'0000u); // 16 bits of ASID, 44 of PPN
    for (std::uint64_t mode = 0; mode < 16; ++mode) {
        poke(Csr::Satp, 0x8000'0000'0000'0001);
        poke(Csr::Satp, mode << 60 | 2);
        const bool legal = mode == 0 || mode == 8;
        EXPECT_EQ(peek(Csr::Satp), legal ? mode << 60 | 2 : 0x8000'0000'0000'0001) << mode;
    }
}

TEST_F(HartTest, satp_effects) {
    EXPECT_EQ(poke(Csr::Satp, 0x8000'0000'0000'0001), Effect::Translation | Effect::FlushTlb);
    EXPECT_EQ(poke(Csr::Satp, 0x8000'0000'0000'0002), Effect::Translation);
    EXPECT_EQ(poke(Csr::Satp, 0x8000'0000'0000'0002), Effect::None);
    EXPECT_EQ(poke(Csr::Satp, 0x9000'0000'0000'0003), Effect::None);
    EXPECT_EQ(poke(Csr::Satp, 0), Effect::Translation | Effect::FlushTlb);
}

TEST_F(HartTest, status_effects) {
    EXPECT_EQ(poke(Csr::Mstatus, mstatus::kMie), Effect::Interrupts);
    EXPECT_EQ(poke(Csr::Mstatus, mstatus::kMie | mstatus::kMpie), Effect::None);
    for (const std::uint64_t field : {mstatus::kMprv, mstatus::kSum, mstatus::kMxr, mstatus::kFs,
                                      mstatus::kTvm, mstatus::kTw, mstatus::kTsr, mstatus::kMpp}) {
        EXPECT_TRUE(has(poke(Csr::Mstatus, field), Effect::Translation)) << std::hex << field;
        poke(Csr::Mstatus, 0);
    }
    EXPECT_TRUE(has(poke(Csr::Sstatus, mstatus::kSie), Effect::Interrupts));
    for (const Csr csr : {Csr::Mie, Csr::Mip, Csr::Mideleg, Csr::Sie, Csr::Sip, Csr::Stimecmp, Csr::Menvcfg})
        EXPECT_TRUE(has(poke(csr, 0), Effect::Interrupts)) << csr_name(number(csr));
    for (const Csr csr : {Csr::Pmpcfg0, Csr::Pmpaddr0})
        EXPECT_TRUE(has(poke(csr, 0), Effect::FlushTlb)) << csr_name(number(csr));
}

TEST_F(HartTest, tvm_takes_satp_from_supervisor) {
    hart.control.privilege = Privilege::Supervisor;
    EXPECT_TRUE(can_read(Csr::Satp));
    EXPECT_TRUE(sfence_vma_allowed(hart));
    poke(Csr::Mstatus, mstatus::kTvm);
    EXPECT_FALSE(can_read(Csr::Satp));
    EXPECT_FALSE(can_write(Csr::Satp));
    EXPECT_FALSE(sfence_vma_allowed(hart));
    hart.control.privilege = Privilege::Machine;
    EXPECT_TRUE(can_write(Csr::Satp));
    EXPECT_TRUE(sfence_vma_allowed(hart));
    hart.control.privilege = Privilege::User;
    EXPECT_FALSE(sfence_vma_allowed(hart));
}

TEST_F(HartTest, floating_point_csrs_need_fs) {
    for (const Csr csr : {Csr::Fflags, Csr::Frm, Csr::Fcsr}) {
        poke(Csr::Mstatus, 0);
        EXPECT_FALSE(can_read(csr));
        EXPECT_FALSE(can_write(csr));
        poke(Csr::Mstatus, std::uint64_t{1} << 13);
        EXPECT_TRUE(can_read(csr));
        poke(csr, 0);
        EXPECT_EQ(peek(Csr::Mstatus) >> 13 & 3, 3u) << "a write makes the state dirty";
    }
    poke(Csr::Fcsr, kOnes);
    EXPECT_EQ(peek(Csr::Fcsr), 0xFFu);
    EXPECT_EQ(peek(Csr::Frm), 7u);
    EXPECT_EQ(peek(Csr::Fflags), 0x1Fu);
    poke(Csr::Frm, 0x12);
    EXPECT_EQ(peek(Csr::Fcsr), 0x5Fu);
    poke(Csr::Fflags, 0x20);
    EXPECT_EQ(peek(Csr::Fcsr), 0x40u);
}

TEST_F(HartTest, csrrs_and_csrrc_combine) {
    poke(Csr::Mscratch, 0xF0);
    CsrResult result = execute_csr(hart, number(Csr::Mscratch), CsrOperation::Set, 0x0F, true, clock);
    EXPECT_EQ(result.old, 0xF0u);
    EXPECT_EQ(peek(Csr::Mscratch), 0xFFu);
    result = execute_csr(hart, number(Csr::Mscratch), CsrOperation::Clear, 0x81, true, clock);
    EXPECT_EQ(result.old, 0xFFu);
    EXPECT_EQ(peek(Csr::Mscratch), 0x7Eu);
    result = execute_csr(hart, number(Csr::Mscratch), CsrOperation::Write, 1, true, clock);
    EXPECT_EQ(result.old, 0x7Eu);
    EXPECT_EQ(peek(Csr::Mscratch), 1u);
    // Without a write a read-only number is fine, with one it is not, even if no bit is set.
    EXPECT_EQ(execute_csr(hart, number(Csr::Mhartid), CsrOperation::Set, 0, false, clock).effect,
              Effect::None);
    EXPECT_EQ(execute_csr(hart, number(Csr::Mhartid), CsrOperation::Set, 0, true, clock).effect,
              Effect::Illegal);
}

TEST_F(HartTest, names) {
    EXPECT_STREQ(csr_name(0x300), "mstatus");
    EXPECT_STREQ(csr_name(0x14D), "stimecmp");
    EXPECT_EQ(csr_name(0x7A0), nullptr); // tselect: no triggers
}

} // namespace ashlar::jit::riscv64::test
