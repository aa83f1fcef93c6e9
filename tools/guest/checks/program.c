// Compiled and run by gcc.sh: sorting, formatting, floating point, signals, threads and non-local jumps.
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t state = 88172645463325252u;
static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int by_value(const void* a, const void* b) {
    const uint64_t x = *(const uint64_t*)a, y = *(const uint64_t*)b;
    return (x > y) - (x < y);
}

static uint64_t sorted(void) {
    enum { kCount = 200000 };
    uint64_t* values = malloc(kCount * sizeof *values);
    for (int i = 0; i < kCount; ++i)
        values[i] = next();
    qsort(values, kCount, sizeof *values, by_value);
    uint64_t sum = 0;
    for (int i = 0; i < kCount; ++i)
        sum = sum * 31 + (values[i] ^ (uint64_t)i);
    free(values);
    return sum;
}

static int primes(int below) {
    char* composite = calloc((size_t)below, 1);
    int count = 0;
    for (int i = 2; i < below; ++i) {
        count += !composite[i];
        for (int64_t k = (int64_t)i * i; !composite[i] && k < below; k += i)
            composite[k] = 1;
    }
    free(composite);
    return count;
}

static volatile sig_atomic_t ticks;
static sigjmp_buf escape;
static void on_signal(int number) {
    if (number == SIGSEGV)
        siglongjmp(escape, 1);
    ticks = ticks + 1;
}

static _Atomic uint64_t shared;
static uint64_t guarded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void* worker(void* argument) {
    for (int i = 0; i < 20000; ++i) {
        atomic_fetch_add(&shared, (uint64_t)(uintptr_t)argument);
        pthread_mutex_lock(&mutex);
        ++guarded;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

int main(void) {
    printf("sorted %016" PRIx64 " primes %d\n", sorted(), primes(2000000));
    double sum = 0;
    float narrow = 0;
    for (int i = 1; i < 200000; ++i) {
        sum += sin(i) * exp(-i / 1e5) + pow(i, 0.3) - fmod(i, 0.7);
        narrow = fmaf(narrow, 0.999f, sqrtf((float)i));
    }
    printf("sum %a %.17g narrow %a\n", sum, sum, (double)narrow);
    printf("%.25Lf %Lg %d %d %ld\n", 1.0L / 3, 1e4000L * 7, isnan(0.0 / (sum * 0)), (int)-3.99, lrint(-2.5));

    signal(SIGUSR1, on_signal);
    for (int i = 0; i < 1000; ++i)
        kill(getpid(), SIGUSR1);
    printf("signals %d\n", (int)ticks);

    char* pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 4096, PROT_READ);
    signal(SIGSEGV, on_signal);
    if (sigsetjmp(escape, 1) == 0) {
        memset(pages, 'x', 8192);
        puts("wrote to a page without write permission");
    } else {
        printf("stopped at the page's end: %c %d\n", pages[4095], pages[4096]);
    }

    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; ++i)
        pthread_create(&threads[i], NULL, worker, (void*)(i + 1));
    for (int i = 0; i < 4; ++i)
        pthread_join(threads[i], NULL);
    printf("threads %" PRIu64 " %" PRIu64 "\n", (uint64_t)shared, guarded);
    return 0;
}
