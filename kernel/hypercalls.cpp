#include "kernel/hypercalls.h"

#include <algorithm>
#include <array>

#include "kernel/memory_report.h"

namespace ashlar::kernel {
namespace {

using abi::Hypercall;

struct Answer {
    abi::Status status = abi::Status::Ok;
    std::uint64_t value = 0;
};

constexpr std::uint64_t kSector = 512;

class Call {
public:
    Call(Vm& vm, const HypercallRequest& request, Console& console, Sink& report)
        : vm_(vm), arguments_(request.arguments), console_(console), report_(report) {}

    Answer console_write() {
        if (arguments_[1] > abi::kMaxConsoleBytes)
            return {abi::Status::BadArgument};
        const auto written = for_each_chunk(arguments_[0], arguments_[1],
                                            [&](std::string_view text) { console_.write(vm_, text); });
        return written ? Answer{abi::Status::Ok, arguments_[1]} : Answer{abi::Status::BadAddress};
    }

    Answer console_read() {
        if (arguments_[1] > abi::kMaxConsoleBytes)
            return {abi::Status::BadArgument};
        if (arguments_[1] != 0 && !is_accessible(arguments_[0], arguments_[1], true))
            return {abi::Status::BadAddress};
        std::uint64_t count = 0;
        for (; count < arguments_[1] && !vm_.input().empty(); ++count) {
            const auto byte = static_cast<std::byte>(vm_.input().pop());
            if (!vm_.copy_in(GuestPhysicalAddress(arguments_[0] + count), Bytes(&byte, 1)))
                return {abi::Status::BadAddress};
        }
        return {abi::Status::Ok, count};
    }

    Answer timer_set() {
        vm_.set_timer(arguments_[0]);
        return {};
    }

    Answer block_info() {
        const Vm::Disk* const disk = vm_.disk(arguments_[0]);
        if (disk == nullptr)
            return {abi::Status::NotFound};
        if (disk->machine != nullptr)
            return store(disk->machine->information());
        abi::BlockInformation info{};
        info.bytes = disk->bytes;
        info.read_only = disk->read_only ? 1 : 0;
        info.logical_block = kSector;
        BufferSink<sizeof info.serial> serial;
        format(serial, "ashlar-ram-{}", arguments_[0]);
        std::copy(serial.view().begin(), serial.view().end(), info.serial);
        info.flags = abi::BlockInformation::kFlushes;
        return store(info);
    }

    Answer block_transfer(bool write) {
        Vm::Disk* const disk = vm_.disk(arguments_[0]);
        if (disk == nullptr)
            return {abi::Status::NotFound};
        if (disk->machine != nullptr)
            return {abi::Status::Denied};
        const std::uint64_t sector = arguments_[1], length = arguments_[3];
        if (length == 0 || length > abi::kMaxBlockBytes || length % kSector != 0 ||
            sector > disk->bytes / kSector || length > disk->bytes - sector * kSector)
            return {abi::Status::BadArgument};
        if (write && disk->read_only)
            return {abi::Status::Denied};
        if (!is_accessible(arguments_[2], length, !write))
            return {abi::Status::BadAddress};
        return {move_blocks(*disk, sector * kSector, GuestPhysicalAddress(arguments_[2]), length, write)};
    }

    Answer block_flush() const {
        return {vm_.disk(arguments_[0]) != nullptr ? abi::Status::Ok : abi::Status::NotFound};
    }

    Answer block_attach() {
        VmDisk* const disk = machine_disk();
        if (disk == nullptr)
            return {abi::Status::NotFound};
        abi::BlockQueue queue;
        if (!vm_.copy_out(GuestPhysicalAddress(arguments_[1]),
                          {reinterpret_cast<std::byte*>(&queue), sizeof queue}))
            return {abi::Status::BadAddress};
        if (queue.size > abi::BlockQueue::kMaxSize)
            return {abi::Status::BadArgument};
        return answer(disk->attach(
            {static_cast<std::uint16_t>(queue.size), queue.descriptors, queue.driver, queue.device},
            queue.features));
    }

