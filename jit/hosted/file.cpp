#include "jit/hosted/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "jit/hosted/descriptor.h"

namespace ashlar::jit::hosted {
namespace {

std::string explain(const std::string& path, const char* doing) {
    return path + ": " + doing + ": " + std::strerror(errno);
}

} // namespace

std::optional<std::vector<std::byte>> read_file(const std::string& path, std::string& error) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        error = explain(path, "cannot open");
        return std::nullopt;
    }
    std::vector<std::byte> content;
    constexpr std::size_t step = 1 << 20;
    for (;;) {
        const std::size_t size = content.size();
        content.resize(size + step);
        const ssize_t count = ::read(file.get(), content.data() + size, step);
        content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            error = explain(path, "cannot read");
            return std::nullopt;
        }
        if (count == 0)
            break;
    }
    if (content.empty()) {
        error = path + ": the file is empty";
        return std::nullopt;
    }
    return content;
}

} // namespace ashlar::jit::hosted
