#include "drivers/pci/assign.h"

#include <algorithm>

namespace ashlar::pci {
namespace {

constexpr std::uint64_t kBridgeGranule = 1 << 20;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t power_of_two) {
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

// What all of a bus's BARs and closed bridges take together: pieces whose sizes are powers of two fit without
// gaps when the largest come first.
struct Need {
    std::uint64_t size = 0, alignment = 1;
    void add(std::uint64_t piece, std::uint64_t piece_alignment) {
        size += piece;
        alignment = std::max(alignment, piece_alignment);
    }
};

class Assigner {
public:
    Assigner(ConfigAccess& access, std::span<Function> functions, std::span<const AddressRange> reserved,
             Sink& diagnostics)
        : access_(access), functions_(functions), reserved_(reserved), diagnostics_(diagnostics) {}

    unsigned run(std::uint8_t root_bus, const AddressRange& aperture) {
        for (const Function& bridge : functions_)
            if (leads_on(bridge))
                forget_what_cannot_be_reached(bridge);
        add_up_needs();
        fill_bus(root_bus, aperture);
        for (const Function& bridge : functions_)
            if (leads_on(bridge) && !bridge.bridge.memory.empty())
                fill_bus(bridge.bridge.secondary, bridge.bridge.memory);
        for (Function& function : functions_)
            for (Bar& bar : function.bars)
                if (is_open(bar)) {
                    diagnostics_.write("ashlar: pci: ");
                    describe(diagnostics_, function.address);
                    format(diagnostics_, ": no room for a BAR of {:#x} bytes\n", bar.size);
                }
        return assigned_;
    }

private:
    static bool is_open(const Bar& bar) { return bar.kind == Bar::Kind::Memory && bar.address == 0; }

    static bool leads_on(const Function& function) {
        return function.is_bridge && function.bridge.secondary != 0;
    }
    static bool is_closed(const Function& function) {
        return leads_on(function) && function.bridge.memory.empty();
    }

    // Addresses that the bridge above does not pass on are none.
    void forget_what_cannot_be_reached(const Function& bridge) {
        for (Function& function : functions_) {
            if (function.address.bus != bridge.bridge.secondary)
                continue;
            for (Bar& bar : function.bars)
                if (bar.kind == Bar::Kind::Memory && bar.assigned() &&
                    !bridge.bridge.memory.contains(bar.address, bar.size) &&
                    !bridge.bridge.prefetchable.contains(bar.address, bar.size))
                    bar.address = 0;
        }
    }

    // Bridges are before what is behind them: backwards, what is behind one is known when it is its turn.
    void add_up_needs() {
        for (std::size_t i = functions_.size(); i-- != 0;) {
            const Function& function = functions_[i];
            Need& need = needs_[function.address.bus];
            for (const Bar& bar : function.bars)
                if (is_open(bar))
                    need.add(bar.size, bar.size);
            if (is_closed(function)) {
                Need& behind = needs_[function.bridge.secondary];
                behind.alignment = std::max(behind.alignment, kBridgeGranule);
                behind.size = round_up(behind.size, behind.alignment);
                if (behind.size != 0)
                    need.add(behind.size, behind.alignment);
            }
        }
    }

    // The largest piece goes first; one that does not fit is passed over.
    void fill_bus(std::uint8_t bus, const AddressRange& window) {
        std::uint64_t limit = ~std::uint64_t{0};
        while (limit != 0) {
            std::uint64_t largest = 0;
            for_each_piece(bus, [&](Function&, Bar*, const Need& need) {
                if (need.size <= limit)
                    largest = std::max(largest, need.size);
            });
            for_each_piece(bus, [&](Function& function, Bar* bar, const Need& need) {
                if (need.size == largest)
                    place(function, bar, need, bus, window);
            });
            limit = largest != 0 ? largest - 1 : 0;
        }
    }

    // Calls use(function, bar, need) for each BAR without address on the bus, and with a null BAR for each
    // closed bridge that something is behind.
    template <class Use>
    void for_each_piece(std::uint8_t bus, Use use) {
        for (Function& function : functions_) {
            if (function.address.bus != bus)
                continue;
            for (Bar& bar : function.bars)
                if (is_open(bar))
                    use(function, &bar, Need{bar.size, bar.size});
            if (is_closed(function) && needs_[function.bridge.secondary].size != 0)
                use(function, nullptr, needs_[function.bridge.secondary]);
        }
    }

    void place(Function& function, Bar* bar, const Need& need, std::uint8_t bus, const AddressRange& window) {
        std::uint64_t at = round_up(std::max<std::uint64_t>(window.begin, 1), need.alignment);
        for (std::uint64_t next; at >= window.begin && window.contains(at, need.size); at = next) {
            next = round_up(end_of_conflict(bus, at, need.size), need.alignment);
            if (next == 0) {
                if (bar != nullptr)
                    set_bar(function, *bar, at);
                else
                    open_bridge(function, {at, at + need.size});
                return;
            }
        }
    }

    // The end of something that is in the way, or 0.
    std::uint64_t end_of_conflict(std::uint8_t bus, std::uint64_t at, std::uint64_t size) const {
        for (const AddressRange& range : reserved_)
            if (range.overlaps(at, size))
                return range.end;
        for (const Function& function : functions_) {
            if (function.address.bus != bus)
                continue;
            for (const Bar& bar : function.bars)
                if (bar.kind == Bar::Kind::Memory && bar.assigned() &&
                    AddressRange{bar.address, bar.address + bar.size}.overlaps(at, size))
                    return bar.address + bar.size;
            for (const AddressRange& range : {function.bridge.memory, function.bridge.prefetchable})
                if (range.overlaps(at, size))
                    return range.end;
        }
        return 0;
    }

    void set_bar(Function& function, Bar& bar, std::uint64_t address) {
        const auto index = static_cast<std::size_t>(&bar - function.bars.data());
        const auto offset = static_cast<std::uint16_t>(reg::kBar0 + 4 * index);
        access_.write32(function.address, offset, static_cast<std::uint32_t>(address));
        if (bar.wide)
            access_.write32(function.address, static_cast<std::uint16_t>(offset + 4),
                            static_cast<std::uint32_t>(address >> 32));
        bar.address = address;
        ++assigned_;
    }

    void open_bridge(Function& function, const AddressRange& range) {
        access_.write16(function.address, reg::kMemoryBase,
                        static_cast<std::uint16_t>(range.begin >> 16 & 0xfff0));
        access_.write16(function.address, reg::kMemoryLimit,
                        static_cast<std::uint16_t>((range.end - 1) >> 16 & 0xfff0));
        function.bridge.memory = range;
    }

    ConfigAccess& access_;
    std::span<Function> functions_;
    std::span<const AddressRange> reserved_;
    Sink& diagnostics_;
    std::array<Need, 256> needs_{}; // of what is on a bus and behind closed bridges on it
    unsigned assigned_ = 0;
};

void answer(ConfigAccess& access, FunctionAddress at) {
    const std::uint16_t command = access.read16(at, reg::kCommand);
    access.write16(at, reg::kCommand,
                   static_cast<std::uint16_t>(command | reg::kCommandMemory | reg::kCommandMaster));
}

} // namespace

unsigned assign_memory(ConfigAccess& access, std::span<Function> functions, std::uint8_t root_bus,
                       const AddressRange& aperture, std::span<const AddressRange> reserved,
                       Sink& diagnostics) {
    return Assigner(access, functions, reserved, diagnostics).run(root_bus, aperture);
}

void enable(ConfigAccess& access, std::span<const Function> functions, const Function& function) {
    for (const Function& bridge : functions)
        if (bridge.is_bridge && bridge.address.segment == function.address.segment &&
            bridge.bridge.secondary != 0 && bridge.bridge.secondary <= function.address.bus &&
            function.address.bus <= bridge.bridge.subordinate)
            answer(access, bridge.address);
    answer(access, function.address);
}

} // namespace ashlar::pci
