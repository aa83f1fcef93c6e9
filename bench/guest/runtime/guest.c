// Runs the kernel, prints one line about it, powers off. S-mode runs under Sv39, M-mode on bare memory.
#include "kernel.h"
#include "runtime.h"

bool running_in_machine_mode;
// A kernel that needs S- and U-mode overrides this; started in M-mode it is then taken down to S-mode.
__attribute__((weak)) const bool kernel_wants_supervisor_mode = false;
extern const volatile uint64_t kernel_repeat_setting;

static volatile uint8_t* const uart = (volatile uint8_t*)0x10000000;
static volatile uint32_t* const finisher = (volatile uint32_t*)0x100000;
enum { kTransmit = 0, kLineStatus = 5, kTransmitterEmpty = 0x20 };

void console_write(const char* text) {
    for (; *text != '\0'; ++text) {
        while ((uart[kLineStatus] & kTransmitterEmpty) == 0) {
        }
        uart[kTransmit] = (uint8_t)*text;
    }
}

void console_write_decimal(uint64_t value) {
    char digits[21];
    char* first = &digits[20];
    *first = '\0';
    do
        *--first = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    console_write(first);
}

void console_write_hex(uint64_t value) {
    char digits[17] = {0};
    for (int i = 0; i < 16; ++i)
        digits[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    console_write(digits);
}

void finish(int code) {
    *finisher = code == 0 ? 0x5555 : (uint32_t)code << 16 | 0x3333;
    for (;;)
        __asm__ volatile("wfi");
}

void unexpected_trap(uint64_t cause, uint64_t address, uint64_t value) {
    console_write("unexpected trap: cause ");
    console_write_hex(cause);
    console_write(" at ");
    console_write_hex(address);
    console_write(" value ");
    console_write_hex(value);
    console_write("\n");
    finish(1);
}

void runtime_main(bool machine_mode) {
    running_in_machine_mode = machine_mode;
    if (!machine_mode)
        enable_paging();
    const uint64_t repeat = kernel_repeat_setting != 0 ? kernel_repeat_setting : kernel_default_repeat;
    const uint64_t time = read_time();
    const uint64_t instructions = read_instructions();
    const uint64_t checksum = kernel_run(repeat);
    const uint64_t instructions_used = read_instructions() - instructions;
    const uint64_t time_used = read_time() - time;
    console_write("kernel ");
    console_write(kernel_name);
    console_write(machine_mode ? " mode M" : " mode S");
    console_write(" repeat ");
    console_write_decimal(repeat);
    console_write(" checksum ");
    console_write_hex(checksum);
    console_write(" instructions ");
    console_write_decimal(instructions_used);
    console_write(" microseconds ");
    console_write_decimal(time_used / 10);
    console_write("\n");
    finish(0);
}
