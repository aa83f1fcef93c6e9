// The machine under a guest kernel: QEMU's riscv64 `virt` board, as Ashlar builds it too.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Identity-maps the 128 MiB of RAM and the devices with 4 KiB pages and turns Sv39 on. S-mode.
void enable_paging(void);
// Lets U-mode use the page of `address` (RAM), or takes that right away.
void set_user_page(uint64_t address, bool user);
// Makes the page of `address` (RAM) present or absent. The caller flushes.
void set_page_valid(uint64_t address, bool valid);

void console_write(const char* text);
void console_write_decimal(uint64_t value);
void console_write_hex(uint64_t value); // 16 digits
// Ends the machine through the test finisher.
__attribute__((noreturn)) void finish(int code);

static inline uint64_t read_instructions(void) {
    uint64_t value;
    __asm__ volatile("rdinstret %0" : "=r"(value));
    return value;
}
static inline uint64_t read_time(void) { // 10 MHz
    uint64_t value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}
