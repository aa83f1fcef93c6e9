#include "jit/hosted/file.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace ashlar::jit::hosted {
namespace {

class DiskFileTest : public testing::Test {
protected:
    DiskFileTest() {
        close(mkstemp(path.data()));
        std::ofstream(path, std::ios::binary) << std::string(2000, 'a');
    }
    ~DiskFileTest() override { unlink(path.c_str()); }
    std::unique_ptr<DiskFile> open(bool read_only = false) {
        return DiskFile::open({path, read_only}, error);
    }

    std::string path = "/tmp/ashlar-disk-XXXXXX", error;
};

TEST_F(DiskFileTest, ReadsAndWritesWholeSectors) {
    const auto disk = open();
    ASSERT_TRUE(disk) << error;
    EXPECT_EQ(disk->capacity(), 1536u); // the rest is no sector
    EXPECT_FALSE(disk->read_only());
    std::vector<std::byte> sector(512, std::byte{'b'});
    ASSERT_TRUE(disk->write(512, sector).ok());
    ASSERT_TRUE(disk->flush().ok());
    std::vector<std::byte> two(1024);
    ASSERT_TRUE(disk->read(0, two).ok());
    EXPECT_EQ(two[511], std::byte{'a'});
    EXPECT_EQ(two[512], std::byte{'b'});
    EXPECT_LE(disk->serial().size(), 20u);
}

TEST_F(DiskFileTest, OneWriterOrSeveralReaders) {
    auto writer = open();
    ASSERT_TRUE(writer);
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("in use"), std::string::npos) << error;
    EXPECT_FALSE(open(true));
    writer.reset();
    const auto first = open(true), second = open(true);
    EXPECT_TRUE(first && second);
    EXPECT_TRUE(first->read_only());
    EXPECT_FALSE(open());
}

TEST_F(DiskFileTest, ExplainsWhatItCannotOpen) {
    EXPECT_FALSE(DiskFile::open({"/tmp", false}, error));
    EXPECT_NE(error.find("/tmp"), std::string::npos);
    EXPECT_FALSE(DiskFile::open({path + ".not", false}, error));
    EXPECT_NE(error.find("No such file"), std::string::npos);
    ASSERT_EQ(truncate(path.c_str(), 100), 0);
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("too small"), std::string::npos);
}

TEST_F(DiskFileTest, ReadFileTakesEverythingOrSaysWhy) {
    const auto content = read_file(path, error);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->size(), 2000u);
    ASSERT_EQ(truncate(path.c_str(), 0), 0);
    EXPECT_FALSE(read_file(path, error));
    EXPECT_NE(error.find("empty"), std::string::npos);
    EXPECT_FALSE(read_file("/tmp", error));
    EXPECT_NE(error.find("/tmp"), std::string::npos);
}

} // namespace
} // namespace ashlar::jit::hosted
