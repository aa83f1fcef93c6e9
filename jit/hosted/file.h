// Files of the host that are read as a whole.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::jit::hosted {

// The contents of a file or pipe; nothing after `error` has been set (the path and the reason).
std::optional<std::vector<std::byte>> read_file(const std::string& path, std::string& error);

} // namespace ashlar::jit::hosted
