#include "hosttests/fp/oracle_client.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace ashlar::jit::fp::test {

namespace {

// The oracle's program lies beside the test's.
std::string oracle_path() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? std::string(path, static_cast<std::size_t>(length)) + "-oracle" : std::string();
}

class TemporaryFile {
public:
    TemporaryFile() { descriptor_ = mkstemp(name_); }
    ~TemporaryFile() {
        close(descriptor_);
        unlink(name_);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const char* name() const { return name_; }

private:
    char name_[32] = "/tmp/ashlar-fp-XXXXXX";
    int descriptor_;
};

} // namespace

std::vector<Reply> ask_oracle(const std::vector<Request>& requests) {
    const TemporaryFile input, output;
    std::FILE* file = std::fopen(input.name(), "wb");
    std::fwrite(requests.data(), sizeof(Request), requests.size(), file);
    std::fclose(file);
    const std::string command =
        "timeout 120 qemu-riscv64 '" + oracle_path() + "' < " + input.name() + " > " + output.name();
    if (std::system(command.c_str()) != 0)
        return {};
    std::vector<Reply> replies(requests.size());
    file = std::fopen(output.name(), "rb");
    replies.resize(std::fread(replies.data(), sizeof(Reply), replies.size(), file));
    std::fclose(file);
    return replies;
}

} // namespace ashlar::jit::fp::test
