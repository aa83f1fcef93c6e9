// What the host puts into a fuzz image and the guest's harness reads from it. C and C++.
#pragma once

#ifdef __ASSEMBLER__
#define FUZZ_ADDRESS(value) value
#else
#include <stdint.h>
#define FUZZ_ADDRESS(value) UINT64_C(value)
#endif

// Guest-physical layout. The image covers [FUZZ_BASE, end of the last program), which lies below FUZZ_MAPPED.
#define FUZZ_BASE FUZZ_ADDRESS(0x80000000)   // the harness
#define FUZZ_TABLES FUZZ_ADDRESS(0x80020000) // Sv39: the root, then as many tables as harness.c needs
#define FUZZ_DATA FUZZ_ADDRESS(0x80040000)   // what programs load and store
#define FUZZ_HEADER FUZZ_ADDRESS(0x80100000)
#define FUZZ_BIG_PAGE FUZZ_ADDRESS(0x81e00000) // the physical 2 MiB page behind a case's big pages
#define FUZZ_RAM_BYTES FUZZ_ADDRESS(0x2000000)

// Virtual layout with paging on: the image at its own address for S-mode and FUZZ_USER_ALIAS above it for
// U-mode. From FUZZ_MAPPED on 4 KiB pages that the case gives, and from 2 MiB above it 2 MiB pages. These are
// RAM without paging too.
#define FUZZ_MAPPED FUZZ_ADDRESS(0x81000000)
#define FUZZ_USER_ALIAS FUZZ_ADDRESS(0x40000000)
#define FUZZ_DATA_BYTES 16384
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
