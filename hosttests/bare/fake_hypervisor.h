// The other side of the hypercalls, for tests: answers them from plain fields.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "jit/bare/environment.h"

namespace ashlar::jit::bare {

// One at a time: the functions that environment.h leaves to the architecture reach the latest instance.
class FakeHypervisor {
public:
    FakeHypervisor();
    ~FakeHypervisor();
    FakeHypervisor(const FakeHypervisor&) = delete;
    FakeHypervisor& operator=(const FakeHypervisor&) = delete;

    // All of the test program's memory, at its virtual addresses.
    AddressWindows windows;

    std::uint64_t now_ns = 0;
    std::uint64_t counter = 0;
    std::string output;                  // of the console
    std::size_t console_takes = 1 << 20; // bytes per ConsoleWrite
    std::deque<char> input;
    std::vector<std::uint64_t> timers; // deadlines of TimerSet, in order
    std::vector<std::byte> disk;       // of disk 0; none when empty
    bool disk_fails = false;
    unsigned calls = 0, console_writes = 0, console_reads = 0, block_calls = 0, sleeps = 0;
    std::vector<void (*)(FakeHypervisor&)> on_sleep; // what ends each sleep, in order

    HypercallResult call(abi::Hypercall call, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                         std::uint64_t d);
    void sleep();

private:
    HypercallResult block(abi::Hypercall call, std::uint64_t disk, std::uint64_t sector,
                          std::uint64_t address, std::uint64_t size);
};

} // namespace ashlar::jit::bare
