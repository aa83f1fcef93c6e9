// A plugin for QEMU's emulators of user programs: counts the instructions that a program executes. tools/count-instructions
// loads it. Option: out=FILE, which gets the number when the program ends.
//
// Debian packages no header for plugins, so what is used of version 1 of the interface is declared here.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t PluginId;
typedef struct qemu_plugin_tb Block;
enum { kInlineAdd = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(PluginId id, void (*callback)(PluginId, Block*));
size_t qemu_plugin_tb_n_insns(const Block* block);
void qemu_plugin_register_vcpu_tb_exec_inline(Block* block, int operation, void* value, uint64_t operand);
void qemu_plugin_register_atexit_cb(PluginId id, void (*callback)(PluginId, void*), void* data);

EXPORT int qemu_plugin_version = 1;

static uint64_t executed;
static char path[4096];
static pid_t process;

// A block is counted when it is entered: one that a fault ends counts as a whole, which is rare.
static void on_translation(PluginId id, Block* block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, kInlineAdd, &executed, qemu_plugin_tb_n_insns(block));
}

static void on_exit_of_program(PluginId id, void* data) {
    (void)id, (void)data;
    if (getpid() != process) // a child that the program made
        return;
    FILE* const file = fopen(path, "w");
    if (file == NULL || fprintf(file, "%llu\n", (unsigned long long)executed) < 0 || fclose(file) != 0)
        perror(path);
}

EXPORT int qemu_plugin_install(PluginId id, const void* info, int count, char** options) {
    (void)info;
    if (count != 1 || strncmp(options[0], "out=", 4) != 0 || strlen(options[0] + 4) >= sizeof path) {
        fputs("count_instructions: option out=FILE is missing\n", stderr);
        return -1;
    }
    strcpy(path, options[0] + 4);
    process = getpid();
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_program, NULL);
    return 0;
}
