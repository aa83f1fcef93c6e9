// What privileged programs have beside plain instructions: modes, CSRs, page tables, PMP, interrupts.
#pragma once

#include "hosttests/fuzz/generator_base.h"

namespace ashlar::jit::fuzz {

class PrivilegedGenerator : protected GeneratorBase {
protected:
    using GeneratorBase::GeneratorBase;

    void set_privileged_start() {
        FuzzCase& start = program_.start;
        start.privileged = 1;
        uses_mprv_ = random_.one_in(2);
        constexpr std::array<std::uint64_t, 3> kModes = {0x0000, 0x0800, 0x1800};
        start.mstatus = random_.pick(kModes) | random_.below(16) << 17;
        if (random_.one_in(4))
            start.mstatus |= random_.below(8) << 20; // TVM, TW, TSR
        start.mstatus &= ~kMprv; // entering the program by MRET would change what it refers to
        if (random_.one_in(2)) {
            start.medeleg = random_.next() & 0xb1ff; // not the supervisor's own ECALL
            start.mideleg = random_.next() & 0x222;
        }
        start.x[kSatp] = std::uint64_t{8} << 60 | random_.below(4) << 44 | FUZZ_TABLES >> 12;
        start.satp = random_.one_in(4) ? 0 : start.x[kSatp];
        for (std::uint64_t& entry : start.small_pages)
            entry = page_entry(FUZZ_DATA + random_.below(4) * 4096);
        for (std::uint64_t& entry : start.big_pages)
            entry = page_entry(FUZZ_BIG_PAGE + (random_.one_in(4) ? 4096 : 0));
        if (random_.one_in(2))
            for (unsigned i = 0; i < FUZZ_PMP_ENTRIES; ++i)
                set_pmp(i);
        for (const std::uint64_t index : kPointers)
            start.x[index] = mapped_address();
    }

    std::uint64_t page_entry(std::uint64_t address) {
        std::uint64_t flags = 0xc1; // V, A, D
        flags |= (random_.one_in(8) ? random_.below(8) : random_.pick<4>({1, 3, 5, 7})) << 1;
        flags |= random_.one_in(2) ? 0x10 : 0;
        flags |= random_.one_in(8) ? 0x20 : 0;
        if (random_.one_in(3))
            flags ^= std::uint64_t{1} << random_.pick<3>({0, 6, 7});
        if (random_.one_in(16))
            flags |= std::uint64_t{1} << (54 + random_.below(10)); // reserved, PBMT, N
        if (random_.one_in(8))
            flags |= 0x300; // for software
        return address >> 2 | flags;
    }

    // Regions of whole pages of the data: the harness and the program stay reachable. Never locked.
    void set_pmp(unsigned index) {
        FuzzCase& start = program_.start;
        const std::uint64_t page = FUZZ_DATA + random_.below(4) * 4096;
        const bool pair = random_.one_in(2);
        const std::uint64_t mode = random_.one_in(3) ? 0 : 3; // OFF, NAPOT
        start.pmpaddr[index] = pair ? (page & ~std::uint64_t{8191}) >> 2 | 1023 : page >> 2 | 511;
        start.pmpcfg |= (mode << 3 | random_.pick<4>({0, 1, 3, 7})) << (8 * index);
    }

    std::uint64_t mapped_address() {
        if (random_.one_in(8))
            return FUZZ_MAPPED + (1 + random_.below(FUZZ_BIG_PAGES + 1)) * 0x200000 + random_.below(512) * 8;
        return FUZZ_MAPPED + random_.below(FUZZ_SMALL_PAGES) * 4096 + random_.below(512) * 8;
    }

    void add_pointer() {
        const unsigned rd = pointer();
        Unit unit;
        add_constant_words(unit.halves, rd, mapped_address());
        push_word(unit.halves, 0x0800003b | rd << 7 | rd << 15); // zext.w
        unit.group = group_;
        program_.units.push_back(std::move(unit));
    }

    void add_privileged() {
        switch (random_.below(8)) {
        case 0: return add_status_change();
        case 1: return add_return();
        case 2: return add_words({encode_csr(1, target_register(), 0x180, random_.one_in(2) ? 0 : kSatp)});
        case 3: return add_words({0x12000073 | any_register() << 15 | any_register() << 20}); // sfence.vma
        case 4: return add_interrupt_change();
        case 5: return add_free_csr();
        default: return add_pointer();
        }
    }

