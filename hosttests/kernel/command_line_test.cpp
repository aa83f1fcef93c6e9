#include "kernel/command_line.h"

#include <gtest/gtest.h>

namespace ashlar::kernel {
namespace {

TEST(CommandLine, OptionsAreWords) {
    EXPECT_EQ(option("bundle=DISK-1", "bundle"), "DISK-1");
    EXPECT_EQ(option("quiet bundle=00:02.0 selftest=x", "bundle"), "00:02.0");
    EXPECT_EQ(option("quiet  bundle=a bundle=b", "bundle"), "a");
    EXPECT_EQ(option("bundle=", "bundle"), "");
    EXPECT_EQ(option("", "bundle"), std::nullopt);
    EXPECT_EQ(option("bundle", "bundle"), std::nullopt);
    EXPECT_EQ(option("unbundle=x mybundle=y bundles=z", "bundle"), std::nullopt);
}

} // namespace
} // namespace ashlar::kernel
