// The guest kernels of bench/guest under ashlar-run, in M- and in S-mode: they compute what they compute
// natively.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

namespace ashlar::jit::test {

namespace {

constexpr std::uint64_t kRepeat = 2;
// An image's first segment lies one page into the file, the number of repetitions 8 bytes after that.
constexpr std::size_t kRepeatOffset = 4096 + 8;

std::filesystem::path build_directory() { // build/, from build/host/tests/kernels
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path();
}

std::string output_of(const std::string& command) {
    std::string result;
    std::FILE* pipe = popen((command + " < /dev/null 2>&1").c_str(), "r");
    if (pipe == nullptr)
        return result;
    std::array<char, 4096> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe))
        result.append(buffer.data(), size);
    pclose(pipe);
    return result;
}

// The word after `label` in a result line.
std::string field(const std::string& output, const std::string& label) {
    const std::size_t at = output.find(" " + label + " ");
    if (at == std::string::npos)
        return {};
    const std::size_t first = at + label.size() + 2;
    return output.substr(first, output.find_first_of(" \n", first) - first);
}

// A copy of a kernel's image that does its work kRepeat times; gone with the object.
class ShortImage {
public:
    explicit ShortImage(const std::filesystem::path& image)
        : path_(std::filesystem::temp_directory_path() /
                ("ashlar-kernel-" + std::to_string(getpid()) + image.filename().string())) {
        std::ifstream input(image, std::ios::binary);
        std::vector<char> bytes{std::istreambuf_iterator<char>(input), {}};
        if (bytes.size() > kRepeatOffset + sizeof kRepeat)
            std::memcpy(bytes.data() + kRepeatOffset, &kRepeat, sizeof kRepeat);
        std::ofstream(path_, std::ios::binary)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    ShortImage(const ShortImage&) = delete;
    ShortImage& operator=(const ShortImage&) = delete;
    ~ShortImage() { std::filesystem::remove(path_); }
    std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

void check(const std::filesystem::path& image, const std::string& expected) {
    const ShortImage copy(image);
    const std::string run = "timeout 120 '" + (build_directory() / "host/ashlar-run").string() + "' ";
    const std::string supervisor = output_of(run + "--kernel '" + copy.path() + "'");
    const std::string machine = output_of(run + "--firmware '" + copy.path() + "'");
    EXPECT_EQ(field(supervisor, "mode"), "S") << supervisor;
    EXPECT_EQ(field(supervisor, "checksum"), field(machine, "checksum")) << machine;
    EXPECT_EQ(field(supervisor, "instructions"), field(machine, "instructions"));
    EXPECT_NE(field(supervisor, "checksum"),
              std::string(16, '0')); // what a kernel says of a failed self-check
    if (!expected.empty()) {
        EXPECT_EQ(field(supervisor, "checksum"), expected);
    }
}

class Kernels : public testing::TestWithParam<std::string> {};

TEST_P(Kernels, ComputeWhatTheyComputeNatively) {
    const std::filesystem::path directory = build_directory() / "guest-bench";
    const std::filesystem::path native = directory / (GetParam() + ".native");
    std::string expected;
    if (std::filesystem::exists(native)) // not `traps`, which needs a machine
        expected = field(output_of("'" + native.string() + "' " + std::to_string(kRepeat)), "checksum");
    check(directory / (GetParam() + ".elf"), expected);
    check(directory / (GetParam() + "-zb.elf"), expected);
}

std::vector<std::string> names() {
    std::vector<std::string> result;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(build_directory() / "guest-bench", error))
        if (entry.path().extension() == ".elf" && !entry.path().stem().string().ends_with("-zb"))
            result.push_back(entry.path().stem().string());
    return result;
}

INSTANTIATE_TEST_SUITE_P(All, Kernels, testing::ValuesIn(names()),
                         [](const auto& kernel) { return kernel.param; });

TEST(KernelImages, AreThere) {
    EXPECT_GE(names().size(), 12u);
}

} // namespace

} // namespace ashlar::jit::test
