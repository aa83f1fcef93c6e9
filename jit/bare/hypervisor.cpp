#include "jit/bare/hypervisor.h"

#include <algorithm>

#include "jit/bare/environment.h"

namespace ashlar::jit::bare {
namespace {

using abi::Hypercall;

constexpr std::uint64_t kSectorSize = 512;

Status to_status(abi::Status status) {
    switch (status) {
    case abi::Status::Ok: return {};
    case abi::Status::UnknownCall: return Error::Unsupported;
    case abi::Status::BadAddress: return Error::OutOfRange;
    case abi::Status::BadArgument: return Error::InvalidArgument;
    case abi::Status::NotFound: return Error::NotFound;
    case abi::Status::Denied: return Error::Denied;
    case abi::Status::IoError: return Error::Io;
    case abi::Status::Busy: return Error::Busy;
    }
    return Error::Io;
}

// For calls that do not return: the hypervisor ends the VM within them.
[[noreturn]] void stop_for_ever() {
    for (;;)
        wait_for_event();
}

} // namespace

Result<std::size_t> Hypervisor::console_write(Bytes bytes) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), abi::kMaxConsoleBytes);
    const GuestPhysicalAddress address = ASHLAR_TRY(windows_.physical(bytes.data(), size));
    const HypercallResult result = hypercall(Hypercall::ConsoleWrite, address.value(), size);
    ASHLAR_TRY(to_status(result.status));
    return std::min<std::size_t>(result.value, size);
}

Result<std::size_t> Hypervisor::console_read(MutableBytes buffer) {
    const std::size_t size = std::min<std::size_t>(buffer.size(), abi::kMaxConsoleBytes);
    const GuestPhysicalAddress address = ASHLAR_TRY(windows_.physical(buffer.data(), size));
    const HypercallResult result = hypercall(Hypercall::ConsoleRead, address.value(), size);
    ASHLAR_TRY(to_status(result.status));
    return std::min<std::size_t>(result.value, size);
}

std::uint64_t Hypervisor::time_now() {
    return hypercall(Hypercall::TimeNow).value;
}

void Hypervisor::set_timer(std::uint64_t deadline_ns) {
    hypercall(Hypercall::TimerSet, deadline_ns);
}

Result<abi::BlockInformation> Hypervisor::block_information(unsigned disk) {
    abi::BlockInformation information{};
    const GuestPhysicalAddress address = ASHLAR_TRY(windows_.physical(&information, sizeof information));
    ASHLAR_TRY(to_status(hypercall(Hypercall::BlockInfo, disk, address.value()).status));
    return information;
}

Status Hypervisor::block_transfer(Hypercall call, unsigned disk, std::uint64_t sector,
                                  const std::byte* buffer, std::size_t size) {
    const GuestPhysicalAddress address = ASHLAR_TRY(windows_.physical(buffer, size));
    for (std::size_t done = 0; done < size;) {
        const std::size_t chunk = std::min<std::size_t>(size - done, abi::kMaxBlockBytes);
        ASHLAR_TRY(to_status(
            hypercall(call, disk, sector + done / kSectorSize, (address + done).value(), chunk).status));
        done += chunk;
    }
    return {};
}

Status Hypervisor::block_read(unsigned disk, std::uint64_t sector, MutableBytes to) {
    return block_transfer(Hypercall::BlockRead, disk, sector, to.data(), to.size());
}

Status Hypervisor::block_write(unsigned disk, std::uint64_t sector, Bytes from) {
    return block_transfer(Hypercall::BlockWrite, disk, sector, from.data(), from.size());
}

Status Hypervisor::block_flush(unsigned disk) {
    return to_status(hypercall(Hypercall::BlockFlush, disk).status);
}

Status Hypervisor::block_attach(unsigned disk, const abi::BlockQueue& queue) {
    const GuestPhysicalAddress address = ASHLAR_TRY(windows_.physical(&queue, sizeof queue));
    return to_status(hypercall(Hypercall::BlockAttach, disk, address.value()).status);
}

Status Hypervisor::block_kick(unsigned disk) {
    return to_status(hypercall(Hypercall::BlockKick, disk).status);
}

Status Hypervisor::block_detach(unsigned disk) {
    return to_status(hypercall(Hypercall::BlockDetach, disk).status);
}

void Hypervisor::device_control(unsigned device, bool bus_master) {
    hypercall(Hypercall::DeviceControl, device, bus_master ? 1 : 0);
}

Result<abi::VmStatistics> Hypervisor::statistics() {
    abi::VmStatistics statistics{};
    const GuestPhysicalAddress address = ASHLAR_TRY(windows_.physical(&statistics, sizeof statistics));
    ASHLAR_TRY(to_status(hypercall(Hypercall::Statistics, address.value()).status));
    return statistics;
}

void Hypervisor::power_off(int code) {
    hypercall(Hypercall::PowerOff, static_cast<std::uint64_t>(code));
    stop_for_ever();
}

void Hypervisor::crash(std::string_view message) {
    message = message.substr(0, abi::kMaxConsoleBytes);
    const Result<GuestPhysicalAddress> address = windows_.physical(message.data(), message.size());
    if (address.ok())
        hypercall(Hypercall::Crash, address.value().value(), message.size());
    else
        hypercall(Hypercall::Crash, abi::kPrivateBase, 0);
    stop_for_ever();
}

} // namespace ashlar::jit::bare
