// The contract between the hypervisor and the code that runs in a VM's ring 0: boot information, entry state,
// hypercalls and interrupt vectors. docs/hypercalls.md describes it for readers; both sides compile this
// file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::abi {

// Guest-physical layout of a VM. RAM begins where the riscv64 `virt` board has it, so that a DMA address
// written by a translated guest is a guest-physical address of the VM. Everything private lies above 256 GiB.
constexpr std::uint64_t kRamBase = 0x8000'0000;
constexpr std::uint64_t kPrivateBase = 0x40'0000'0000; // image, tables, heap of the VM's own kernel
constexpr std::uint64_t kBlobBase = 0x50'0000'0000;    // copies of the bundle's images, read-only
// Registers of devices that are the VM's own; device n's lie in [kDeviceBase + n * kDeviceStride, +
// kDeviceStride).
constexpr std::uint64_t kDeviceBase = 0x60'0000'0000, kDeviceStride = 0x2'0000'0000;

// Where the VM's own kernel (the translator, or a native guest's image) is linked, and entered: an ELF64
// whose segments lie in [kImageVirtualBase, kImageVirtualBase + private size). It lies outside the low and
// the top 256 GiB of the address space, which belong to the translated guest.
constexpr std::uint64_t kImageVirtualBase = 0xffff'a000'0000'0000;

// Entry state on x86_64: long mode, flat ring-0 segments, IF=0, paging on with the mapping
// [kImageVirtualBase, +1 GiB) -> [kPrivateBase, +1 GiB) writable and executable (the image replaces it by
// tables of its own), rdi = virtual address of BootInfo, rsp = top of a 16 KiB stack, all other registers 0.
// On aarch64: EL1 on SP_EL1, DAIF masked, MMU and caches on with the same mapping by TTBR1_EL1 (48 bits, 4
// KiB granule), nothing by TTBR0_EL1, x0 = virtual address of BootInfo, SP_EL1 = top of a 16 KiB stack.
struct Blob {
    enum class Kind : std::uint32_t { None, Firmware, Kernel, Initrd, CommandLine, DeviceTree, Tuning };
    Kind kind;
    std::uint32_t reserved;
    std::uint64_t address; // guest-physical, page-aligned
    std::uint64_t size;    // bytes
};
static_assert(sizeof(Blob) == 24);

constexpr std::uint64_t kBootInfoMagic = 0x3152'414c'4853'41; // "ASHLAR1"
constexpr std::uint32_t kBootInfoVersion = 1;
constexpr std::size_t kMaxBlobs = 8;

struct BootInfo {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t size;          // of this structure, bytes
    std::uint64_t private_size;  // bytes of memory from kPrivateBase on
    std::uint64_t private_used;  // bytes of it taken by image, boot tables, stack and this structure
    std::uint64_t ram_size;      // bytes of memory from kRamBase on
    std::uint64_t tsc_hz;        // frequency of the time-stamp counter; it starts near 0 with the VM
    std::uint64_t wall_clock_ns; // Unix time at time-stamp counter 0
    std::uint32_t vcpus;         // harts of the translated guest
    std::uint32_t disk_count;    // disks 0 .. disk_count-1 answer BlockInfo
    std::uint32_t blob_count;
    std::uint32_t device_count; // devices 0 .. device_count-1 answer DeviceInfo
    Blob blobs[kMaxBlobs];
};
static_assert(sizeof(BootInfo) == 72 + 24 * kMaxBlobs);

// VMMCALL on SVM, VMCALL on VMX, HVC #0 on aarch64. x86_64: number in rax, arguments in rdi, rsi, rdx, r10,
// r8; the status comes back in rax, a value in rdx; other registers are kept. Ring 3 gets Status::Denied.
// aarch64: number in x0, arguments in x1 to x5; status in x0, value in x1; HVC is undefined at EL0.
// Every address is guest-physical, must lie in the VM's own memory and may be unaligned unless said
// otherwise.
enum class Hypercall : std::uint64_t {
    Version = 0,      // () -> kHypercallVersion
    ConsoleWrite = 1, // (address, bytes <= kMaxConsoleBytes) -> bytes taken
    ConsoleRead = 2,  // (address, capacity <= kMaxConsoleBytes) -> bytes stored; 0 when nothing waits
    TimeNow = 3,      // () -> nanoseconds since the VM started
    TimerSet =
        4, // (deadline in TimeNow's nanoseconds, or kTimerOff): kTimerVector is injected once, when due
    BlockInfo = 5,  // (disk, address of BlockInformation)
    BlockRead = 6,  // (disk, first 512-byte sector, address, bytes: multiple of 512, <= kMaxBlockBytes)
    BlockWrite = 7, // likewise
    BlockFlush = 8, // (disk)
    PowerOff = 9,   // (code): ends the VM; 0 means well, anything else is reported as a failure
    Crash = 10, // (address, bytes <= kMaxConsoleBytes): ends the VM as failed, with a message for the report
    Statistics = 11, // (address of VmStatistics)
    NodeMemory = 12, // (NUMA node, address of NodeMemoryInformation)
    // Disks of the machine (BlockInformation::kShadowed): the hypervisor serves a virtqueue in the VM's RAM.
    BlockAttach = 13,   // (disk, address of BlockQueue)
    BlockKick = 14,     // (disk): the queue's driver has offered requests
    BlockDetach = 15,   // (disk): Busy until nothing is in flight; the queue is left alone at once
    DeviceInfo = 16,    // (device, address of DeviceInformation)
    DeviceControl = 17, // (device, 1 or 0): whether it may access memory (its bus master bit)
};
constexpr std::uint64_t kHypercallVersion = 1;
constexpr std::uint64_t kMaxConsoleBytes = 4096;
constexpr std::uint64_t kMaxBlockBytes = 1 << 20;
constexpr std::uint64_t kTimerOff = ~std::uint64_t{0};

