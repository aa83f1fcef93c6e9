// What an operating system asks of an emulator: system calls, page faults, context switches between address
// spaces. A supervisor in C resumes user contexts one trap at a time.
#include "kernel.h"
#include "runtime.h"

const char kernel_name[] = "traps";
const uint64_t kernel_default_repeat = 120;
const bool kernel_wants_supervisor_mode = true;

enum { kPages = 64, kPageBytes = 4096, kCallsPerRound = 2000, kSwitchesPerRound = 1000 };
enum { kEcallFromUser = 8, kLoadPageFault = 13, kStorePageFault = 15 };
enum { kSum = 1 << 18, kPreviousPrivilege = 1 << 8 };
enum { kA0 = 10, kA1 = 11, kA2 = 12 };

typedef struct {
    uint64_t x[32]; // x[0] holds the pc
} Context;

// Runs the context in U-mode until it traps; returns scause.
uint64_t resume(Context* context);
extern const char user_calls[], user_touches[], trap_vector[];

static uint8_t pages[kPages][kPageBytes] __attribute__((section(".bss.arena"), aligned(4096)));

__asm__(".option push\n"
        ".option norvc\n"
        ".text\n"
        ".balign 4096\n"
        "user_calls:\n" // a0 calls of the supervisor, a1 accumulates
        "1: add a1, a1, a0\n"
        "   ecall\n"
        "   addi a0, a0, -1\n"
        "   bnez a0, 1b\n"
        "   li a0, -1\n"
        "   ecall\n"
        "user_touches:\n" // writes the first word of a0 pages from a2 on
        "1: ld t0, 0(a2)\n"
        "   add t0, t0, a0\n"
        "   sd t0, 0(a2)\n"
        "   add a1, a1, t0\n"
        "   li t1, 4096\n"
        "   add a2, a2, t1\n"
        "   addi a0, a0, -1\n"
        "   bnez a0, 1b\n"
        "   li a0, -1\n"
        "   ecall\n"
        ".balign 4096\n"
        "resume:\n"
        "   addi sp, sp, -112\n"
        "   sd ra, 0(sp)\n   sd gp, 8(sp)\n   sd tp, 16(sp)\n"
        "   sd s0, 24(sp)\n  sd s1, 32(sp)\n  sd s2, 40(sp)\n  sd s3, 48(sp)\n  sd s4, 56(sp)\n"
        "   sd s5, 64(sp)\n  sd s6, 72(sp)\n  sd s7, 80(sp)\n  sd s8, 88(sp)\n  sd s9, 96(sp)\n"
        "   sd s10, 104(sp)\n"
        "   addi sp, sp, -16\n"
        "   sd s11, 0(sp)\n  sd a0, 8(sp)\n"
        "   csrw sscratch, sp\n"
        "   ld t0, 0(a0)\n"
        "   csrw sepc, t0\n"
        ".irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "   ld x\\n, 8*\\n(a0)\n"
        ".endr\n"
        "   ld a0, 80(a0)\n"
        "   sret\n"
        ".balign 4\n"
        "trap_vector:\n"
        "   csrrw sp, sscratch, sp\n"
        "   sd a0, -8(sp)\n"
        "   ld a0, 8(sp)\n"
        ".irp n, 1,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "   sd x\\n, 8*\\n(a0)\n"
        ".endr\n"
        "   ld t0, -8(sp)\n"
        "   sd t0, 80(a0)\n"
        "   csrr t0, sscratch\n"
        "   sd t0, 16(a0)\n"
        "   csrr t0, sepc\n"
        "   sd t0, 0(a0)\n"
        "   ld s11, 0(sp)\n"
        "   addi sp, sp, 16\n"
        "   ld ra, 0(sp)\n   ld gp, 8(sp)\n   ld tp, 16(sp)\n"
        "   ld s0, 24(sp)\n  ld s1, 32(sp)\n  ld s2, 40(sp)\n  ld s3, 48(sp)\n  ld s4, 56(sp)\n"
        "   ld s5, 64(sp)\n  ld s6, 72(sp)\n  ld s7, 80(sp)\n  ld s8, 88(sp)\n  ld s9, 96(sp)\n"
        "   ld s10, 104(sp)\n"
        "   addi sp, sp, 112\n"
        "   csrr a0, scause\n"
        "   ret\n"
        ".option pop\n");

static uint64_t read_satp(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, satp" : "=r"(value));
    return value;
}
static void set_address_space(uint64_t satp, uint64_t asid) {
    const uint64_t value = (satp & ~((uint64_t)0xffff << 44)) | asid << 44;
    __asm__ volatile("csrw satp, %0" ::"r"(value) : "memory");
}

static NOINLINE uint64_t system_calls(uint64_t calls) {
    Context context = {{(uint64_t)user_calls}};
    context.x[kA0] = calls;
    uint64_t traps = 0;
    while (resume(&context) == kEcallFromUser && context.x[kA0] != ~(uint64_t)0) {
        context.x[0] += 4;
        context.x[kA1] ^= ++traps;
    }
    return mix(traps, context.x[kA1]);
}

static NOINLINE uint64_t page_faults(uint64_t* first_words) {
    for (int page = 0; page < kPages; ++page)
        set_page_valid((uint64_t)pages[page], false);
    __asm__ volatile("sfence.vma" ::: "memory");
    Context context = {{(uint64_t)user_touches}};
    context.x[kA0] = kPages;
    context.x[kA2] = (uint64_t)pages;
    uint64_t faults = 0, cause;
    while ((cause = resume(&context)) == kLoadPageFault || cause == kStorePageFault) {
        uint64_t address;
        __asm__ volatile("csrr %0, stval" : "=r"(address));
        set_page_valid(address & ~(uint64_t)(kPageBytes - 1), true);
        __asm__ volatile("sfence.vma %0" ::"r"(address) : "memory");
        ++faults;
    }
    *first_words += context.x[kA1];
    return mix(faults, context.x[kA1]);
}

static NOINLINE uint64_t context_switches(uint64_t switches) {
    Context contexts[2] = {{{(uint64_t)user_calls}}, {{(uint64_t)user_calls}}};
    contexts[0].x[kA0] = contexts[1].x[kA0] = switches;
    const uint64_t satp = read_satp();
    for (uint64_t turn = 0; turn < switches; ++turn) {
        Context* context = &contexts[turn & 1];
        set_address_space(satp, 1 + (turn & 1));
        if (resume(context) != kEcallFromUser)
            return 0;
        context->x[0] += 4;
    }
    set_address_space(satp, 0);
    return mix(contexts[0].x[kA1], contexts[1].x[kA1]);
}

uint64_t kernel_run(uint64_t repeat) {
    memset(pages, 0, sizeof pages);
    set_user_page((uint64_t)user_calls, true);
    for (int page = 0; page < kPages; ++page)
        set_user_page((uint64_t)pages[page], true);
    uint64_t old_vector;
    __asm__ volatile("csrrw %0, stvec, %1" : "=r"(old_vector) : "r"(trap_vector));
    __asm__ volatile("csrs sstatus, %0\n csrc sstatus, %1" ::"r"(kSum), "r"(kPreviousPrivilege));
    uint64_t checksum = 1, first_words = 0;
    for (uint64_t r = 0; r < repeat; ++r) {
        checksum = mix(checksum, system_calls(kCallsPerRound));
        for (int i = 0; i < 10; ++i)
            checksum = mix(checksum, page_faults(&first_words));
        checksum = mix(checksum, context_switches(kSwitchesPerRound));
    }
    __asm__ volatile("csrw stvec, %0" ::"r"(old_vector));
    return mix(checksum, first_words);
}