    Answer block_kick() {
        VmDisk* const disk = machine_disk();
        return disk == nullptr ? Answer{abi::Status::NotFound} : answer(disk->kick());
    }

    Answer block_detach() {
        VmDisk* const disk = machine_disk();
        return disk == nullptr ? Answer{abi::Status::NotFound} : answer(disk->detach());
    }

    Answer power_off() {
        vm_.end(arguments_[0] == 0);
        if (arguments_[0] != 0)
            format(report_, "exit code {}\n", arguments_[0]);
        return {};
    }

    Answer crash() {
        vm_.end(false);
        format(report_, "its kernel gave up: ");
        const std::uint64_t length = std::min(arguments_[1], abi::kMaxConsoleBytes);
        if (!for_each_chunk(arguments_[0], length, [&](std::string_view text) { quote(text); }))
            format(report_, "(no message)");
        format(report_, "\n");
        return {};
    }

    Answer node_memory() {
        if (arguments_[0] >= vm_.frames().node_count())
            return {abi::Status::NotFound};
        const auto node = static_cast<NodeId>(arguments_[0]);
        abi::NodeMemoryInformation info{};
        info.vm_frames = vm_.account().frames_on[node];
        if (vm_.sees_machine()) {
            const NodeStatistics s = vm_.frames().statistics(node);
            info.machine = 1;
            info.total_frames = s.total_frames;
            info.free_frames = s.free_frames;
            info.cached_frames = s.cached_frames;
            static_assert(std::size(decltype(s.free_by_order){}) ==
                          std::size(decltype(info.free_by_order){}));
            std::copy(std::begin(s.free_by_order), std::end(s.free_by_order), info.free_by_order);
            info.local = s.hits[static_cast<std::size_t>(Hit::Local)];
            info.remote = s.hits[static_cast<std::size_t>(Hit::Remote)];
            info.interleaved = s.hits[static_cast<std::size_t>(Hit::Interleaved)];
            info.fragmentation = fragmentation(s, order_for(2 << 20));
        }
        const bool stored = vm_.copy_in(GuestPhysicalAddress(arguments_[1]), object_bytes(info));
        return {stored ? abi::Status::Ok : abi::Status::BadAddress};
    }

    Answer device_info() {
        const AssignedDevice* const device = vm_.device(arguments_[0]);
        if (device == nullptr)
            return {abi::Status::NotFound};
        const bool stored =
            vm_.copy_in(GuestPhysicalAddress(arguments_[1]), object_bytes(device->information()));
        return {stored ? abi::Status::Ok : abi::Status::BadAddress};
    }

    Answer device_control() {
        AssignedDevice* const device = vm_.device(arguments_[0]);
        if (device == nullptr)
            return {abi::Status::NotFound};
        if (arguments_[1] > 1)
            return {abi::Status::BadArgument};
        device->set_bus_master(arguments_[1] != 0);
        return {};
    }

    Answer statistics() {
        const abi::VmStatistics statistics = vm_.statistics();
        const bool stored = vm_.copy_in(GuestPhysicalAddress(arguments_[0]), object_bytes(statistics));
        return {stored ? abi::Status::Ok : abi::Status::BadAddress};
    }

private:
    VmDisk* machine_disk() {
        const Vm::Disk* const disk = vm_.disk(arguments_[0]);
        return disk != nullptr ? disk->machine : nullptr;
    }
    Answer store(const abi::BlockInformation& information) {
        const bool stored = vm_.copy_in(GuestPhysicalAddress(arguments_[1]), object_bytes(information));
        return {stored ? abi::Status::Ok : abi::Status::BadAddress};
    }
    static Answer answer(Status status) {
        if (status.ok())
            return {};
        switch (status.error()) {
        case Error::Busy: return {abi::Status::Busy};
        case Error::NotFound: return {abi::Status::NotFound};
        default: return {abi::Status::BadArgument};
        }
    }

    template <class T>
    static Bytes object_bytes(const T& object) {
        return {reinterpret_cast<const std::byte*>(&object), sizeof object};
    }

