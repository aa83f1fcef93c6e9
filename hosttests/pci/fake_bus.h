// A tree of PCI functions whose registers keep what real ones keep, behind a configuration access.
#pragma once

#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drivers/pci/enumerate.h"
#include "lib/bytes.h"

namespace ashlar::pci::test {

struct TextSink final : Sink {
    void write(std::string_view part) override { text += part; }
    std::string text;
};

struct FakeFunction {
    FakeFunction(std::uint16_t vendor, std::uint16_t device, std::uint8_t base_class, std::uint8_t sub_class,
                 std::uint8_t header = 0) {
        set<std::uint16_t>(reg::kVendor, vendor);
        set<std::uint16_t>(reg::kDevice, device);
        set<std::uint8_t>(reg::kClass, sub_class);
        set<std::uint8_t>(reg::kClass + 1, base_class);
        set<std::uint8_t>(reg::kHeaderType, header);
        for (const std::uint16_t offset : {reg::kCommand, reg::kPrimaryBus, reg::kMemoryBase})
            for (unsigned i = 0; i < (offset == reg::kCommand ? 2u : 4u); ++i)
                mask[offset + i] = 0xff;
        if (header != 1)
            std::memset(mask.data() + reg::kPrimaryBus, 0, 4),
                std::memset(mask.data() + reg::kMemoryBase, 0, 4);
    }
    template <class T>
    void set(std::uint16_t offset, T value) {
        std::memcpy(bytes.data() + offset, &value, sizeof value);
    }
    template <class T>
    T get(std::uint16_t offset) const {
        T value;
        std::memcpy(&value, bytes.data() + offset, sizeof value);
        return value;
    }
    // `bits`: those of the register's lower end that tell its kind. Size and address are 0 above 4 GiB unless
    // the kind is 64-bit.
    void add_bar(unsigned index, std::uint64_t size, std::uint32_t bits, std::uint64_t address = 0) {
        const auto offset = static_cast<std::uint16_t>(reg::kBar0 + 4 * index);
        const std::uint64_t keeps = ~(size - 1) & ((bits & 1) != 0 ? ~std::uint64_t{3} : ~std::uint64_t{15});
        const std::size_t length = (bits & 6) == 4 ? 8 : 4;
        std::memcpy(mask.data() + offset, &keeps, length);
        const std::uint64_t value = address | bits;
        std::memcpy(bytes.data() + offset, &value, length);
    }
    void add_capability(std::uint8_t offset, std::uint8_t id, const std::vector<std::uint8_t>& rest) {
        set<std::uint16_t>(reg::kStatus, reg::kStatusCapabilities);
        set<std::uint8_t>(offset, id);
        set<std::uint8_t>(static_cast<std::uint16_t>(offset + 1), get<std::uint8_t>(reg::kCapabilities));
        set<std::uint8_t>(reg::kCapabilities, offset);
        std::memcpy(bytes.data() + offset + 2, rest.data(), rest.size());
    }
    FakeFunction& behind(unsigned device, unsigned function, FakeFunction child) {
        return children.emplace(device * 8 + function, std::move(child)).first->second;
    }

    std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(4096);
    std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(4096); // what can be written
    std::map<unsigned, FakeFunction> children;                        // of a bridge
};

inline FakeFunction make_bridge() {
    return {0x1b36, 0x000c, 6, 4, 1};
}
inline void set_buses(FakeFunction& bridge, std::uint8_t primary, std::uint8_t secondary,
                      std::uint8_t subordinate) {
    bridge.set(reg::kPrimaryBus, primary);
    bridge.set(reg::kSecondaryBus, secondary);
    bridge.set(reg::kSubordinateBus, subordinate);
}
inline void set_window(FakeFunction& bridge, std::uint32_t base, std::uint32_t end) {
    bridge.set(reg::kMemoryBase, static_cast<std::uint16_t>(base >> 16));
    bridge.set(reg::kMemoryLimit, static_cast<std::uint16_t>((end - 1) >> 16 & 0xfff0));
}

// Routes as bridges do, by the bus numbers that are in their registers at the moment.
class FakeBus final : public ConfigAccess {
public:
    FakeFunction& add(unsigned device, unsigned function, FakeFunction child) {
        return root.emplace(device * 8 + function, std::move(child)).first->second;
    }
    FakeFunction* find(FunctionAddress at) { return find_on(root, 0, at, 0); }

    std::uint8_t read8(FunctionAddress at, std::uint16_t offset) override {
        return read<std::uint8_t>(at, offset);
    }
    std::uint16_t read16(FunctionAddress at, std::uint16_t offset) override {
        return read<std::uint16_t>(at, offset);
    }
    std::uint32_t read32(FunctionAddress at, std::uint16_t offset) override {
        return read<std::uint32_t>(at, offset);
    }
    void write8(FunctionAddress at, std::uint16_t offset, std::uint8_t value) override {
        write(at, offset, value);
    }
    void write16(FunctionAddress at, std::uint16_t offset, std::uint16_t value) override {
        write(at, offset, value);
    }
    void write32(FunctionAddress at, std::uint16_t offset, std::uint32_t value) override {
        write(at, offset, value);
    }
    std::uint16_t space_size() const override { return 4096; }

    std::map<unsigned, FakeFunction> root;

private:
    static FakeFunction* find_on(std::map<unsigned, FakeFunction>& bus, unsigned number, FunctionAddress at,
                                 unsigned depth) {
        if (depth > 300)
            return nullptr;
        if (number == at.bus) {
            const auto found = bus.find(at.device * 8u + at.function);
            return found != bus.end() ? &found->second : nullptr;
        }
        for (auto& [place, function] : bus) {
            const unsigned secondary = function.get<std::uint8_t>(reg::kSecondaryBus);
            if (function.get<std::uint8_t>(reg::kHeaderType) % 0x80 == 1 && secondary != 0 &&
                secondary <= at.bus && at.bus <= function.get<std::uint8_t>(reg::kSubordinateBus))
                return find_on(function.children, secondary, at, depth + 1);
        }
        return nullptr;
    }
    template <class T>
    T read(FunctionAddress at, std::uint16_t offset) {
        const FakeFunction* const function = at.segment == 0 ? find(at) : nullptr;
        return function != nullptr ? function->get<T>(offset) : static_cast<T>(~T{0});
    }
    template <class T>
    void write(FunctionAddress at, std::uint16_t offset, T value) {
        FakeFunction* const function = at.segment == 0 ? find(at) : nullptr;
        for (unsigned i = 0; function != nullptr && i < sizeof value; ++i) {
            const std::uint8_t keeps = function->mask[offset + i];
            std::uint8_t& byte = function->bytes[offset + i];
            byte = static_cast<std::uint8_t>((byte & ~keeps) | (value >> (8 * i) & keeps));
        }
    }
};

struct Collector final : FunctionVisitor {
    void found(const Function& function) override { functions.push_back(function); }
    std::vector<Function> functions;
};

inline std::vector<Function> enumerate_all(ConfigAccess& access, Sink& sink, BusRange range = {}) {
    Collector collector;
    enumerate(access, range, collector, sink);
    refresh_bridges(access, collector.functions);
    return collector.functions;
}

} // namespace ashlar::pci::test
