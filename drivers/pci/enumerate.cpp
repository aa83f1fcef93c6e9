#include "drivers/pci/enumerate.h"

#include <array>
#include <bitset>
#include <optional>

namespace ashlar::pci {
namespace {

constexpr std::uint8_t kMultifunction = 0x80, kHeaderMask = 0x7f, kBridgeHeader = 1;

// Where a walk over the functions of one bus is.
struct Position {
    std::uint8_t bus = 0;
    unsigned next = 0; // device * 8 + function
    bool multifunction = false;
};

class Walk {
public:
    Walk(ConfigAccess& access, const BusRange& range, FunctionVisitor& visitor, Sink& diagnostics)
        : access_(access), range_(range), visitor_(visitor), diagnostics_(diagnostics) {}

    void run() {
        pass(&Walk::note);
        pass(&Walk::visit);
    }

private:
    using Step = std::optional<std::uint8_t> (Walk::*)(FunctionAddress at, std::uint8_t header);

    // Calls `step` for every function; it returns the bus behind a bridge, which is walked next.
    void pass(Step step) {
        visited_.reset();
        depth_ = 0;
        push(range_.first);
        while (depth_ != 0) {
            Position& position = stack_[depth_ - 1];
            if (position.next == 256) {
                --depth_;
                continue;
            }
            const FunctionAddress at{range_.segment, position.bus,
                                     static_cast<std::uint8_t>(position.next >> 3),
                                     static_cast<std::uint8_t>(position.next & 7)};
            const bool there = access_.read16(at, reg::kVendor) != kNoVendor;
            const std::uint8_t header = there ? access_.read8(at, reg::kHeaderType) : 0;
            if (at.function == 0)
                position.multifunction = there && (header & kMultifunction) != 0;
            position.next += at.function == 0 && !position.multifunction ? 8 : 1;
            if (!there)
                continue;
            if (const auto bus = (this->*step)(at, header & kHeaderMask))
                push(*bus);
        }
    }
    void push(std::uint8_t bus) {
        visited_.set(bus);
        highest_ = highest_ > bus ? highest_ : bus;
        stack_[depth_++] = {bus};
    }

    // A bus that the bridge leads to and nobody else has.
    bool usable(std::uint8_t own, std::uint8_t secondary, std::uint8_t subordinate) const {
        return secondary > own && secondary <= subordinate && secondary <= range_.last &&
               !visited_[secondary];
    }

    // Which numbers firmware has given.
    std::optional<std::uint8_t> note(FunctionAddress at, std::uint8_t header) {
        if (header != kBridgeHeader)
            return std::nullopt;
        const std::uint8_t secondary = access_.read8(at, reg::kSecondaryBus);
        const std::uint8_t subordinate = access_.read8(at, reg::kSubordinateBus);
        if (!usable(at.bus, secondary, subordinate))
            return std::nullopt;
        if (subordinate <= range_.last && subordinate > highest_)
            highest_ = subordinate;
        return secondary;
    }

    std::optional<std::uint8_t> visit(FunctionAddress at, std::uint8_t) {
        Function function = read_function(access_, at);
        std::optional<std::uint8_t> behind;
        if (function.is_bridge) {
            const BridgeWindows& bridge = function.bridge;
            if (usable(at.bus, bridge.secondary, bridge.subordinate) || give_number(function)) {
                behind = bridge.secondary;
                bridges_[*behind] = at;
            } else {
                function.bridge.secondary = function.bridge.subordinate = 0;
            }
        }
        visitor_.found(function);
        return behind;
    }

    // The next number, which all bridges above must pass on: those that pass on the highest so far can.
    bool give_number(Function& function) {
        const FunctionAddress at = function.address;
        const bool any_left = highest_ < range_.last;
        bool reachable = any_left;
        for (std::uint8_t bus = at.bus; reachable && bus != range_.first; bus = bridges_[bus].bus)
            reachable = access_.read8(bridges_[bus], reg::kSubordinateBus) >= highest_;
        if (!reachable) {
            sink_line(at,
                      any_left ? "no bus number left that bridges above it pass on" : "no bus number left");
            return false;
        }
        ++highest_;
        for (std::uint8_t bus = at.bus; bus != range_.first; bus = bridges_[bus].bus)
            if (access_.read8(bridges_[bus], reg::kSubordinateBus) < highest_)
                access_.write8(bridges_[bus], reg::kSubordinateBus, highest_);
        access_.write8(at, reg::kPrimaryBus, at.bus);
        access_.write8(at, reg::kSecondaryBus, highest_);
        access_.write8(at, reg::kSubordinateBus, highest_);
        function.bridge.secondary = function.bridge.subordinate = highest_;
        return true;
    }

    void sink_line(FunctionAddress at, const char* what) {
        diagnostics_.write("ashlar: pci: bridge ");
        describe(diagnostics_, at);
        format(diagnostics_, ": {}: what is behind it is not seen\n", what);
    }

    ConfigAccess& access_;
    const BusRange range_;
    FunctionVisitor& visitor_;
    Sink& diagnostics_;
    std::bitset<256> visited_;
    std::array<Position, 256> stack_; // each bus is on it once at most
    std::size_t depth_ = 0;
    std::array<FunctionAddress, 256> bridges_{}; // that lead to each bus
    std::uint8_t highest_ = 0;
};

} // namespace

void enumerate(ConfigAccess& access, const BusRange& range, FunctionVisitor& visitor, Sink& diagnostics) {
    Walk(access, range, visitor, diagnostics).run();
}

void refresh_bridges(ConfigAccess& access, std::span<Function> functions) {
    for (Function& function : functions)
        if (function.is_bridge && function.bridge.secondary != 0)
            function.bridge = read_bridge(access, function.address);
}

} // namespace ashlar::pci
