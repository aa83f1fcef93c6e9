#include "hosttests/kernel/kernel_test.h"

#include <cstdio>
#include <cstring>

#include <sys/mman.h>

#include "kernel/numa_builder.h"

namespace ashlar::kernel {

Result<PhysicalAddress> CountingFrames::allocate(unsigned order, const NodeWish& wish,
                                                 MemoryAccount& account) {
    if (allocations++ >= fail_from)
        return Error::OutOfMemory;
    return frames_.allocate(order, wish, account);
}

ProgramImage::ProgramImage(std::uint64_t entry, std::uint64_t offset, std::uint64_t memory_size)
    : bytes_(0x200) {
    poke(0, std::uint32_t{0x464c457f});
    bytes_[4] = std::byte{2}, bytes_[5] = std::byte{1}, bytes_[6] = std::byte{1};
    poke(16, std::uint16_t{2}), poke(kMachine, std::uint16_t{62}), poke(24, entry);
    poke(32, std::uint64_t{64}), poke(54, std::uint16_t{56}), poke(56, std::uint16_t{1});
    poke(64, std::uint32_t{1}), poke(68, std::uint32_t{7}), poke(72, std::uint64_t{0x100});
    poke(kSegmentAddress, abi::kImageVirtualBase + offset);
    poke(kSegmentAddress + 8, abi::kImageVirtualBase + offset);
    poke(kSegmentAddress + 16, std::uint64_t{kContents.size()}), poke(kSegmentMemorySize, memory_size);
    std::memcpy(&bytes_[0x100], kContents.data(), kContents.size());
}

VmExit exit_for(VmExit::Reason reason) {
    VmExit exit;
    exit.reason = reason;
    return exit;
}

VmExit call_of(abi::Hypercall number, std::array<std::uint64_t, 5> arguments, bool privileged) {
    VmExit exit = exit_for(VmExit::Reason::Hypercall);
    exit.hypercall = {static_cast<std::uint64_t>(number), arguments, privileged};
    return exit;
}

VmExit power_off(std::uint64_t code) {
    return call_of(abi::Hypercall::PowerOff, {code});
}

// Pages that nobody touches cost nothing.
KernelTest::KernelTest(std::uint64_t memory_bytes, unsigned nodes) : memory_size_(memory_bytes) {
    void* const mapped = ::mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        std::abort();
    memory_ = static_cast<std::byte*>(mapped);
    machine() = {};
    machine().memory = memory_;
    machine().memory_size = memory_bytes;
    machine().now_ns = 1'000'000;
    virtualization() = {};
    boot.protocol = "test";
    boot.ranges[boot.range_count++] = {PhysicalAddress(kMiB), memory_bytes - kMiB, MemoryRange::Kind::Usable};
    BufferSink<256> diagnostics;
    NumaBuilder numa(boot.numa, diagnostics);
    for (NodeId node = 0; nodes > 1 && node < nodes; ++node)
        numa.add_memory(PhysicalAddress(node * (memory_bytes / nodes)), memory_bytes / nodes, node);
    numa.finish();
    for (NodeId node = 1; node < nodes; ++node)
        numa.set_distance(0, node, 21);
    numa.finish_distances();
    const NodeId cpu_nodes[] = {0};
    physical_->initialize(boot, cpu_nodes, diagnostics);
    images.program = program_image.view();
}

KernelTest::~KernelTest() {
    ::munmap(memory_, memory_size_);
    machine() = {};
    virtualization() = {};
}

VmConfig KernelTest::small_vm(std::string_view name) {
    VmConfig config;
    config.name = name;
    config.kind = VmKind::Native;
    config.memory = 16 * kPageSize;
    config.private_memory = 32 * kPageSize;
    return config;
}

Vm& KernelTest::create(const VmConfig& config) {
    BufferSink<256> problem;
    const Result<Vm*> vm = Vm::create(frames, hypervisor, config, images, problem);
    if (!vm.ok()) {
        std::fprintf(stderr, "no VM: %.*s\n", static_cast<int>(problem.view().size()), problem.view().data());
        std::abort();
    }
    return *vm.value();
}

std::uint64_t KernelTest::add_program(arch::fake::Program program) {
    const std::uint64_t entry = next_entry_++;
    virtualization().programs[entry] = std::move(program);
    return entry;
}

Vm& KernelTest::create(std::string_view name, arch::fake::Program program) {
    program_image = ProgramImage(add_program(std::move(program)));
    images.program = program_image.view();
    return create(small_vm(name));
}

std::string KernelTest::output() {
    std::string text;
    text.swap(machine().console_output);
    return text;
}

Archive& Archive::add(const std::string& name, const std::string& data) {
    char header[111];
    std::snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1u,
                  0100644u, 0u, 0u, 1u, 0u, static_cast<unsigned>(data.size()), 0u, 0u, 0u, 0u,
                  static_cast<unsigned>(name.size() + 1), 0u);
    text_ += header + name + '\0';
    text_.resize((text_.size() + 3) & ~std::size_t{3});
    text_ += data;
    text_.resize((text_.size() + 3) & ~std::size_t{3});
    return *this;
}

Bytes Archive::finish() {
    add("TRAILER!!!", "");
    return std::as_bytes(std::span(text_.data(), text_.size()));
}

std::string read_memory(Vm& vm, std::uint64_t address, std::size_t length) {
    std::string text(length, '?');
    EXPECT_TRUE(
        vm.copy_out(GuestPhysicalAddress(address), std::as_writable_bytes(std::span(text.data(), length))));
    return text;
}

} // namespace ashlar::kernel
