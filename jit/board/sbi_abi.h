// Numbers of the RISC-V Supervisor Binary Interface, version 2.0.
#pragma once

#include <cstdint>

namespace ashlar::jit::board::sbi {

constexpr std::uint64_t kSpecificationVersion = 2u << 24; // 2.0
// Implementations register their number with RISC-V International; Ashlar has none, so this is out of the
// registered range.
constexpr std::uint64_t kImplementation = 0x4153'484C; // "ASHL"
constexpr std::uint64_t kImplementationVersion = 1;

// Section 3, standard error codes.
enum class Status : std::int64_t {
    Success = 0,
    Failed = -1,
    NotSupported = -2,
    InvalidParameter = -3,
    Denied = -4,
    InvalidAddress = -5,
    AlreadyAvailable = -6,
};

enum class Extension : std::uint64_t {
    LegacySetTimer = 0,
    LegacyConsolePutchar = 1,
    LegacyConsoleGetchar = 2,
    LegacyClearIpi = 3,
    LegacySendIpi = 4,
    LegacyRemoteFenceI = 5,
    LegacyRemoteSfenceVma = 6,
    LegacyRemoteSfenceVmaAsid = 7,
    LegacyShutdown = 8,
    Base = 0x10,
    Timer = 0x5449'4D45,        // "TIME"
    Ipi = 0x73'5049,            // "sPI"
    RemoteFence = 0x5246'4E43,  // "RFNC"
    HartState = 0x48'534D,      // "HSM"
    SystemReset = 0x5352'5354,  // "SRST"
    DebugConsole = 0x4442'434E, // "DBCN"
};

namespace base {
enum Function : std::uint64_t {
    GetSpecificationVersion = 0,
    GetImplementation = 1,
    GetImplementationVersion = 2,
    ProbeExtension = 3,
    GetVendor = 4,
    GetArchitecture = 5,
    GetMachineImplementation = 6,
};
}
namespace remote_fence {
enum Function : std::uint64_t { FenceI = 0, SfenceVma = 1, SfenceVmaAsid = 2 };
}
namespace hart_state {
enum Function : std::uint64_t { Start = 0, Stop = 1, GetStatus = 2, Suspend = 3 };
enum class HartStatus : std::uint64_t { Started = 0, Stopped = 1, Suspended = 4 };
constexpr std::uint64_t kRetentiveSuspend = 0, kNonRetentiveSuspend = 0x8000'0000;
} // namespace hart_state
namespace system_reset {
constexpr std::uint64_t kShutdown = 0, kColdReboot = 1, kWarmReboot = 2;
constexpr std::uint64_t kNoReason = 0, kSystemFailure = 1;
} // namespace system_reset
namespace debug_console {
enum Function : std::uint64_t { Write = 0, Read = 1, WriteByte = 2 };
}

} // namespace ashlar::jit::board::sbi
