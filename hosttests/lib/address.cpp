#include "lib/address.h"

#include <type_traits>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

static_assert(!std::is_convertible_v<PhysicalAddress, VirtualAddress>);
static_assert(!std::is_convertible_v<std::uint64_t, PhysicalAddress>);
static_assert(sizeof(PhysicalAddress) == 8);

TEST(Address, SplitsIntoPageNumberAndOffset) {
    const PhysicalAddress address(0x1234'5678);
    EXPECT_EQ(address.page_number(), 0x1'2345u);
    EXPECT_EQ(address.page_offset(), 0x678u);
    EXPECT_EQ(address.value(), 0x1234'5678u);
}

TEST(Address, AlignsBothWays) {
    const VirtualAddress address(0x1001);
    EXPECT_EQ(address.align_down(kPageSize), VirtualAddress(0x1000));
    EXPECT_EQ(address.align_up(kPageSize), VirtualAddress(0x2000));
    EXPECT_EQ(VirtualAddress(0x2000).align_up(kPageSize), VirtualAddress(0x2000));
    EXPECT_FALSE(address.is_aligned(2));
    EXPECT_TRUE(VirtualAddress(0x4000).is_aligned(0x4000));
}

TEST(Address, AligningUpPastTheTopWrapsToZero) {
    EXPECT_EQ(VirtualAddress(~std::uint64_t{0}).align_up(kPageSize), VirtualAddress(0));
}

TEST(Address, CheckedAddReportsWrapping) {
    GuestPhysicalAddress sum;
    EXPECT_TRUE(GuestPhysicalAddress(10).checked_add(5, sum));
    EXPECT_EQ(sum, GuestPhysicalAddress(15));
    EXPECT_TRUE(GuestPhysicalAddress(~std::uint64_t{0} - 5).checked_add(5, sum));
    EXPECT_FALSE(GuestPhysicalAddress(~std::uint64_t{0} - 5).checked_add(6, sum));
    EXPECT_TRUE(GuestPhysicalAddress(7).checked_add(0, sum));
}

TEST(Address, DifferenceAndOrder) {
    EXPECT_EQ(PhysicalAddress(0x3000) - PhysicalAddress(0x1000), 0x2000u);
    EXPECT_EQ(PhysicalAddress(0x3000) - 0x1000, PhysicalAddress(0x2000));
    EXPECT_LT(PhysicalAddress(1), PhysicalAddress(2));
    PhysicalAddress address(1);
    address += 2;
    EXPECT_EQ(address, PhysicalAddress(3));
}

} // namespace
} // namespace ashlar
