#include "jit/hosted/disk_option.h"

#include <string_view>
#include <vector>

namespace ashlar::jit::hosted {
namespace {

constexpr std::size_t kSerialLength = 20;

// Parts between commas; two commas are one that belongs to the part.
std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',')
            parts.back() += text[i];
        else if (text.substr(i, 2) == ",,")
            parts.back() += text[i++];
        else
            parts.emplace_back();
    }
    return parts;
}

// Takes one option; false after `error` has been set.
bool take(const std::string& part, DiskOption& disk, std::string& error) {
    const std::size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
    const auto needs = [&](const char* what) {
        error = name + " needs " + what;
        return false;
    };
    if (part == "ro" || part == "readonly") {
        disk.read_only = true;
    } else if (name == "direct") {
        disk.direct = value == "on";
        return value == "on" || value == "off" || needs("on or off");
    } else if (name == "sector-size") {
        disk.sector_size = value == "4096" ? 4096 : 512;
        return value == "512" || value == "4096" || needs("512 or 4096");
    } else if (name == "aio") {
        disk.engine = value == "io_uring" ? DiskEngine::IoUring : DiskEngine::Threads;
        return value == "io_uring" || value == "threads" || needs("io_uring or threads");
    } else if (name == "serial") {
        disk.serial = value;
        return (!value.empty() && value.size() <= kSerialLength) || needs("1 to 20 characters");
    } else {
        error = "unknown option '" + part +
                "' (ro, direct=, sector-size=, serial=, aio=; a comma in a name is written twice)";
        return false;
    }
    return true;
}

} // namespace

std::optional<DiskOption> parse_disk_option(const std::string& text, std::string& error) {
    const std::vector<std::string> parts = split(text);
    DiskOption disk;
    disk.path = parts.front();
    if (disk.path.empty()) {
        error = "a file name is needed";
        return std::nullopt;
    }
    for (std::size_t i = 1; i < parts.size(); ++i)
        if (!take(parts[i], disk, error))
            return std::nullopt;
    return disk;
}

} // namespace ashlar::jit::hosted
