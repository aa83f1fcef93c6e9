#include "hosttests/bare/fake_hypervisor.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

namespace ashlar::jit::bare {
namespace {

FakeHypervisor* current = nullptr;

std::byte* pointer(std::uint64_t address) {
    return reinterpret_cast<std::byte*>(address);
}

} // namespace

Events events;

HypercallResult hypercall(abi::Hypercall call, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                          std::uint64_t d) {
    return current->call(call, a, b, c, d);
}

std::uint64_t read_counter() {
    return current->counter;
}

void wait_for_event() {
    current->sleep();
}

FakeHypervisor::FakeHypervisor() {
    current = this;
    events.timer = events.console_input = events.statistics = events.disk = false;
    EXPECT_TRUE(windows.add(VirtualAddress(0), GuestPhysicalAddress(0), ~std::uint64_t{0}).ok());
}

FakeHypervisor::~FakeHypervisor() {
    current = nullptr;
}

void FakeHypervisor::sleep() {
    if (events.timer || events.console_input || events.statistics)
        return;
    ASSERT_LT(sleeps, on_sleep.size()) << "nothing would end this sleep";
    on_sleep[sleeps++](*this);
}

HypercallResult FakeHypervisor::call(abi::Hypercall call, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                     std::uint64_t d) {
    ++calls;
    switch (call) {
    case abi::Hypercall::ConsoleWrite: {
        ++console_writes;
        EXPECT_LE(b, abi::kMaxConsoleBytes);
        const std::size_t taken = std::min<std::size_t>(b, console_takes);
        output.append(reinterpret_cast<const char*>(pointer(a)), taken);
        return {abi::Status::Ok, taken};
    }
    case abi::Hypercall::ConsoleRead: {
        ++console_reads;
        const std::size_t stored = std::min<std::size_t>(b, input.size());
        std::copy_n(input.begin(), stored, reinterpret_cast<char*>(pointer(a)));
        input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(stored));
        return {abi::Status::Ok, stored};
    }
    case abi::Hypercall::TimeNow: return {abi::Status::Ok, now_ns};
    case abi::Hypercall::TimerSet: timers.push_back(a); return {abi::Status::Ok, 0};
    case abi::Hypercall::BlockInfo:
    case abi::Hypercall::BlockRead:
    case abi::Hypercall::BlockWrite:
    case abi::Hypercall::BlockFlush: return block(call, a, b, c, d);
    default: return {abi::Status::UnknownCall, 0};
    }
}

HypercallResult FakeHypervisor::block(abi::Hypercall call, std::uint64_t number, std::uint64_t sector,
                                      std::uint64_t address, std::uint64_t size) {
    ++block_calls;
    if (number != 0 || disk.empty())
        return {abi::Status::NotFound, 0};
    if (disk_fails)
        return {abi::Status::IoError, 0};
    if (call == abi::Hypercall::BlockInfo) {
        abi::BlockInformation information{};
        information.bytes = disk.size();
        information.logical_block = 512;
        std::memcpy(information.serial, "fake", 4);
        std::memcpy(pointer(sector), &information, sizeof information);
        return {abi::Status::Ok, 0};
    }
    EXPECT_LE(size, abi::kMaxBlockBytes);
    if (call == abi::Hypercall::BlockRead)
        std::memcpy(pointer(address), disk.data() + sector * 512, size);
    if (call == abi::Hypercall::BlockWrite)
        std::memcpy(disk.data() + sector * 512, pointer(address), size);
    return {abi::Status::Ok, 0};
}

} // namespace ashlar::jit::bare
