// From the hypervisor's entry state to the portable main program.
#include "arch/x86_64/common/cpu_features.h"
#include "arch/x86_64/translator/interrupts.h"
#include "arch/x86_64/translator/layout.h"
#include "arch/x86_64/translator/memory_map.h"
#include "jit/bare/program_heap.h"
#include "jit/bare/translator.h"

namespace ashlar::arch::translator {
namespace {

// They outlive translator_entry's frame, and everything else.
constinit abi::BootInfo boot_info{};
constinit jit::bare::Environment environment{};

void copy_boot_info(const abi::BootInfo& given) {
    if (given.magic != abi::kBootInfoMagic)
        crash("boot information has a wrong magic number", given.magic);
    if (given.version != abi::kBootInfoVersion || given.size < sizeof(abi::BootInfo))
        crash("boot information has an unknown version", given.version);
    boot_info = given;
    if (boot_info.blob_count > abi::kMaxBlobs)
        crash("boot information names too many blobs", boot_info.blob_count);
}

} // namespace

extern "C" [[noreturn]] void translator_entry(const abi::BootInfo& given) {
    load_descriptor_tables();
    copy_boot_info(given);
    enable_cpu_features();
    const Status mapped = map_memory(boot_info, environment);
    if (!mapped.ok())
        crash("cannot map the VM's memory", static_cast<std::uint64_t>(mapped.error()));
    environment.boot = &boot_info;
    jit::bare::program_heap().initialize(environment.heap);
    asm volatile("sti");
    jit::bare::translator_main(environment);
}

} // namespace ashlar::arch::translator
