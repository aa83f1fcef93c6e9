#include "jit/hosted/file.h"

#include <gtest/gtest.h>

#include "hosttests/hosted/temporary_file.h"

namespace ashlar::jit::hosted {
namespace {

TEST(ReadFile, TakesEverythingOrSaysWhy) {
    const TemporaryFile file(std::string(2000, 'a'));
    std::string error;
    const auto content = read_file(file.path(), error);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->size(), 2000u);
    ASSERT_EQ(truncate(file.path().c_str(), 0), 0);
    EXPECT_FALSE(read_file(file.path(), error));
    EXPECT_NE(error.find("empty"), std::string::npos);
    EXPECT_FALSE(read_file("/tmp", error));
    EXPECT_NE(error.find("/tmp"), std::string::npos);
}

} // namespace
} // namespace ashlar::jit::hosted