    void add_free_csr() {
        if (random_.one_in(2))
            return add_words(
                {encode_csr(2, target_register(), static_cast<unsigned>(random_.pick(kReadableCsrs)), 0)});
        const auto number = static_cast<unsigned>(random_.pick(kFreeCsrs));
        // The counter enables have 32 bits, of which QEMU 7.2 keeps 64: immediates only.
        const bool immediate = number == 0x106 || number == 0x306 || random_.one_in(2);
        const auto funct3 = static_cast<unsigned>(1 + random_.below(3)) | (immediate ? 4u : 0u);
        add_words({encode_csr(funct3, target_register(), number, any_register())});
    }

    // Sets or clears bits of mstatus or sstatus; MPP only gets values that exist.
    void add_status_change() {
        const bool machine = random_.one_in(2);
        if (machine && uses_mprv_ && random_.one_in(4))
            return add_status_bits(0x300, kMprv);
        constexpr std::array<std::uint64_t, 11> kMachineBits = {
            1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 8, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 3 << 11};
        constexpr std::array<std::uint64_t, 6> kSupervisorBits = {1 << 1,  1 << 5,  1 << 8,
                                                                  1 << 18, 1 << 19, 3 << 13};
        add_status_bits(machine ? 0x300 : 0x100,
                        machine ? random_.pick(kMachineBits) : random_.pick(kSupervisorBits));
    }
    void add_status_bits(unsigned number, std::uint64_t mask) {
        Unit unit;
        add_constant_words(unit.halves, 7, mask);
        push_word(unit.halves, encode_csr(random_.one_in(2) ? 2 : 3, target_register(), number, 7));
        unit.group = group_;
        program_.units.push_back(std::move(unit));
    }

    // MRET or SRET to the next unit, at a random privilege.
    void add_return() {
        const bool machine = random_.one_in(2);
        Unit unit;
        push_word(unit.halves, 0x17 | 7u << 7);
        push_word(unit.halves, encode_i(0x13, 7, 7, 0));
        push_word(unit.halves, encode_csr(1, 0, machine ? 0x341 : 0x141, 7));
        add_constant_words(unit.halves, 7, kMprv); // which QEMU 7.2 does not clear when it leaves M-mode
        push_word(unit.halves, encode_csr(3, 0, 0x300, 7));
        add_constant_words(unit.halves, 7, machine ? 0x1800 : 0x100);
        push_word(unit.halves, encode_csr(3, 0, machine ? 0x300 : 0x100, 7));
        if (machine)
            add_constant_words(unit.halves, 7, random_.pick<3>({0, 0x800, 0x1800}));
        if (machine || random_.one_in(2))
            push_word(unit.halves, encode_csr(2, 0, machine ? 0x300 : 0x100, 7));
        push_word(unit.halves, machine ? 0x30200073 : 0x10200073);
        unit.fixup = Fixup::AddressOnly;
        unit.group = group_;
        program_.units.push_back(std::move(unit));
    }

    void add_interrupt_change() {
        constexpr std::array<std::uint64_t, 5> kRegisters = {0x104, 0x144, 0x303, 0x304, 0x344};
        Unit unit;
        add_constant_words(unit.halves, 7, random_.next() & 0x222);
        push_word(unit.halves, encode_csr(static_cast<unsigned>(1 + random_.below(3)), target_register(),
                                          static_cast<unsigned>(random_.pick(kRegisters)), 7));
        unit.group = group_;
        program_.units.push_back(std::move(unit));
    }

    // Then there are no stores to code: with MPRV, QEMU 7.2 takes the translation of a fetch for that of a
    // store to the page.
    bool uses_mprv_ = false;

private:
    static constexpr std::uint64_t kMprv = 1 << 17;

    // CSRs that may get any value. Not what the harness needs, what depends on time, and mepc and sepc, whose
    // lowest bit QEMU 7.2 keeps.
    static constexpr std::array<std::uint64_t, 7> kFreeCsrs = {0x140, 0x142, 0x143, 0x342,
                                                               0x343, 0x306, 0x106};
    static constexpr std::array<std::uint64_t, 16> kReadableCsrs = {0x100, 0x104, 0x105, 0x144, 0x180, 0x300,
                                                                    0x302, 0x303, 0x304, 0x305, 0x344, 0x3a0,
                                                                    0x3b0, 0x7c0, 0xf14, 0x140};
};

} // namespace ashlar::jit::fuzz
