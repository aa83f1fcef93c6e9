#include "hosttests/fuzz/image.h"

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace ashlar::jit::fuzz {

namespace {

constexpr std::uint16_t kBreakpoint = 0x9002; // c.ebreak

std::vector<std::byte> read_harness() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    std::ifstream file(std::string(path, length > 0 ? static_cast<std::size_t>(length) : 0) + "-harness.bin",
                       std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<std::byte> result(bytes.size());
    if (!bytes.empty())
        std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
}

} // namespace

std::vector<std::byte> build_image(std::span<const Program> programs, bool verbose) {
    static const std::vector<std::byte> harness = read_harness();
    std::vector<std::byte> image = harness;
    const std::size_t header = FUZZ_HEADER - FUZZ_BASE, cases = header + offsetof(FuzzHeader, cases);
    std::size_t code_at = (cases + programs.size() * sizeof(FuzzCase) + 63) & ~std::size_t{63};
    image.resize(code_at);
    const std::uint64_t head[2] = {programs.size(), verbose ? 1u : 0u};
    std::memcpy(image.data() + header, head, sizeof head);
    for (std::size_t i = 0; i < programs.size(); ++i) {
        std::vector<std::uint16_t> code = programs[i].assemble();
        code.push_back(kBreakpoint);
        FuzzCase start = programs[i].start;
        start.code = FUZZ_BASE + code_at;
        start.code_end = start.code + 2 * (code.size() - 1);
        std::memcpy(image.data() + cases + i * sizeof start, &start, sizeof start);
        image.resize((code_at + 2 * code.size() + 63) & ~std::size_t{63});
        std::memcpy(image.data() + code_at, code.data(), 2 * code.size());
        code_at = image.size();
    }
    return image;
}

} // namespace ashlar::jit::fuzz
