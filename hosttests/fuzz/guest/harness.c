// Runs the image's programs one after the other, steps over what traps, and prints what each left behind.
// Compiled without floating point, so that a program's f registers survive in place.
#include "hosttests/fuzz/case_layout.h"

struct Registers {
    uint64_t x[32], pc, f[32], fcsr;
};

void run_program(struct Registers* registers);
extern const char supervisor_trap[];

static struct Registers registers;
static const struct FuzzCase* current;
static uint64_t hash, traps;
static int verbose;

#define READ_CSR(name)                                                                                       \
    ({                                                                                                       \
        uint64_t value_;                                                                                     \
        __asm__ volatile("csrr %0, " #name : "=r"(value_));                                                  \
        value_;                                                                                              \
    })
#define WRITE_CSR(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((uint64_t)(value)) : "memory")

enum { kEcallFromSupervisor = 9, kBreakpoint = 3 };
static const uint64_t kInterrupt = (uint64_t)1 << 63, kSpp = 1 << 8, kMpp = 3 << 11, kMprv = 1 << 17;

static void print(const char* text) {
    for (; *text != '\0'; ++text)
        *(volatile uint8_t*)0x10000000 = (uint8_t)*text;
}
static void print_hex(uint64_t value) {
    char digits[17];
    for (int i = 0; i < 16; ++i)
        digits[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    digits[16] = '\0';
    print(digits);
}
static void print_decimal(uint64_t value) {
    char digits[21];
    int at = 20;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    print(digits + at);
}

// Adds to what the program left behind.
static void record(const char* name, int index, uint64_t value) {
    hash = (hash ^ value) * 0x100000001b3u;
    hash ^= hash >> 31;
    if (!verbose)
        return;
    print(name);
    if (index >= 0)
        print_decimal((uint64_t)index);
    print(" ");
    print_hex(value);
    print("\n");
}

static void clear_state(void) {
    WRITE_CSR(mstatus, 0x6000);
    WRITE_CSR(satp, 0);
    WRITE_CSR(medeleg, 0);
    WRITE_CSR(mideleg, 0);
    WRITE_CSR(mie, 0);
    WRITE_CSR(mip, 0);
    WRITE_CSR(mcounteren, 0);
    WRITE_CSR(scounteren, 0);
    WRITE_CSR(stvec, supervisor_trap);
    WRITE_CSR(sscratch, 0);
    WRITE_CSR(sepc, 0);
    WRITE_CSR(scause, 0);
    WRITE_CSR(stval, 0);
    WRITE_CSR(mtval, 0);
    WRITE_CSR(mcause, 0);
}

static volatile uint64_t* table(int index) {
    return (volatile uint64_t*)(FUZZ_TABLES + 4096 * (uint64_t)index);
}
static volatile uint64_t* small_pages(void) {
    return table(2);
}
static volatile uint64_t* big_pages(void) {
    return table(1) + (FUZZ_MAPPED >> 21 & 511) + 1;
}

static void build_tables(void) {
    enum { kSupervisorLeaf = 0xcf, kUserLeaf = 0xdf, kTable = 1 };
    volatile uint64_t *root = table(0), *middle = table(1);
    root[2] = (uint64_t)middle >> 2 | kTable;
    root[3] = FUZZ_BASE >> 2 | kUserLeaf;
    for (uint64_t i = 0; i < (FUZZ_MAPPED & 0x3fffffff) >> 21; ++i)
        middle[i] = (FUZZ_BASE + (i << 21)) >> 2 | kSupervisorLeaf;
    middle[FUZZ_MAPPED >> 21 & 511] = (uint64_t)small_pages() >> 2 | kTable;
    for (int i = 0; i < FUZZ_BIG_PAGES; ++i)
        big_pages()[i] = current->big_pages[i];
    for (int i = 0; i < FUZZ_SMALL_PAGES; ++i)
        small_pages()[i] = current->small_pages[i];
}

// What lies at the mapped addresses without paging, and in the big page.
static void clear_pages(uint64_t first, int count) {
    for (uint64_t* word = (uint64_t*)first; word < (uint64_t*)(first + 4096 * (uint64_t)count); ++word)
        *word = 0;
}
static void clear_mapped_memory(void) {
    clear_pages(FUZZ_MAPPED - 4096, FUZZ_SMALL_PAGES + 2);
    for (uint64_t i = 1; i <= FUZZ_BIG_PAGES + 1; ++i)
        clear_pages(FUZZ_MAPPED + (i << 21) - 4096, 3);
    clear_pages(FUZZ_BIG_PAGE - 4096, 3);
    clear_pages(FUZZ_BIG_PAGE + 0x1ff000, 1);
}

static void set_up_privileged_state(void) {
    build_tables();
    clear_mapped_memory();
    WRITE_CSR(medeleg, current->medeleg);
    WRITE_CSR(mideleg, current->mideleg);
    WRITE_CSR(satp, current->satp);
    WRITE_CSR(menvcfg, current->menvcfg);
    WRITE_CSR(pmpaddr0, current->pmpaddr[0]);
    WRITE_CSR(pmpaddr1, current->pmpaddr[1]);
    WRITE_CSR(pmpaddr2, current->pmpaddr[2]);
    WRITE_CSR(pmpaddr3, current->pmpaddr[3]);
    WRITE_CSR(pmpaddr7, ~(uint64_t)0);
    WRITE_CSR(pmpcfg0, current->pmpcfg | (uint64_t)0x1f << 56);
}

static void start(const struct FuzzCase* program) {
    current = program;
    hash = 0xcbf29ce484222325;
    traps = 0;
    uint64_t random = 0x9e3779b97f4a7c15;
    for (uint64_t* word = (uint64_t*)FUZZ_DATA; word < (uint64_t*)(FUZZ_DATA + FUZZ_DATA_BYTES); ++word)
        *word = random = random * 6364136223846793005u + 1442695040888963407u;
    for (int i = 0; i < 32; ++i) {
        registers.x[i] = program->x[i];
        registers.f[i] = program->f[i];
    }
    registers.fcsr = program->fcsr;
    registers.pc = program->code;
    clear_state();
    if (program->privileged)
        set_up_privileged_state();
    uint64_t reservation = 0; // none from the program before
    __asm__ volatile("sc.d %0, %0, (%1)" : "+r"(reservation) : "r"(&random) : "memory");
    __asm__ volatile("sfence.vma\n fence.i" ::: "memory");
    WRITE_CSR(mstatus, program->privileged ? program->mstatus | 0x2000 : 0x3800);
}

static void finish(void) {
    for (int i = 1; i < 32; ++i)
        record("x", i, registers.x[i]);
    for (int i = 0; i < 32; ++i)
        record("f", i, registers.f[i]);
    record("fcsr", -1, registers.fcsr);
    if (current->privileged) {
        WRITE_CSR(satp, 0);
        for (int i = 0; i < FUZZ_BIG_PAGES; ++i)
            record("big_page", i, big_pages()[i]);
        for (int i = 0; i < FUZZ_SMALL_PAGES; ++i)
            record("small_page", i, small_pages()[i]);
    }
    const int speak = verbose;
    uint64_t random = 0x9e3779b97f4a7c15;
    for (int i = 0; i < FUZZ_DATA_BYTES / 8; ++i) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const uint64_t word = ((uint64_t*)FUZZ_DATA)[i];
        verbose = speak && word != random; // what the program changed
        record("data+8*", i, word);
    }
    verbose = speak;
}

// Where the program trapped: itself, or through the stub that delegated traps reach.
struct Trap {
    uint64_t cause, pc, privilege;
};

static struct Trap read_trap(uint64_t status) {
    struct Trap trap = {READ_CSR(mcause), registers.pc, (status & kMpp) >> 11};
    if (trap.cause == kEcallFromSupervisor && trap.pc == (uint64_t)supervisor_trap)
        trap = (struct Trap){READ_CSR(scause), READ_CSR(sepc), (status & kSpp) != 0};
    return trap;
}

// A breakpoint may leave its address or zero.
static uint64_t trap_value(uint64_t cause, uint64_t value) {
    return cause == kBreakpoint ? 0 : value;
}

static void record_trap(uint64_t status) {
    record("trap", -1, READ_CSR(mcause));
    record("  mepc", -1, registers.pc);
    record("  mtval", -1, trap_value(READ_CSR(mcause), READ_CSR(mtval)));
    WRITE_CSR(mtval, 0);
    if (!current->privileged)
        return;
    record("  mstatus", -1, status & ~(uint64_t)0x8000000000006000); // FS and SD as they may be kept
    record("  mie", -1, READ_CSR(mie));
    record("  mip", -1, READ_CSR(mip));
    record("  scause", -1, READ_CSR(scause));
    record("  sepc", -1, READ_CSR(sepc));
    record("  stval", -1, trap_value(READ_CSR(scause), READ_CSR(stval)));
    WRITE_CSR(stval, 0);
    record("  medeleg", -1, READ_CSR(medeleg));
    record("  mideleg", -1, READ_CSR(mideleg));
    record("  satp", -1, READ_CSR(satp));
}

static int is_code(uint64_t address) {
    return address >= current->code && address <= current->code_end;
}

// Decides where the program goes on; 1 ends it.
int on_trap(void) {
    const uint64_t status = READ_CSR(mstatus);
    WRITE_CSR(mstatus, status & ~kMprv);
    record_trap(status);
    if (++traps > FUZZ_MAX_TRAPS)
        return 1;
    const struct Trap trap = read_trap(status);
    uint64_t pc = trap.pc;
    if (trap.cause & kInterrupt) {
        WRITE_CSR(mie, 0);
        WRITE_CSR(mip, 0);
    } else {
        // The address of the code as M-mode sees it, and as it must be seen from where the program goes on.
        const uint64_t physical = is_code(pc - FUZZ_USER_ALIAS) ? pc - FUZZ_USER_ALIAS : pc;
        if (!is_code(physical))
            return 1;
        const int user_translated = trap.privilege == 0 && (READ_CSR(satp) >> 60) != 0;
        const uint64_t proper = user_translated ? physical + FUZZ_USER_ALIAS : physical;
        if (trap.cause == kBreakpoint && physical == current->code_end)
            return 1;
        if (pc != proper)
            pc = proper;
        else
            pc += (*(const uint16_t*)physical & 3) == 3 ? 4 : 2;
    }
    registers.pc = pc;
    // Without MPRV: MRET changes MPP, which QEMU 7.2 does not notice in cached translations.
    WRITE_CSR(mstatus, (status & ~(kMpp | kMprv)) | trap.privilege << 11);
    return 0;
}

void harness_main(void) {
    const struct FuzzHeader* header = (const struct FuzzHeader*)FUZZ_HEADER;
    verbose = header->verbose != 0;
    *(volatile uint64_t*)0x2004000 = ~(uint64_t)0; // CLINT mtimecmp: no timer interrupt
    for (uint64_t i = 0; i < header->count; ++i) {
        start(&header->cases[i]);
        run_program(&registers);
        WRITE_CSR(mstatus, 0x6000);
        finish();
        print_decimal(i);
        print(" ");
        print_hex(hash);
        print("\n");
    }
    *(volatile uint32_t*)0x100000 = 0x5555;
}
