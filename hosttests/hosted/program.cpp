// The program itself, with the options that look into the engine.
#include <array>
#include <cstdio>
#include <filesystem>
#include <sys/wait.h>

#include "hosttests/hosted/tiny_machine.h"
#include "jit/hosted/memory_trace.h"

namespace ashlar::jit::hosted {
namespace {

struct Ran {
    int status = -1;
    std::string output; // standard output and error
};

Ran run_program(const std::string& options, const std::string& environment = "") {
    const TemporaryFile guest;
    const std::vector<std::byte> image = tiny_guest();
    std::ofstream(guest.path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size()));
    // build/host/ashlar-run, from build/host/tests/hosted
    const auto program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "ashlar-run";
    const std::string command = environment + " timeout 60 '" + program.string() +
                                "' --memory 4M --promote-after 1 " + options + " --firmware '" +
                                guest.path() + "' < /dev/null 2>&1";
    Ran ran;
    std::FILE* const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr)
        return ran;
    std::array<char, 4096> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe))
        ran.output.append(buffer.data(), size);
    const int status = pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Program, DumpsTheCodeOfItsGuest) {
    const Ran ran = run_program("--dump-code --dump-ir --dump-filter count_down");
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_TRUE(contains(ran.output, "ir 0x80000004 <count_down+0x0> physical 0x80000004, 2 instructions"));
    EXPECT_TRUE(contains(ran.output, "code tier 1 block 0x80000004 <count_down+0x0>"));
    EXPECT_TRUE(contains(ran.output, "  80000004  fff28293  addi x5,x5,-1\n"));
    EXPECT_TRUE(contains(ran.output, "qword ptr [r15"));
}

TEST(Program, TracesAndPrintsStatistics) {
    const Ran ran = run_program("--trace-exec --trace-filter finish --stats=json");
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_TRUE(contains(ran.output, "<finish+0x0>\n"));
    EXPECT_FALSE(contains(ran.output, "<count_down+"));
    EXPECT_TRUE(contains(ran.output, "\n  \"tier1.units\": 3,\n")) << ran.output;
    EXPECT_TRUE(contains(run_program("--stats").output, "\nashlar-run: tier1.units  "));
}

TEST(Program, RecordsMemoryReferences) {
    const TemporaryFile trace;
    const Ran ran = run_program("--stats --trace-memory '" + trace.path() + "'");
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_TRUE(
        contains(ran.output, "\nashlar-run: tier1.units                                             0\n"));
    std::string error;
    const auto reader = MemoryTraceReader::open(trace.path(), error);
    ASSERT_NE(reader, nullptr) << error;
    MemoryTraceEvent event;
    do
        ASSERT_TRUE(reader->next(event));
    while (event.kind != MemoryTraceEvent::Kind::End);
    EXPECT_EQ(run_program("--trace-memory /nonexistent/file").status, 1);
}

TEST(Program, RefusesWhatItCannotShow) {
    const Ran ran = run_program("--dump-code=/nonexistent/file");
    EXPECT_EQ(ran.status, 1);
    EXPECT_TRUE(contains(ran.output, "ashlar-run: /nonexistent/file: cannot write"));
    EXPECT_EQ(run_program("--stats=yes").status, 2);
}

TEST(Program, RunsWithoutLibnbdAndSaysWhenItIsNeeded) {
    // A library of that name which is none.
    std::string folder = "/tmp/ashlar-library-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    std::ofstream(folder + "/libnbd.so.0") << "nothing";
    const std::string environment = "LD_LIBRARY_PATH=" + folder;
    EXPECT_EQ(run_program("", environment).status, 0);
    const Ran ran = run_program("--disk nbd:unix:/none", environment);
    EXPECT_EQ(ran.status, 1);
    EXPECT_TRUE(
        contains(ran.output, "ashlar-run: nbd:unix:/none: NBD disks need libnbd.so.0, which cannot be used"))
        << ran.output;
    EXPECT_TRUE(contains(ran.output, "apt-get install libnbd0"));
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace ashlar::jit::hosted
