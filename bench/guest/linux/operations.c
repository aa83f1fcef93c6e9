// What Linux's operations cost on a machine, measured within it: a static riscv64 Linux program.
//
//   operations [NAME...]          measures the operations named, or all: "operation NAME NANOSECONDS ns"
//   operations time NAME CMD...   runs a command: "command NAME SECONDS s status N"
//
// Figures are the least of several batches, which other work on the emulating machine does not raise.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kPage = 4096, kFaultPages = 512, kBatches = 8 };
static const double kBatchSeconds = 0.025;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static void wait_for(pid_t child) {
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("child");
}

static void* map_pages(size_t count) {
    void* const pages = mmap(NULL, count * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        fail("mmap");
    return pages;
}

// ---------------------------------------------------------------- the operations, each done `count` times

static void do_getppid(unsigned long count) {
    while (count-- != 0)
        syscall(SYS_getppid);
}

// Per page: the fault, the clearing, and its share of unmapping.
static void do_page_fault(unsigned long count) {
    while (count != 0) {
        const unsigned long pages = count < kFaultPages ? count : kFaultPages;
        volatile char* const memory = map_pages(pages);
        madvise((void*)memory, pages * kPage, MADV_NOHUGEPAGE);
        for (unsigned long page = 0; page < pages; ++page)
            memory[page * kPage] = 1;
        munmap((void*)memory, pages * kPage);
        count -= pages;
    }
}

static void do_mprotect(unsigned long count) {
    static volatile char* page;
    if (page == NULL)
        page = map_pages(1);
    while (count-- != 0) {
        if (mprotect((void*)page, kPage, PROT_READ) != 0 ||
            mprotect((void*)page, kPage, PROT_READ | PROT_WRITE) != 0)
            fail("mprotect");
        *page = (char)count;
    }
}

// A round trip: a byte to another process and one back.
static void do_pipe(unsigned long count) {
    int there[2], back[2];
    char byte = 0;
    if (pipe(there) != 0 || pipe(back) != 0)
        fail("pipe");
    const pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    while (count-- != 0)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            fail("ping-pong");
    close(there[1]);
    close(back[0]);
    wait_for(child);
}

static void do_fork(unsigned long count) {
    while (count-- != 0) {
        const pid_t child = fork();
        if (child == 0)
            _exit(0);
        wait_for(child);
    }
}

static const char* self;

static void do_exec(unsigned long count) {
    while (count-- != 0) {
        const pid_t child = vfork();
        if (child == 0) {
            execl(self, self, "nothing", (char*)NULL);
            _exit(127);
        }
        wait_for(child);
    }
}

static volatile sig_atomic_t signals_seen;

static void count_signal(int number) {
    (void)number;
    ++signals_seen;
}

static void do_signal(unsigned long count) {
    const struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGUSR1, &action, NULL);
    const pid_t process = getpid();
    while (count-- != 0) {
        const sig_atomic_t seen = signals_seen;
        syscall(SYS_tgkill, process, process, SIGUSR1);
        if (signals_seen == seen)
            fail("signal");
    }
}

static unsigned long shared_counter;

static void* add_often(void* count) {
    for (unsigned long left = *(unsigned long*)count; left != 0; --left)
        __atomic_fetch_add(&shared_counter, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void do_atomic(unsigned long count) {
    pthread_t other;
    unsigned long half = count / 2 + 1;
    shared_counter = 0;
    if (pthread_create(&other, NULL, add_often, &half) != 0)
        fail("pthread_create");
    add_often(&half);
    pthread_join(other, NULL);
    if (shared_counter != 2 * half)
        fail("atomic add");
}

static const struct {
    const char* name;
    void (*run)(unsigned long count);
} kOperations[] = {
    {"getppid", do_getppid}, {"page_fault", do_page_fault}, {"mprotect", do_mprotect}, {"pipe", do_pipe},
    {"fork", do_fork},       {"exec", do_exec},             {"signal", do_signal},     {"atomic", do_atomic},
};
enum { kOperationCount = sizeof kOperations / sizeof kOperations[0] };

// ---------------------------------------------------------------- measuring

static double seconds_of(void (*run)(unsigned long), unsigned long count) {
    const double begin = now();
    run(count);
    return now() - begin;
}

static double nanoseconds_each(void (*run)(unsigned long)) {
    unsigned long count = 1;
    double seconds = seconds_of(run, count); // translates, too
    while ((seconds = seconds_of(run, count)) < kBatchSeconds)
        count = seconds < kBatchSeconds / 16 ? count * 8
                                             : (unsigned long)((double)count * kBatchSeconds / seconds * 1.2) + 1;
    for (int batch = 0; batch < kBatches; ++batch) {
        const double again = seconds_of(run, count);
        seconds = again < seconds ? again : seconds;
    }
    return seconds / (double)count * 1e9;
}

static int time_command(const char* name, char** command) {
    const double begin = now();
    const pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("wait");
    printf("command %s %.4f s status %d\n", name, now() - begin, WIFEXITED(status) ? WEXITSTATUS(status) : 255);
    return status != 0;
}

int main(int argc, char** argv) {
    self = "/proc/self/exe";
    if (argc == 2 && strcmp(argv[1], "nothing") == 0)
        return 0;
    if (argc >= 4 && strcmp(argv[1], "time") == 0)
        return time_command(argv[2], argv + 3);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < kOperationCount; ++i) {
        int wanted = argc == 1;
        for (int n = 1; n < argc; ++n)
            wanted |= strcmp(argv[n], kOperations[i].name) == 0;
        if (wanted)
            printf("operation %s %.1f ns\n", kOperations[i].name, nanoseconds_each(kOperations[i].run));
    }
    return 0;
}
