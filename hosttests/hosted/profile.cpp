#include "jit/hosted/profile.h"

#include <filesystem>
#include <map>
#include <set>

#include "hosttests/hosted/tiny_machine.h"

namespace ashlar::jit::hosted {
namespace {

TEST(PerfMap, NamesHostCode) {
    VisibilityOptions options;
    options.perf_map = true;
    run_tiny_guest(options, {.optimize_after = 3});
    std::ifstream map(PerfMap::default_path());
    std::vector<std::string> names;
    std::set<std::string> shared;
    std::map<std::uint64_t, std::uint64_t> places;
    for (std::string line; std::getline(map, line);) {
        std::istringstream fields(line);
        std::uint64_t address = 0, size = 0;
        std::string name;
        fields >> std::hex >> address >> size >> std::ws;
        std::getline(fields, name);
        EXPECT_GT(size, 0u);
        places[address] = address + size;
        if (name.ends_with(" [shared]"))
            shared.insert(name);
        else
            names.push_back(name);
    }
    unlink(PerfMap::default_path().c_str());
    EXPECT_EQ(places.size(), names.size() + shared.size());
    std::uint64_t end = 0;
    for (const auto& [from, to] : places) {
        EXPECT_GE(from, end) << "at different places";
        end = to;
    }
    EXPECT_EQ(names, (std::vector<std::string>{"_start+0x0 [tier 1]", "count_down+0x0 [tier 1]",
                                               "count_down+0x0 [tier 2]", "finish+0x0 [tier 1]"}));
    for (const char* name : {"enter", "through jump cache", "exit: lookup", "probe"})
        EXPECT_TRUE(shared.contains(std::string(name) + " [shared]")) << name;
}

TEST(PerfMap, NamesCodeWithoutSymbolsByAddress) {
    const GuestCode guest{GuestVirtualAddress(0x12340), GuestPhysicalAddress(0x80012340), 1, {}};
    EmittedCode code{};
    code.tier = 2;
    code.guest = {&guest, 1};
    EXPECT_EQ(named_code({}, code).front().name, "guest 0x12340 [tier 2]");
}

// Takes what the format puts one behind the other.
class Fields {
public:
    explicit Fields(const std::string& bytes) : bytes_(bytes) {}
    bool at_end() const { return position_ == bytes_.size(); }
    std::size_t position() const { return position_; }
    template <class T>
    T take() {
        T value{};
        if (bytes_.size() - position_ >= sizeof value)
            std::memcpy(&value, bytes_.data() + position_, sizeof value);
        position_ = std::min(position_ + sizeof value, bytes_.size());
        return value;
    }
    std::string text() {
        const std::string result(bytes_.c_str() + position_);
        position_ += result.size() + 1;
        return result;
    }
    std::string raw(std::size_t size) {
        const std::string result = bytes_.substr(position_, size);
        position_ += result.size();
        return result;
    }

private:
    const std::string& bytes_;
    std::size_t position_ = 0;
};

TEST(JitDump, HoldsTheCodeAsPerfWantsIt) {
    char folder[] = "/tmp/ashlar-jitdump-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    VisibilityOptions options;
    options.jitdump = folder;
    run_tiny_guest(options, {.optimize_after = 3});
    std::ostringstream content;
    content << std::ifstream(std::string(folder) + "/jit-" + std::to_string(getpid()) + ".dump",
                             std::ios::binary)
                   .rdbuf();
    std::filesystem::remove_all(folder);
    const std::string bytes = content.str();
    Fields fields(bytes);
    const auto pid = static_cast<std::uint32_t>(getpid());
    EXPECT_EQ(fields.take<std::uint32_t>(), 0x4a695444u);
    EXPECT_EQ(fields.take<std::uint32_t>(), 1u);
    EXPECT_EQ(fields.take<std::uint32_t>(), 40u);
    EXPECT_EQ(fields.take<std::uint32_t>(), 62u);
    fields.take<std::uint32_t>();
    EXPECT_EQ(fields.take<std::uint32_t>(), pid);
    std::uint64_t time = fields.take<std::uint64_t>();
    EXPECT_EQ(fields.take<std::uint64_t>(), 0u);

    std::vector<std::string> names;
    while (!fields.at_end()) {
        const std::size_t begin = fields.position();
        EXPECT_EQ(fields.take<std::uint32_t>(), 0u) << "JIT_CODE_LOAD";
        const auto size = fields.take<std::uint32_t>();
        const auto now = fields.take<std::uint64_t>();
        EXPECT_GE(now, time);
        time = now;
        EXPECT_EQ(fields.take<std::uint32_t>(), pid);
        EXPECT_NE(fields.take<std::uint32_t>(), 0u);
        const auto address = fields.take<std::uint64_t>();
        EXPECT_EQ(fields.take<std::uint64_t>(), address);
        const auto code_size = fields.take<std::uint64_t>();
        EXPECT_EQ(fields.take<std::uint64_t>(), names.size());
        names.push_back(fields.text());
        const std::string code = fields.raw(code_size);
        EXPECT_EQ(code.size(), code_size);
        ASSERT_EQ(fields.position() - begin, size);
        if (names.back() == "enter [shared]") {
            EXPECT_NE(code.find("\x53\x55"), std::string::npos) << "push rbx, push rbp";
        }
    }
    ASSERT_GT(names.size(), 4u);
    EXPECT_EQ(names[names.size() - 4], "_start+0x0 [tier 1]");
    EXPECT_EQ(names[names.size() - 2], "count_down+0x0 [tier 2]");
}

TEST(JitDump, ExplainsWhereItCannotWrite) {
    std::string error;
    EXPECT_EQ(JitDump::create("/nonexistent", {}, error), nullptr);
    EXPECT_NE(error.find("/nonexistent/jit-"), std::string::npos) << error;
}

} // namespace
} // namespace ashlar::jit::hosted
