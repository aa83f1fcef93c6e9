// Text for a file or for standard error.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "lib/format.h"

namespace ashlar::jit::hosted {

class TextFile final : public Sink {
public:
    // An empty path means standard error. Nullptr after `error` has been set.
    static std::unique_ptr<TextFile> create(const std::string& path, std::string& error);
    TextFile(const TextFile&) = delete;
    TextFile& operator=(const TextFile&) = delete;
    ~TextFile() { std::fclose(file_); }

    void write(std::string_view text) override { std::fwrite(text.data(), 1, text.size(), file_); }
    void flush() { std::fflush(file_); }

private:
    explicit TextFile(std::FILE* file) : file_(file) {}
    std::FILE* file_;
};

} // namespace ashlar::jit::hosted
