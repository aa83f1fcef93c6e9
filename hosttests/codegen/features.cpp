// What is known of host CPUs.
#include <gtest/gtest.h>

#include "jit/backend/x86_64/emitter.h"

namespace ashlar::jit::x86_64 {

namespace {

TEST(HostFeatures, PextIsSlowOnAmdBeforeZen3AndOnHygon) {
    EXPECT_FALSE(HostFeatures::has_fast_pext("AuthenticAMD", 0x0080'0f11)); // Zen, family 17h
    EXPECT_FALSE(HostFeatures::has_fast_pext("AuthenticAMD", 0x0087'0f10)); // Zen 2
    EXPECT_FALSE(HostFeatures::has_fast_pext("AuthenticAMD", 0x0066'0f51)); // Excavator, family 15h
    EXPECT_FALSE(HostFeatures::has_fast_pext("HygonGenuine", 0x0090'0f01)); // Dhyana, family 18h
    EXPECT_TRUE(HostFeatures::has_fast_pext("AuthenticAMD", 0x00a2'0f10));  // Zen 3, family 19h
    EXPECT_TRUE(HostFeatures::has_fast_pext("AuthenticAMD", 0x00b4'0f40));  // Zen 5, family 1Ah
    EXPECT_TRUE(HostFeatures::has_fast_pext("GenuineIntel", 0x0003'06c3));  // Haswell, family 6
    EXPECT_TRUE(HostFeatures::has_fast_pext("GenuineIntel", 0x000c'06f2));
}

} // namespace

} // namespace ashlar::jit::x86_64
