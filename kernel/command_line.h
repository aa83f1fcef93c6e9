// Options on the hypervisor's command line: words of the form NAME=VALUE.
#pragma once

#include <optional>
#include <string_view>

namespace ashlar::kernel {

// The value of the first word that begins with `name` and an equals sign.
inline std::optional<std::string_view> option(std::string_view command_line, std::string_view name) {
    while (!command_line.empty()) {
        const std::string_view word = command_line.substr(0, command_line.find(' '));
        command_line.remove_prefix(word.size() == command_line.size() ? word.size() : word.size() + 1);
        if (word.starts_with(name) && word.substr(name.size()).starts_with('='))
            return word.substr(name.size() + 1);
    }
    return std::nullopt;
}

} // namespace ashlar::kernel
