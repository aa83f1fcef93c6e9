#include "jit/hosted/text_file.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace ashlar::jit::hosted {

std::unique_ptr<TextFile> TextFile::create(const std::string& path, std::string& error) {
    std::FILE* file = nullptr;
    if (!path.empty()) {
        file = std::fopen(path.c_str(), "we");
    } else if (const int copy = dup(STDERR_FILENO); copy >= 0) {
        file = fdopen(copy, "w");
        if (file != nullptr)
            std::setvbuf(file, nullptr, _IOLBF, BUFSIZ); // in order with other messages
    }
    if (file == nullptr) {
        error = (path.empty() ? "standard error" : path) + ": cannot write: " + std::strerror(errno);
        return nullptr;
    }
    return std::unique_ptr<TextFile>(new TextFile(file));
}

} // namespace ashlar::jit::hosted
