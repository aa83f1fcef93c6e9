#include "jit/board/host_interface.h"

#include <algorithm>
#include <array>

namespace ashlar::jit::board {
namespace {

// A command is device (8 bits), operation (8 bits), payload (48 bits).
constexpr unsigned kDeviceShift = 56, kOperationShift = 48;
constexpr std::uint64_t kPayload = (std::uint64_t{1} << kOperationShift) - 1;
constexpr std::uint64_t kSystem = 0, kConsole = 1;
constexpr std::uint64_t kConsoleRead = 0, kConsoleWrite = 1;
constexpr std::uint64_t kCharacterPresent = 0x100;

// Linux's numbers, which the proxied system calls use.
constexpr std::uint64_t kCallWrite = 64, kCallExit = 93;
constexpr std::uint64_t kNoSuchCall = static_cast<std::uint64_t>(-38);
constexpr std::uint64_t kMaxWrite = 4096;

} // namespace

void HostInterface::reset(std::optional<GuestPhysicalAddress> tohost,
                          std::optional<GuestPhysicalAddress> fromhost) {
    tohost_ = tohost;
    fromhost_ = fromhost;
    pending_read_.reset();
    attention_ = 0;
}

bool HostInterface::poll() {
    if (!tohost_)
        return false;
    const auto command = memory_.load<std::uint64_t>(*tohost_);
    if (command.ok() && command.value() != 0) {
        static_cast<void>(memory_.store(*tohost_, std::uint64_t{0}));
        attention_ = kAttentionPolls;
        execute(command.value());
    } else if (attention_ != 0) {
        --attention_;
    }
    answer_read();
    return attention_ != 0;
}

void HostInterface::execute(std::uint64_t command) {
    const std::uint64_t device = command >> kDeviceShift;
    const std::uint64_t payload = command & kPayload;
    if (device == kConsole)
        return serve_console(command);
    if (device != kSystem)
        return;
    if ((payload & 1) != 0) // exit; conformance tests pass with 1, and fail with the number of the case
        return power_.power_off(static_cast<int>(std::min<std::uint64_t>(payload >> 1, 0x7fff'ffff)));
    serve_system_call(GuestPhysicalAddress(payload));
}

void HostInterface::serve_console(std::uint64_t command) {
    const std::uint64_t operation = command >> kOperationShift & 0xff;
    if (operation == kConsoleWrite) {
        const auto byte = static_cast<std::byte>(command);
        console_.write({&byte, 1});
    } else if (operation == kConsoleRead) {
        pending_read_ = command & ~kPayload;
    }
}

void HostInterface::answer_read() {
    if (!pending_read_ || !fromhost_ || memory_.load<std::uint64_t>(*fromhost_).value_or(1) != 0)
        return;
    std::byte byte{};
    if (console_.read({&byte, 1}) == 1 &&
        reply(*pending_read_ | kCharacterPresent | std::to_integer<std::uint64_t>(byte)))
        pending_read_.reset();
}

bool HostInterface::reply(std::uint64_t value) {
    return fromhost_ && memory_.store(*fromhost_, value).ok();
}

// Eight words: the number and up to seven arguments; the result replaces the number. Writing to a standard
// stream and exiting is what test programs use.
void HostInterface::serve_system_call(GuestPhysicalAddress block) {
    std::array<std::uint64_t, 4> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto word = memory_.load<std::uint64_t>(block + 8 * i);
        if (!word.ok())
            return;
        words[i] = word.value();
    }
    std::uint64_t result = kNoSuchCall;
    if (words[0] == kCallExit)
        return power_.power_off(static_cast<int>(words[1] & 0x7fff'ffff));
    if (words[0] == kCallWrite) {
        const std::uint64_t length = std::min(words[3], kMaxWrite);
        const auto text = memory_.view(GuestPhysicalAddress(words[2]), length);
        if (text.ok()) {
            console_.write(text.value());
            result = length;
        }
    }
    if (memory_.store(block, result).ok())
        reply(1);
}

} // namespace ashlar::jit::board
