#include "kernel/disk_config.h"

#include <algorithm>

#include "kernel/config_text.h"

namespace ashlar::kernel {
namespace {

using Mode = DiskConfig::Mode;
using Source = DiskConfig::Source;

constexpr std::uint64_t kSector = 512;

// Hexadecimal digits alone, `digits` of them.
std::optional<unsigned> parse_hex(std::string_view text, std::size_t digits) {
    unsigned value = 0;
    if (text.size() != digits)
        return std::nullopt;
    for (const char c : text) {
        const bool decimal = c >= '0' && c <= '9', small = c >= 'a' && c <= 'f', large = c >= 'A' && c <= 'F';
        if (!decimal && !small && !large)
            return std::nullopt;
        value = value << 4 | static_cast<unsigned>(decimal ? c - '0' : (small ? c - 'a' : c - 'A') + 10);
    }
    return value;
}

// "00:1f.2", or "0001:00:1f.2" in another segment than the first.
std::optional<pci::FunctionAddress> parse_address(std::string_view text) {
    constexpr std::size_t kWithoutSegment = 7, kWithSegment = 12;
    std::optional<unsigned> segment = 0;
    if (text.size() == kWithSegment && text[4] == ':') {
        segment = parse_hex(text.substr(0, 4), 4);
        text.remove_prefix(5);
    }
    if (text.size() != kWithoutSegment || text[2] != ':' || text[5] != '.')
        return std::nullopt;
    const auto bus = parse_hex(text.substr(0, 2), 2), device = parse_hex(text.substr(3, 2), 2),
               function = parse_hex(text.substr(6), 1);
    if (!segment || !bus || !device || !function || *device > 31 || *function > 7)
        return std::nullopt;
    return pci::FunctionAddress{static_cast<std::uint16_t>(*segment), static_cast<std::uint8_t>(*bus),
                                static_cast<std::uint8_t>(*device), static_cast<std::uint8_t>(*function)};
}

// Takes `prefix` off; false when the text does not begin with it.
bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

class DiskParser {
public:
    DiskParser(DiskConfig& disk, Sink& problem) : disk_(disk), problem_(problem) {}

    bool run(std::string_view text) {
        for (bool first = true; first || !text.empty(); first = false) {
            const std::size_t comma = std::min(text.find(','), text.size());
            const std::string_view item = trim(text.substr(0, comma));
            const bool more = comma != text.size();
            text.remove_prefix(std::min(comma + 1, text.size()));
            if (!(first ? name(item) : option(item)))
                return false;
            if (more && text.empty())
                return fail("an option of 'disk' is missing behind the last ','");
        }
        return agree();
    }

private:
    template <class... Arguments>
    bool fail(FormatString<Arguments...> text, const Arguments&... arguments) {
        format(problem_, text, arguments...);
        return false;
    }

    bool name(std::string_view item) {
        std::string_view rest = item;
        disk_.name = item;
        if (take(rest, "pci:")) {
            disk_.source = Source::Pci;
            const auto address = parse_address(rest);
            if (!address)
                return fail("'{}' is no PCI address (such as pci:00:04.0)", item);
            disk_.address = *address;
        } else if (take(rest, "serial:")) {
            disk_.source = Source::Serial;
            disk_.serial = rest;
            if (rest.empty() || rest.size() > 20)
                return fail("'{}' is no serial number: 1 to 20 characters", item);
        } else if (take(rest, "partition:")) {
            disk_.source = Source::Partition;
            const auto guid = Guid::parse(rest);
            if (!guid || guid->is_zero())
                return fail("'{}' is no GUID of a partition", item);
            disk_.partition = *guid;
        } else {
            disk_.image = {item, disk_.line};
            if (item.empty())
                return fail("'disk' names no image");
        }
        return true;
    }

    bool option(std::string_view item) {
        if (item == "readonly") {
            if (mode_given_)
                return fail("'mode' is given twice");
            mode_given_ = true;
            disk_.mode = Mode::ReadOnly;
            return true;
        }
        const std::size_t equals = std::min(item.find('='), item.size());
        const std::string_view key = trim(item.substr(0, equals));
        const std::string_view value = equals == item.size() ? "" : trim(item.substr(equals + 1));
        if (key == "mode")
            return once(mode_given_, key) && mode(value);
        if (key == "sector_size")
            return once(sector_given_, key) && sector_size(value);
        if (key == "range")
            return once(range_given_, key) && range(value);
        return fail("unknown disk option '{}' (readonly, mode, sector_size, range)", item);
    }

    bool once(bool& given, std::string_view key) {
        if (given)
            return fail("'{}' is given twice", key);
        given = true;
        return true;
    }

    bool mode(std::string_view value) {
        if (value == "passthrough")
            disk_.mode = Mode::Passthrough;
        else if (value == "shadow")
            disk_.mode = Mode::Shadow;
        else if (value == "ro")
            disk_.mode = Mode::ReadOnly;
        else
            return fail("mode '{}' is not supported (passthrough, shadow, ro)", value);
        return true;
    }

    bool sector_size(std::string_view value) {
        if (value == "device")
            disk_.device_sectors = true;
        else if (value == "512" || value == "4096")
            disk_.sector_size = value == "512" ? 512 : 4096;
        else
            return fail("sector_size '{}' is not supported (512, 4096, device)", value);
        return true;
    }

    // A number of bytes with a suffix as elsewhere, or of 512-byte sectors with the suffix s.
    static std::optional<std::uint64_t> bytes(std::string_view text) {
        if (!text.ends_with('s'))
            return parse_size(text);
        const auto sectors = parse_number(text.substr(0, text.size() - 1));
        if (!sectors || *sectors > ~std::uint64_t{0} / kSector)
            return std::nullopt;
        return *sectors * kSector;
    }

    bool range(std::string_view value) {
        const std::size_t plus = std::min(value.find('+'), value.size());
        const auto offset = bytes(trim(value.substr(0, plus)));
        const auto length = plus == value.size() ? std::nullopt : bytes(trim(value.substr(plus + 1)));
        if (!offset || !length)
            return fail("range '{}' is not OFFSET+LENGTH (such as 1M+512M or 2048s+8192s)", value);
        if (*offset % kSector != 0 || *length % kSector != 0)
            return fail("range '{}' is not of multiples of 512 bytes", value);
        if (*length == 0 || *offset > ~std::uint64_t{0} - *length)
            return fail("range '{}' is empty or beyond all disks", value);
        disk_.range = DiskConfig::Range{*offset, *length};
        return true;
    }

    // Whether what was given goes together.
    bool agree() {
        if (disk_.source == Source::Image) {
            if (disk_.mode == Mode::Passthrough || disk_.range || sector_given_)
                return fail("an image has no mode but shadow and ro, no sector_size and no range: "
                            "they are for pci:, serial: and partition:");
            return true;
        }
        if (disk_.mode != Mode::Passthrough)
            return true;
        if (disk_.source == Source::Partition || disk_.range)
            return fail("mode passthrough gives the VM the whole device, no part of a disk");
        if (disk_.sector_size != 0)
            return fail("mode passthrough shows the device as it is: sector_size can only be device");
        return true;
    }

    DiskConfig& disk_;
    Sink& problem_;
    bool mode_given_ = false, sector_given_ = false, range_given_ = false;
};

} // namespace

bool parse_disk(std::string_view text, unsigned line, DiskConfig& disk, Sink& problem) {
    disk = {};
    disk.line = line;
    return DiskParser(disk, problem).run(text);
}

} // namespace ashlar::kernel
