// Sv39 with 4 KiB pages: what a real kernel's memory looks like to an emulator, and the hard case for its
// TLB.
#include <stddef.h>

#include "runtime.h"

enum {
    kValid = 1 << 0,
    kRead = 1 << 1,
    kWrite = 1 << 2,
    kExecute = 1 << 3,
    kUser = 1 << 4,
    kAccessed = 1 << 6,
    kDirty = 1 << 7,
    kEntries = 512,
    kRamTables = 64, // 2 MiB each
};
static const uint64_t kRamBase = 0x80000000, kUart = 0x10000000, kFinisher = 0x100000;

typedef struct {
    uint64_t entries[kEntries];
} __attribute__((aligned(4096))) PageTable;

static PageTable root, ram_directory, device_directory, finisher_table, uart_table, ram_tables[kRamTables];
extern const char image_start[], text_end[];

static uint64_t entry(uint64_t address, uint64_t flags) {
    return address >> 12 << 10 | flags | kValid;
}
static uint64_t* ram_leaf(uint64_t address) {
    const uint64_t page = (address - kRamBase) >> 12;
    return &ram_tables[page / kEntries].entries[page % kEntries];
}

void enable_paging(void) {
    for (uint64_t table = 0; table < kRamTables; ++table)
        ram_directory.entries[table] = entry((uint64_t)&ram_tables[table], 0);
    for (uint64_t page = 0; page < (uint64_t)kRamTables * kEntries; ++page) {
        const uint64_t address = kRamBase + page * 4096;
        const bool text = address >= (uint64_t)image_start && address < (uint64_t)text_end;
        *ram_leaf(address) = entry(address, kRead | (text ? kExecute : kWrite | kDirty) | kAccessed);
    }
    const uint64_t device = kRead | kWrite | kAccessed | kDirty;
    finisher_table.entries[kFinisher >> 12 & 511] = entry(kFinisher, device);
    uart_table.entries[kUart >> 12 & 511] = entry(kUart, device);
    device_directory.entries[kFinisher >> 21] = entry((uint64_t)&finisher_table, 0);
    device_directory.entries[kUart >> 21] = entry((uint64_t)&uart_table, 0);
    root.entries[kRamBase >> 30] = entry((uint64_t)&ram_directory, 0);
    root.entries[0] = entry((uint64_t)&device_directory, 0);

    const uint64_t satp = (uint64_t)8 << 60 | (uint64_t)&root >> 12;
    __asm__ volatile("sfence.vma\n csrw satp, %0\n sfence.vma" ::"r"(satp) : "memory");
}

void set_user_page(uint64_t address, bool user) {
    uint64_t* leaf = ram_leaf(address);
    *leaf = user ? *leaf | kUser : *leaf & ~(uint64_t)kUser;
    __asm__ volatile("sfence.vma %0" ::"r"(address) : "memory");
}

void set_page_valid(uint64_t address, bool valid) {
    uint64_t* leaf = ram_leaf(address);
    *leaf = valid ? *leaf | kValid : *leaf & ~(uint64_t)kValid;
}
