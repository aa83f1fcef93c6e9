// From the hypervisor's entry state to the portable main program.
#include "arch/x86_64/common/registers.h"
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

// What generated code and the floating-point unit may use, and what protects us from the guest.
void enable_cpu_features() {
    constexpr std::uint32_t kXsave = 1 << 26, kAvx = 1 << 28;                // CPUID 1, ecx
    constexpr std::uint32_t kSmep = 1 << 7, kSmap = 1 << 20, kUmip = 1 << 2; // CPUID 7, ebx, ebx, ecx
    std::uint64_t cr4 = read_cr4();
    const Cpuid basic = cpuid(1);
    if ((basic.ecx & kXsave) != 0)
        cr4 |= kCr4OsXsave;
    if (cpuid(0).eax >= 7) {
        const Cpuid extended = cpuid(7);
        cr4 |= (extended.ebx & kSmep) != 0 ? kCr4Smep : 0;
        cr4 |= (extended.ebx & kSmap) != 0 ? kCr4Smap : 0;
        cr4 |= (extended.ecx & kUmip) != 0 ? kCr4Umip : 0;
    }
    write_cr4(cr4);
    if ((basic.ecx & kXsave) != 0)
        write_xcr0(kXcr0X87 | kXcr0Sse | ((basic.ecx & kAvx) != 0 ? kXcr0Avx : 0));
    write_msr(kMsrEfer, read_msr(kMsrEfer) | kEferNoExecute);
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