    // Asked before anything is changed: what is refused is refused whole.
    bool is_accessible(std::uint64_t address, std::uint64_t length, bool write) {
        for (std::uint64_t done = 0; done < length;) {
            GuestPhysicalAddress at;
            if (!GuestPhysicalAddress(address).checked_add(done, at))
                return false;
            const Result<Mapping> mapping = vm_.space().translate(at);
            if (!mapping.ok() || (write && !mapping.value().rights.write))
                return false;
            done += kPageSize - at.page_offset();
        }
        return true;
    }

    // A VM's text in a report, so that it cannot pass for a line of the hypervisor's.
    void quote(std::string_view text) {
        for (const char c : text) {
            const bool printable = (c >= ' ' && c <= '~') || c == '\t';
            if (c == '\n')
                report_.write("\n  | ");
            else if (c != '\r')
                report_.write(printable ? std::string_view(&c, 1) : ".");
        }
    }

    // Visits text of the VM piece by piece; false when some of it is not the VM's.
    template <class Visit>
    bool for_each_chunk(std::uint64_t address, std::uint64_t length, Visit visit) {
        std::array<char, 256> buffer;
        for (std::uint64_t done = 0; done < length;) {
            const std::uint64_t part = std::min<std::uint64_t>(buffer.size(), length - done);
            GuestPhysicalAddress at;
            if (!GuestPhysicalAddress(address).checked_add(done, at) ||
                !vm_.copy_out(at, {reinterpret_cast<std::byte*>(buffer.data()), part}))
                return false;
            visit(std::string_view(buffer.data(), part));
            done += part;
        }
        return true;
    }

    abi::Status move_blocks(Vm::Disk& disk, std::uint64_t offset, GuestPhysicalAddress address,
                            std::uint64_t length, bool write) {
        for (std::uint64_t done = 0; done < length;) {
            MutableBytes chunk = disk.contents.chunk(offset + done);
            chunk = chunk.first(std::min<std::uint64_t>(chunk.size(), length - done));
            GuestPhysicalAddress at;
            if (!address.checked_add(done, at) || !(write ? vm_.copy_out(at, chunk) : vm_.copy_in(at, chunk)))
                return abi::Status::BadAddress;
            done += chunk.size();
        }
        return abi::Status::Ok;
    }

    Vm& vm_;
    const std::array<std::uint64_t, 5>& arguments_;
    Console& console_;
    Sink& report_;
};

Answer dispatch(Call& call, Vm& vm, std::uint64_t number) {
    switch (static_cast<Hypercall>(number)) {
    case Hypercall::Version: return {abi::Status::Ok, abi::kHypercallVersion};
    case Hypercall::ConsoleWrite: return call.console_write();
    case Hypercall::ConsoleRead: return call.console_read();
    case Hypercall::TimeNow: return {abi::Status::Ok, vm.tell_time_ns()};
    case Hypercall::TimerSet: return call.timer_set();
    case Hypercall::BlockInfo: return call.block_info();
    case Hypercall::BlockRead: return call.block_transfer(false);
    case Hypercall::BlockWrite: return call.block_transfer(true);
    case Hypercall::BlockFlush: return call.block_flush();
    case Hypercall::PowerOff: return call.power_off();
    case Hypercall::Crash: return call.crash();
    case Hypercall::Statistics: return call.statistics();
    case Hypercall::NodeMemory: return call.node_memory();
    case Hypercall::BlockAttach: return call.block_attach();
    case Hypercall::BlockKick: return call.block_kick();
    case Hypercall::BlockDetach: return call.block_detach();
    case Hypercall::DeviceInfo: return call.device_info();
    case Hypercall::DeviceControl: return call.device_control();
    }
    return {abi::Status::UnknownCall};
}

} // namespace

void handle_hypercall(Vm& vm, const HypercallRequest& request, Console& console, Sink& report) {
    Answer answer{abi::Status::Denied};
    if (request.privileged) {
        Call call(vm, request, console, report);
        answer = dispatch(call, vm, request.number);
    }
    vm.cpu().complete_hypercall(answer.status, answer.value);
}

} // namespace ashlar::kernel
