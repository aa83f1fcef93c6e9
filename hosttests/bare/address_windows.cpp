#include "jit/bare/address_windows.h"

#include <gtest/gtest.h>

namespace ashlar::jit::bare {
namespace {

const void* at(std::uint64_t address) {
    return reinterpret_cast<const void*>(address);
}

TEST(AddressWindows, TranslatesWithinOneWindowOnly) {
    AddressWindows windows;
    ASSERT_TRUE(windows.add(VirtualAddress(0x10000), GuestPhysicalAddress(0x5000), 0x1000).ok());
    ASSERT_TRUE(windows.add(VirtualAddress(0x11000), GuestPhysicalAddress(0x9000), 0x1000).ok());
    EXPECT_EQ(windows.physical(at(0x10010), 0x20).value(), GuestPhysicalAddress(0x5010));
    EXPECT_EQ(windows.physical(at(0x10ff0), 0x10).value(), GuestPhysicalAddress(0x5ff0));
    EXPECT_EQ(windows.physical(at(0x11000), 0x1000).value(), GuestPhysicalAddress(0x9000));
    // Neighbours in virtual memory, but not in physical memory.
    EXPECT_EQ(windows.physical(at(0x10ff0), 0x11).error(), Error::OutOfRange);
    EXPECT_EQ(windows.physical(at(0xffff), 1).error(), Error::OutOfRange);
    EXPECT_EQ(windows.physical(at(0x12001), 0).error(), Error::OutOfRange);
    EXPECT_EQ(windows.physical(at(0x10000), ~std::uint64_t{0}).error(), Error::OutOfRange);
}

TEST(AddressWindows, SaysWhenTheTableIsFull) {
    AddressWindows windows;
    for (std::size_t i = 0; i < AddressWindows::kMaxWindows; ++i)
        EXPECT_TRUE(windows.add(VirtualAddress(i * 0x1000), GuestPhysicalAddress(0), 0x1000).ok());
    EXPECT_TRUE(windows.add(VirtualAddress(0), GuestPhysicalAddress(0), 0).ok());
    EXPECT_EQ(windows.add(VirtualAddress(0), GuestPhysicalAddress(0), 1).error(), Error::OutOfMemory);
}

} // namespace
} // namespace ashlar::jit::bare
