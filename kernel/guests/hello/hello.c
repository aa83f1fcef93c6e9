/* The guest that the hypervisor's image carries: a riscv64 program in S-mode that shows that something runs. It talks
   to the SBI alone. */
typedef unsigned long word;

static word sbi_call(word extension, word function, word first, word second) {
    register word a0 asm("a0") = first;
    register word a1 asm("a1") = second;
    register word a6 asm("a6") = function;
    register word a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    return a1;
}

enum { BASE = 0x10, DEBUG_CONSOLE = 0x4442434e, SYSTEM_RESET = 0x53525354 };

static void put(const char *text) {
    for (; *text != 0; ++text)
        sbi_call(DEBUG_CONSOLE, 2, (word)(unsigned char)*text, 0);
}

static void put_number(word value) {
    char digits[24];
    char *cursor = digits + sizeof digits;
    *--cursor = 0;
    do {
        *--cursor = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(cursor);
}

static word now(void) {
    word time;
    asm volatile("rdtime %0" : "=r"(time));
    return time;
}

/* Primes below a bound, by Eratosthenes. */
static word count_primes(void) {
    enum { BOUND = 100000 };
    static unsigned char composite[BOUND];
    word count = 0;
    for (word n = 2; n < BOUND; ++n) {
        if (composite[n])
            continue;
        ++count;
        for (word multiple = n * n; multiple < BOUND; multiple += n)
            composite[multiple] = 1;
    }
    return count;
}

void hello(word hart) {
    const word begin = now();
    put("Hello from a riscv64 machine inside Ashlar.\n");
    put("This is hart ");
    put_number(hart);
    put(" in S-mode, SBI ");
    const word version = sbi_call(BASE, 0, 0, 0);
    put_number(version >> 24 & 127);
    put(".");
    put_number(version & 0xffffff);
    put(".\nThere are ");
    put_number(count_primes());
    put(" primes below 100000; finding them took ");
    put_number((now() - begin) / 10);
    put(" microseconds.\nGive me a boot bundle (docs/configuration.md) to run your own guests. Powering off.\n");
    sbi_call(SYSTEM_RESET, 0, 0, 0);
    for (;;)
        asm volatile("wfi");
}
