// What an architecture gives the translator's portable part. arch/*/translator implements the functions; the
// host tests fake them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "jit/bare/address_windows.h"
#include "jit/native_compiler.h"
#include "jit/pci_backend.h"
#include "lib/bytes.h"
#include "lib/vm_abi.h"

namespace ashlar::jit::bare {

// A PCI function of the machine that is the VM's own, with its registers mapped.
struct AssignedDevice {
    abi::DeviceInformation information;
    std::array<PciBarWindow, PciBackend::kBars> bars;
};

// The address space as the architecture has set it up.
struct Environment {
    const abi::BootInfo* boot; // copied out of the hypervisor's memory and checked
    AddressWindows windows;    // every byte that a hypercall may be told about
    MutableBytes ram;          // guest RAM
    MutableBytes heap;         // private memory that nothing uses yet
    CodeMemory native_code;    // for host code, within 2 GiB of the image
    std::array<Bytes, abi::kMaxBlobs> blobs;
    std::array<AssignedDevice, abi::kMaxDevices> devices; // BootInfo::device_count of them
};

struct HypercallResult {
    abi::Status status;
    std::uint64_t value;
};

// One hypercall. Interrupts may be taken before and after, not within.
HypercallResult hypercall(abi::Hypercall call, std::uint64_t first = 0, std::uint64_t second = 0,
                          std::uint64_t third = 0, std::uint64_t fourth = 0);

// The counter whose frequency BootInfo::tsc_hz gives.
std::uint64_t read_counter();

// What interrupt handlers tell the run loop. They do nothing else: they may interrupt any code.
struct Events {
    std::atomic<bool> timer{false};
    std::atomic<bool> console_input{false};
    std::atomic<bool> statistics{false};
    std::atomic<bool> disk{false};
    std::atomic<std::uint32_t> devices{0}; // a bit for each vector from kDeviceVector on
};
extern Events events;

// Sleeps until an interrupt was taken; returns at once when an event is pending already.
void wait_for_event();

} // namespace ashlar::jit::bare
