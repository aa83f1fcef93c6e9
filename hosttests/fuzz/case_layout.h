// What the host puts into a fuzz image and the guest's harness reads from it. C and C++.
#pragma once

#ifdef __ASSEMBLER__
#define FUZZ_ADDRESS(value) value
#else
#include <stdint.h>
#define FUZZ_ADDRESS(value) UINT64_C(value)
#endif

// Guest-physical layout. The image covers [kFuzzBase, end of the last program).
#define FUZZ_BASE FUZZ_ADDRESS(0x80000000) // the harness
#define FUZZ_ROOT_TABLE                                                                                      \
    FUZZ_ADDRESS(0x80020000)                  // Sv39: GiB 1: FUZZ_TABLE_1; GiB 2 and 3: RAM, for S and for U
#define FUZZ_TABLE_1 FUZZ_ADDRESS(0x80021000) // entry 0: FUZZ_TABLE_0, then 2 MiB pages that the case gives
#define FUZZ_TABLE_0 FUZZ_ADDRESS(0x80022000) // 4 KiB pages that the case gives
#define FUZZ_DATA FUZZ_ADDRESS(0x80040000)    // what programs load and store
#define FUZZ_HEADER FUZZ_ADDRESS(0x80100000)
#define FUZZ_BIG_PAGE FUZZ_ADDRESS(0x81e00000) // the physical 2 MiB page behind FUZZ_TABLE_1
#define FUZZ_RAM_BYTES FUZZ_ADDRESS(0x2000000)

#define FUZZ_DATA_BYTES 16384
#define FUZZ_MAPPED FUZZ_ADDRESS(0x40000000)     // virtual address of the pages that the case gives
#define FUZZ_USER_ALIAS FUZZ_ADDRESS(0x40000000) // virtual minus physical address of RAM as U-mode sees it
#define FUZZ_SMALL_PAGES 32
#define FUZZ_BIG_PAGES 4
#define FUZZ_PMP_ENTRIES 4
#define FUZZ_MAX_TRAPS 300

#ifndef __ASSEMBLER__

// One program and the state in which it starts.
struct FuzzCase {
    uint64_t code, code_end; // at code_end is an EBREAK, which ends the case
    uint64_t privileged;     // log all trap CSRs; the fields after `f` hold
    uint64_t fcsr;
    uint64_t x[32];
    uint64_t f[32];
    uint64_t mstatus, medeleg, mideleg, satp, menvcfg;
    uint64_t pmpcfg, pmpaddr[FUZZ_PMP_ENTRIES];
    uint64_t small_pages[FUZZ_SMALL_PAGES], big_pages[FUZZ_BIG_PAGES]; // page-table entries
};

struct FuzzHeader {
    uint64_t count;
    uint64_t verbose; // print the whole state instead of a hash
    struct FuzzCase cases[1];
};

#endif
