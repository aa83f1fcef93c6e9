// Disks that qemu-nbd serves, in a format that is not raw.
#include "jit/hosted/nbd_disk.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "hosttests/hosted/disk_client.h"
#include "hosttests/hosted/temporary_file.h"

namespace ashlar::jit::hosted {
namespace {

using Kind = BlockRequest::Kind;

bool shell(const std::string& command) {
    return std::system((command + " > /dev/null 2>&1").c_str()) == 0;
}

// A qcow2 image of 8 MiB and its server, which answers when the constructor is done.
class NbdTest : public testing::Test {
protected:
    NbdTest() {
        EXPECT_TRUE(shell("qemu-img create -f qcow2 " + image + " 8M"));
        serve("");
    }
    ~NbdTest() override {
        stop(SIGKILL);
        std::filesystem::remove_all(folder);
    }
    void serve(const std::string& options) {
        EXPECT_TRUE(shell("qemu-nbd --fork --persistent --pid-file=" + folder + "/pid --socket=" + socket +
                          " --format=qcow2 --export-name=disk " + options + " " + image));
        std::ifstream(folder + "/pid") >> server;
    }
    void stop(int signal) {
        if (server > 0)
            kill(server, signal);
        server = -1;
    }
    std::unique_ptr<HostDisk> open(bool read_only = false, std::uint32_t sector_size = 0) {
        return open_disk({name(), read_only, false, sector_size}, messages, error);
    }
    std::string name() const { return "nbd:unix:" + socket + ":exportname=disk"; }

    std::string folder = [] {
        std::string path = "/tmp/ashlar-nbd-XXXXXX";
        return std::string(mkdtemp(path.data()));
    }();
    const std::string image = folder + "/disk.qcow2", socket = folder + "/socket";
    pid_t server = -1;
    TextSink messages;
    std::string error;
};

TEST_F(NbdTest, ReadsBackWhatItWrote) {
    const auto disk = open();
    ASSERT_TRUE(disk) << error;
    EXPECT_EQ(disk->capacity(), 8u << 20);
    EXPECT_FALSE(disk->read_only());
    EXPECT_EQ(disk->serial(), "disk");
    DiskClient client(*disk);
    Pages memory(2 << 20);
    memory.fill_randomly(1);
    const std::array pieces{memory.part(1, 999), memory.part(5000, 25), memory.part(8192, 512 * 1500)};
    ASSERT_TRUE(client.transfer(Kind::Write, 512 * 9, pieces).ok());
    ASSERT_TRUE(client.run({Kind::Flush}).ok());
    const Pages back(1 << 20);
    const std::size_t length = 1024 + 512 * 1500;
    ASSERT_TRUE(client.read(512 * 9, back.part(0, length)).ok());
    std::string written, read;
    for (const MutableBytes piece : pieces)
        written.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    EXPECT_TRUE(written == std::string(reinterpret_cast<const char*>(back.all().data()), length));

    ASSERT_TRUE(client.run({Kind::WriteZeroes, 4096 * 4, 4096}).ok());
    ASSERT_TRUE(client.run({Kind::Discard, 4096 * 8, 4096}).ok());
    ASSERT_TRUE(client.read(4096 * 4, back.part(0, 4096)).ok());
    for (const std::byte byte : back.part(0, 4096))
        ASSERT_EQ(byte, std::byte{0});
    EXPECT_TRUE(shell("qemu-img info --force-share " + image));
}

TEST_F(NbdTest, ManyRequestsAreInFlightAtOnce) {
    const auto disk = open();
    ASSERT_TRUE(disk) << error;
    DiskClient client(*disk);
    Pages memory(4 << 20), back(4 << 20);
    memory.fill_randomly(2);
    const std::size_t part = (4 << 20) / disk->depth();
    for (const bool write : {true, false}) {
        for (unsigned tag = 0; tag < disk->depth(); ++tag) {
            const MutableBytes buffer = (write ? memory : back).part(part * tag, part);
            client.start({write ? Kind::Write : Kind::Read, part * tag, part, {}, false, tag}, {&buffer, 1});
        }
        client.wait();
    }
    EXPECT_EQ(client.results.size(), disk->depth());
    EXPECT_EQ(std::memcmp(memory.all().data(), back.all().data(), 4 << 20), 0);
}

TEST_F(NbdTest, ServersThatLetNobodyWriteAndBlockSizes) {
    stop(SIGKILL);
    serve("--read-only");
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("lets nobody write"), std::string::npos) << error;
    const auto disk = open(true, 4096);
    ASSERT_TRUE(disk) << error;
    EXPECT_EQ(disk->geometry().block_size, 4096u);
    DiskClient client(*disk);
    const Pages memory(4096);
    EXPECT_TRUE(client.read(0, memory.all()).ok());
    EXPECT_EQ(client.write(0, memory.all()).error(), Error::Io);
}

TEST_F(NbdTest, FailsEverythingOnceTheServerIsGone) {
    const auto disk = open();
    ASSERT_TRUE(disk) << error;
    DiskClient client(*disk);
    const Pages memory(1 << 20);
    kill(server, SIGSTOP);
    for (unsigned tag = 0; tag < 8; ++tag) {
        const MutableBytes buffer = memory.part(4096 * tag, 4096);
        client.start({Kind::Read, 4096 * tag, 4096, {}, false, tag}, {&buffer, 1});
    }
    stop(SIGKILL);
    client.wait();
    ASSERT_EQ(client.results.size(), 8u);
    for (const auto& [tag, status] : client.results)
        EXPECT_EQ(status.error(), Error::Io);
    EXPECT_NE(messages.text.find(name() + ": the connection is lost"), std::string::npos) << messages.text;
    EXPECT_EQ(client.read(0, memory.part(0, 4096)).error(), Error::Io);
    EXPECT_EQ(messages.text.find("lost", messages.text.find("lost") + 1), std::string::npos); // said once
}

TEST_F(NbdTest, IsQuietOnceItWasGivenUp) {
    const auto disk = open();
    ASSERT_TRUE(disk) << error;
    DiskClient client(*disk);
    Pages memory(1 << 20);
    for (unsigned round = 0; round < 10; ++round) {
        for (unsigned tag = 0; tag < 16; ++tag) {
            const MutableBytes buffer = memory.part(4096 * tag, 4096);
            client.start({Kind::Read, 4096 * tag, 4096, {}, false, tag}, {&buffer, 1});
        }
        disk->abandon();
        memory.fill(0x5a);
        client.in_flight = 0;
        client.results.clear();
        ASSERT_TRUE(client.read(0, memory.part(0, 4096)).ok());
        EXPECT_EQ(client.results.size(), 1u);
        for (const std::byte byte : memory.part(4096, 65536))
            ASSERT_EQ(byte, std::byte{0x5a});
    }
}

TEST_F(NbdTest, AddressesThatNobodyAnswers) {
    for (const std::string& bad : {"nbd:unix:" + folder + "/none", std::string("nbd:127.0.0.1:1"),
                                   name() + "-of-nobody", std::string("nbd+unix:///disk?socket=/none")}) {
        EXPECT_FALSE(open_disk({bad}, messages, error)) << bad;
        EXPECT_EQ(error.find(bad + ": cannot connect: "), 0u) << error;
    }
    EXPECT_TRUE(open_disk({"nbd+unix:///disk?socket=" + socket}, messages, error)) << error;
    EXPECT_TRUE(is_nbd_name("nbd://host/export"));
    EXPECT_FALSE(is_nbd_name("nbd.img"));
}

} // namespace
} // namespace ashlar::jit::hosted
