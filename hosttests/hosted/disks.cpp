// Files as disks, through io_uring and threads, with and without the host's page cache.
#include "jit/hosted/disk.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "hosttests/hosted/disk_client.h"
#include "hosttests/hosted/temporary_file.h"
#include "jit/hosted/descriptor.h"

namespace ashlar::jit::hosted {
namespace {

using Kind = BlockRequest::Kind;

constexpr std::size_t kSize = 4 << 20;

std::string random_content(std::size_t size = kSize) {
    std::mt19937 random(3);
    std::string content(size, '\0');
    for (char& byte : content)
        byte = static_cast<char>(random());
    return content;
}

std::string_view as_text(MutableBytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Manner {
    DiskEngine engine;
    bool direct;
};

class DiskTest : public testing::TestWithParam<Manner> {
protected:
    std::unique_ptr<HostDisk> open(std::uint32_t sector_size = 0, bool read_only = false) {
        DiskOption option{file.path()};
        option.engine = GetParam().engine;
        option.direct = GetParam().direct;
        option.sector_size = sector_size;
        option.read_only = read_only;
        auto disk = open_disk(option, messages, error);
        EXPECT_TRUE(disk) << error;
        return disk;
    }

    const std::string before = random_content();
    const TemporaryFile file{before};
    TextSink messages;
    std::string error;
};

TEST_P(DiskTest, ReadsIntoBuffersOfAnySizeAndPlace) {
    const auto disk = open();
    DiskClient client(*disk);
    const Pages memory(1 << 20);
    const std::array whole{memory.part(0, 4096), memory.part(8192 + 1, 511), memory.part(20000, 1),
                           memory.part(30000, 0), memory.part(40960, 512 * 1000)};
    ASSERT_TRUE(client.transfer(Kind::Read, 512 * 3, whole).ok());
    std::string got;
    for (const MutableBytes buffer : whole)
        got += as_text(buffer);
    EXPECT_EQ(got, before.substr(512 * 3, got.size()));
}

TEST_P(DiskTest, WritesWhatOthersThenRead) {
    std::string expected = before;
    {
        const auto disk = open();
        DiskClient client(*disk);
        Pages memory(1 << 20);
        memory.fill_randomly(5);
        const std::array buffers{memory.part(100, 1000), memory.part(5000, 536),
                                 memory.part(8192, 512 * 1001)};
        ASSERT_TRUE(client.transfer(Kind::Write, 512 * 7, buffers).ok());
        std::string written;
        for (const MutableBytes buffer : buffers)
            written += as_text(buffer);
        expected.replace(512 * 7, written.size(), written);
        ASSERT_TRUE(client.write(kSize - 4096, memory.part(4096, 4096)).ok());
        expected.replace(kSize - 4096, 4096, as_text(memory.part(4096, 4096)));
        ASSERT_TRUE(client.run({Kind::Flush}).ok());
    }
    EXPECT_TRUE(file.content() == expected);
    EXPECT_EQ(messages.text, "");
}

TEST_P(DiskTest, ManyRequestsAreInFlightAtOnce) {
    const auto disk = open();
    DiskClient client(*disk);
    const Pages memory(kSize);
    const std::size_t part = kSize / disk->depth();
    for (unsigned tag = 0; tag < disk->depth(); ++tag) {
        const MutableBytes buffer = memory.part(part * tag, part);
        client.start({Kind::Read, part * tag, part, {}, false, tag}, {&buffer, 1});
    }
    client.wait();
    EXPECT_EQ(client.results.size(), disk->depth());
    EXPECT_TRUE(as_text(memory.all()) == before);
}

TEST_P(DiskTest, GivesBackAndZeroes) {
    const auto disk = open();
    DiskClient client(*disk);
    const auto zeroes = [&](std::uint64_t offset, std::size_t size) {
        const Pages memory(size);
        EXPECT_TRUE(client.read(offset, memory.all()).ok());
        return as_text(memory.all()) == std::string(size, '\0');
    };
    struct stat full, punched;
    ASSERT_EQ(stat(file.path().c_str(), &full), 0);
    const Status discarded = client.run({Kind::Discard, 1 << 20, 1 << 20});
    ASSERT_TRUE(discarded.ok() || discarded.error() == Error::Unsupported);
    ASSERT_EQ(stat(file.path().c_str(), &punched), 0);
    EXPECT_EQ(punched.st_size, full.st_size);
    if (discarded.ok()) {
        EXPECT_LT(punched.st_blocks, full.st_blocks);
        EXPECT_TRUE(zeroes(1 << 20, 1 << 20));
    }
    for (const bool may_unmap : {false, true}) {
        const std::uint64_t offset = may_unmap ? 4096 * 3 : 4096 * 9;
        const Status zeroed = client.run({Kind::WriteZeroes, offset, 4096, {}, may_unmap});
        ASSERT_TRUE(zeroed.ok() || zeroed.error() == Error::Unsupported);
        EXPECT_TRUE(!zeroed.ok() || zeroes(offset, 4096));
    }
}

TEST_P(DiskTest, TellsOfFailures) {
    const auto disk = open();
    DiskClient client(*disk);
    const Pages memory(8192);
    ASSERT_EQ(truncate(file.path().c_str(), 4096), 0);
    EXPECT_EQ(client.read(0, memory.all()).error(), Error::Io); // ends too early
    EXPECT_EQ(client.read(4096, memory.all()).error(), Error::Io);
    EXPECT_TRUE(client.read(0, memory.part(0, 4096)).ok());
}

TEST_P(DiskTest, DoesNotWriteWhatItMayOnlyRead) {
    const auto disk = open(0, true);
    DiskClient client(*disk);
    const Pages memory(4096);
    EXPECT_TRUE(disk->read_only());
    EXPECT_EQ(client.write(0, memory.all()).error(), Error::Io);
    EXPECT_TRUE(client.read(0, memory.all()).ok());
    EXPECT_TRUE(file.content() == before);
}

TEST_P(DiskTest, IsQuietOnceItWasGivenUp) {
    const auto disk = open();
    for (unsigned round = 0; round < 20; ++round) {
        DiskClient client(*disk);
        Pages memory(kSize);
        const std::size_t part = kSize / disk->depth();
        for (unsigned tag = 0; tag < disk->depth(); ++tag) {
            const MutableBytes buffer = memory.part(part * tag, part);
            client.start({Kind::Read, part * tag, part, {}, false, tag}, {&buffer, 1});
        }
        if (round % 2 != 0)
            disk->submit();
        disk->abandon();
        EXPECT_LT(disk->wake_up().fd, 0);
        memory.fill(0x5a); // and freed: a sanitizer or the next round would see who still stores here
        client.in_flight = 0;
        client.results.clear();
        const MutableBytes sector = memory.part(0, 4096);
        ASSERT_TRUE(client.read(4096, sector).ok());
        EXPECT_EQ(client.results.size(), 1u); // nothing of what was given up is told
        EXPECT_EQ(as_text(sector), before.substr(4096, 4096));
        EXPECT_EQ(as_text(memory.part(4096, kSize - 4096)), std::string(kSize - 4096, 0x5a));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Manners, DiskTest,
    testing::Values(Manner{DiskEngine::IoUring, false}, Manner{DiskEngine::IoUring, true},
                    Manner{DiskEngine::Threads, false}, Manner{DiskEngine::Threads, true}),
    [](const auto& manner) {
        return std::string(manner.param.engine == DiskEngine::IoUring ? "IoUring" : "Threads") +
               (manner.param.direct ? "Direct" : "Cached");
    });

// ------------------------------------------------------------------------------------------ opening

class OpenTest : public testing::Test {
protected:
    std::unique_ptr<HostDisk> open(bool read_only = false, std::uint32_t sector_size = 0,
                                   bool direct = false) {
        DiskOption option{file.path(), read_only, direct, sector_size};
        return open_disk(option, messages, error);
    }
    const TemporaryFile file{std::string(10000, 'a')};
    TextSink messages;
    std::string error;
};

TEST_F(OpenTest, CountsWholeBlocks) {
    const auto small = open(true);
    ASSERT_TRUE(small) << error;
    EXPECT_EQ(small->capacity(), 9728u); // the rest is no sector
    EXPECT_EQ(small->geometry().block_size, 512u);
    EXPECT_EQ(small->geometry().physical_block_exponent, 3u);
    EXPECT_EQ(small->geometry().discard_alignment_blocks, 8u);
    EXPECT_LE(small->serial().size(), 20u);
    const auto large = open(true, 4096);
    ASSERT_TRUE(large) << error;
    EXPECT_EQ(large->capacity(), 8192u);
    EXPECT_EQ(large->geometry().block_size, 4096u);
    EXPECT_EQ(large->geometry().physical_block_exponent, 0u);
    EXPECT_EQ(large->geometry().discard_alignment_blocks, 1u);
}

TEST_F(OpenTest, SerialNumbersAreTheFilesNameUnlessGiven) {
    EXPECT_EQ(open(true)->serial(), file.path().substr(5, 20));
    DiskOption option{file.path(), true};
    option.serial = "DISK-1";
    EXPECT_EQ(open_disk(option, messages, error)->serial(), "DISK-1");
}

TEST_F(OpenTest, OneWriterOrSeveralReaders) {
    auto writer = open();
    ASSERT_TRUE(writer) << error;
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("in use"), std::string::npos) << error;
    EXPECT_FALSE(open(true));
    writer.reset();
    const auto first = open(true), second = open(true);
    EXPECT_TRUE(first && second);
    EXPECT_TRUE(first->read_only());
    EXPECT_FALSE(open());
}

// As QEMU and its tools lock a file: without flock.
TEST_F(OpenTest, SeesQemuThroughItsLocks) {
    const auto lock = [](int number, short type, off_t at) {
        struct flock range {};
        range.l_type = type;
        range.l_whence = SEEK_SET;
        range.l_start = at;
        range.l_len = 1;
        return fcntl(number, F_OFD_SETLK, &range) == 0;
    };
    const Descriptor other(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(lock(other.get(), F_RDLCK, 101)); // it writes
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("in use"), std::string::npos) << error;
    EXPECT_FALSE(open(true));
    ASSERT_TRUE(lock(other.get(), F_UNLCK, 101));
    ASSERT_TRUE(lock(other.get(), F_RDLCK, 201)); // it reads, and wants nobody to write
    EXPECT_FALSE(open());
    EXPECT_TRUE(open(true)) << error;
    ASSERT_TRUE(lock(other.get(), F_UNLCK, 201));
    const auto writer = open();
    ASSERT_TRUE(writer) << error;
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = 201;
    range.l_len = 1;
    ASSERT_EQ(fcntl(other.get(), F_OFD_GETLK, &range), 0);
    EXPECT_NE(range.l_type, F_UNLCK); // so QEMU sees us
}

TEST_F(OpenTest, ExplainsWhatItCannotOpen) {
    EXPECT_FALSE(open_disk({"/tmp"}, messages, error));
    EXPECT_NE(error.find("/tmp"), std::string::npos);
    EXPECT_FALSE(open_disk({"/dev/null", true}, messages, error));
    EXPECT_NE(error.find("/dev/null"), std::string::npos);
    EXPECT_FALSE(open_disk({file.path() + ".not"}, messages, error));
    EXPECT_NE(error.find("No such file"), std::string::npos);
    ASSERT_EQ(truncate(file.path().c_str(), 1000), 0);
    EXPECT_FALSE(open(true, 4096));
    EXPECT_NE(error.find("too small"), std::string::npos);
    ASSERT_EQ(truncate(file.path().c_str(), 100), 0);
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("too small"), std::string::npos);
    EXPECT_FALSE(open_disk({"/proc/version", true, true}, messages, error));
    EXPECT_NE(error.find("direct"), std::string::npos) << error;
}

// ------------------------------------------------------------------------------------------ without io_uring

// Runs `body` in a process in which the system call fails as it does in many containers.
int without_system_call(unsigned number, int (*body)(const std::string&), const std::string& path) {
    const pid_t child = fork();
    if (child == 0) {
        sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const sock_fprog program{std::size(code), code};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            _exit(100);
        _exit(body(path));
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int read_with_threads(const std::string& path) {
    TextSink messages;
    std::string error;
    DiskOption option{path};
    option.engine = DiskEngine::IoUring;
    if (open_disk(option, messages, error) || error.find("Operation not permitted") == std::string::npos)
        return 1;
    option.engine = DiskEngine::Any;
    const auto disk = open_disk(option, messages, error);
    if (!disk)
        return 2;
    if (messages.text !=
        path +
            ": io_uring cannot be used here (Operation not permitted): threads read and write it instead\n")
        return 3;
    DiskClient client(*disk);
    const Pages memory(4096);
    return client.read(0, memory.all()).ok() && as_text(memory.all()) == std::string(4096, 'a') ? 0 : 4;
}

int read_without_threads(const std::string& path) {
    TextSink messages;
    std::string error;
    DiskOption option{path};
    option.engine = DiskEngine::Threads;
    const auto disk = open_disk(option, messages, error);
    if (!disk)
        return 2;
    DiskClient client(*disk);
    const Pages memory(4096);
    return client.read(0, memory.all()).ok() && as_text(memory.all()) == std::string(4096, 'a') ? 0 : 4;
}

TEST_F(OpenTest, ThreadsStandInForIoUringAndSaySo) {
    EXPECT_EQ(without_system_call(SYS_io_uring_setup, read_with_threads, file.path()), 0);
    EXPECT_EQ(without_system_call(SYS_io_uring_enter, read_with_threads, file.path()), 0);
}

TEST_F(OpenTest, EvenWithoutThreadsADiskWorks) {
    EXPECT_EQ(without_system_call(SYS_eventfd2, read_without_threads, file.path()), 0);
}

} // namespace
} // namespace ashlar::jit::hosted
