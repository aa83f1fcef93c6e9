// The hypercalls of lib/vm_abi.h with types and pointers.
#pragma once

#include <cstdint>
#include <string_view>

#include "jit/bare/address_windows.h"
#include "lib/bytes.h"
#include "lib/result.h"
#include "lib/vm_abi.h"

namespace ashlar::jit::bare {

// Every call is a VM exit: tens of microseconds under emulation, one or two on hardware. Buffers must lie in
// the windows (OutOfRange otherwise).
class Hypervisor {
public:
    // `windows` outlives the object.
    explicit Hypervisor(const AddressWindows& windows) : windows_(windows) {}

    // Bytes taken, possibly fewer than offered. Any length.
    Result<std::size_t> console_write(Bytes bytes);
    // Bytes stored, 0 when no input waits.
    Result<std::size_t> console_read(MutableBytes buffer);

    // Nanoseconds since the VM started.
    std::uint64_t time_now();
    // abi::kTimerOff cancels.
    void set_timer(std::uint64_t deadline_ns);

    // NotFound when there is no such disk.
    Result<abi::BlockInformation> block_information(unsigned disk);
    // Any length that is a multiple of 512.
    Status block_read(unsigned disk, std::uint64_t sector, MutableBytes to);
    Status block_write(unsigned disk, std::uint64_t sector, Bytes from);
    Status block_flush(unsigned disk);

    // Of shadowed disks.
    Status block_attach(unsigned disk, const abi::BlockQueue& queue);
    Status block_kick(unsigned disk);
    Status block_detach(unsigned disk);
    // Whether that device accesses memory.
    void device_control(unsigned device, bool bus_master);

    Result<abi::VmStatistics> statistics();
    [[noreturn]] void power_off(int code);
    // Ends the VM as failed; the message goes into the hypervisor's report.
    [[noreturn]] void crash(std::string_view message);

private:
    Status block_transfer(abi::Hypercall call, unsigned disk, std::uint64_t sector, const std::byte* buffer,
                          std::size_t size);

    const AddressWindows& windows_;
};

} // namespace ashlar::jit::bare
