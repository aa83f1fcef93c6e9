#include "hosttests/decoder/expectations.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "jit/frontend/riscv64/decoder.h"
#include "jit/frontend/riscv64/disassembler.h"

namespace ashlar::jit::riscv64::test {

namespace {

std::string data_directory() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? std::string(path, static_cast<std::size_t>(length)) + "-data/" : std::string();
}

class StringSink final : public Sink {
public:
    void write(std::string_view text) override { text_ += text; }
    std::string text_;
};

} // namespace

std::vector<Expectation> read_expectations(const std::string& name) {
    std::vector<Expectation> result;
    std::ifstream file(data_directory() + name);
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string address, bits, expansion;
        Expectation expectation;
        std::getline(fields, address, '|');
        std::getline(fields, bits, '|');
        std::getline(fields, expectation.text, '|');
        std::getline(fields, expansion, '|');
        expectation.address = std::stoull(address, nullptr, 16);
        expectation.bits = static_cast<std::uint32_t>(std::stoull(bits, nullptr, 16));
        if (!expansion.empty())
            expectation.expansion = static_cast<std::uint32_t>(std::stoull(expansion, nullptr, 16));
        result.push_back(std::move(expectation));
    }
    return result;
}

std::string disassembled(std::uint32_t bits, std::uint64_t address) {
    StringSink sink;
    disassemble(decode(bits), address, sink);
    std::replace(sink.text_.begin(), sink.text_.end(), '\t', ' ');
    return sink.text_;
}

} // namespace ashlar::jit::riscv64::test