enum class Status : std::uint64_t {
    Ok = 0,
    UnknownCall = 1,
    BadAddress = 2,  // not (wholly) in the VM's memory
    BadArgument = 3, // a number, length or alignment that the call does not allow
    NotFound = 4,    // no such disk or device
    Denied = 5,      // not from this privilege level, or a write to what is read-only
    IoError = 6,
    Busy = 7, // try again
};

// Vectors that the hypervisor injects.
constexpr unsigned kTimerVector = 0xe0;
constexpr unsigned kConsoleVector = 0xe1;    // console input went from empty to not empty
constexpr unsigned kStatisticsVector = 0xe2; // the user wants the guest's statistics on its console
constexpr unsigned kDiskVector = 0xe3;       // requests of an attached queue are done

// Device n interrupts by kDeviceVector + kDeviceInterrupts * n: its configuration has changed; and by the
// next one: it has used buffers of a queue. The VM tells the device to use vectors 0 and 1 of its table for
// them.
constexpr unsigned kDeviceVector = 0xd0, kDeviceInterrupts = 2, kMaxDevices = 8;

struct BlockInformation {
    // Flags. Discards and zeroes are of one range each.
    static constexpr std::uint32_t kShadowed = 1, kFlushes = 2, kDiscards = 4, kWritesZeroes = 8;
    std::uint64_t bytes; // capacity, a multiple of 512
    std::uint32_t read_only;
    std::uint32_t logical_block; // bytes
    char serial[20];             // NUL-padded
    std::uint32_t flags;
    // Of shadowed disks.
    std::uint32_t physical_block;          // bytes
    std::uint32_t most_segments;           // of data, that a request should have
    std::uint32_t largest_discard_sectors; // of 512 bytes
    std::uint32_t largest_zeroes_sectors;
};
static_assert(sizeof(BlockInformation) == 56);

// A split virtqueue of a block device in the VM's RAM, by its guest-physical addresses (Virtio 1.2, 2.7).
struct BlockQueue {
    static constexpr std::uint32_t kMaxSize = 128;
    std::uint64_t descriptors, driver, device;
    std::uint64_t features; // that the driver has accepted: indirect descriptors, event index
    std::uint32_t size;     // a power of two
    std::uint32_t reserved;
};
static_assert(sizeof(BlockQueue) == 40);

struct VmStatistics {
    std::uint64_t run_ns;     // time spent in the VM
    std::uint64_t exits;      // all VM exits
    std::uint64_t hypercalls; // of them by reason
    std::uint64_t nested_faults;
    std::uint64_t io_exits;
    std::uint64_t msr_exits;
    std::uint64_t cpuid_exits;
    std::uint64_t halts;
    std::uint64_t preemptions;  // host interrupts taken while the VM ran
    std::uint64_t injections;   // interrupts injected
    std::uint64_t memory_bytes; // all memory accounted to the VM
};
static_assert(sizeof(VmStatistics) == 88);

// A PCI function of the machine that the VM drives itself.
struct DeviceBar {
    std::uint64_t address;              // guest-physical
    std::uint64_t size;                 // bytes, a power of two; 0: the VM does not have this one
    std::uint64_t hole_begin, hole_end; // offsets of pages that it does not have: the table of interrupts
};
struct DeviceInformation {
    // As the VM shall see configuration space: the function's identity and its virtio capabilities, BARs
    // without addresses.
    std::uint8_t configuration[256];
    DeviceBar bars[6];
    std::uint32_t first_vector;
    std::uint32_t reserved;
};
static_assert(sizeof(DeviceInformation) == 456);

// Of one NUMA node. What is not of the VM itself is 0 unless the VM may see it.
struct NodeMemoryInformation {
    std::uint64_t vm_frames; // accounted to the VM
    std::uint64_t machine;   // 1 when the VM may see what follows
    std::uint64_t total_frames;
    std::uint64_t free_frames;
    std::uint64_t cached_frames;              // free, in caches of CPUs
    std::uint64_t free_by_order[19];          // blocks of 4 KiB, 8 KiB, ... 1 GiB
    std::uint64_t local, remote, interleaved; // frames handed out: wished for here, elsewhere, by turns
    std::uint64_t fragmentation;              // thousandths of the free memory that are in blocks under 2 MiB
};
static_assert(sizeof(NodeMemoryInformation) == 224);

} // namespace ashlar::abi
