#include "kernel/host_tables.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace ashlar::kernel {
namespace {

using Kind = MemoryRange::Kind;
using Pieces = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

class DirectMap : public testing::Test {
protected:
    Pieces pieces(Piece hole = {}) {
        Pieces result;
        DirectMapPieces direct;
        direct.add_memory(boot);
        EXPECT_TRUE(direct
                        .for_each(hole,
                                  [&](Piece piece) -> Status {
                                      result.emplace_back(piece.begin, piece.end);
                                      return {};
                                  })
                        .ok());
        return result;
    }
    BootInformation boot;
};

TEST_F(DirectMap, JoinsNeighboursAndLeavesTheHoleOut) {
    // Given ranges out of order, one beside the other, with ACPI tables at their end
    boot.add_range(PhysicalAddress(0x20'0000), 0x20'0000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x10'0000), 0x10'0000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x40'0000), 0x1800, Kind::AcpiReclaimable);
    boot.add_range(PhysicalAddress(0x80'0000), 0x1000, Kind::Reserved);
    // Then they are one but for the image
    EXPECT_EQ(pieces({0x20'0000, 0x24'0000}), (Pieces{{0x10'0000, 0x20'0000}, {0x24'0000, 0x40'2000}}));
}

TEST_F(DirectMap, LeavesOutWhatIsReservedWithinMemory) {
    // Given memory with two reserved ranges in it, one over its end and one that begins within a page
    boot.add_range(PhysicalAddress(0x4000'0000), 0x1000'0000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x4ff0'0000), 0x20'0000, Kind::Reserved);
    boot.add_range(PhysicalAddress(0x4100'0800), 0x1000, Kind::Reserved);
    boot.add_range(PhysicalAddress(0x4200'0000), 0x1000, Kind::Unusable);
    EXPECT_EQ(pieces(),
              (Pieces{{0x4000'0000, 0x4100'0000}, {0x4100'2000, 0x4200'0000}, {0x4200'1000, 0x4ff0'0000}}));
}

TEST_F(DirectMap, HasTheBundleEvenWhereItIsReserved) {
    boot.add_range(PhysicalAddress(0x4000'0000), 0x10'0000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x4001'0000), 0x1'0000, Kind::Reserved);
    boot.bundle = PhysicalAddress(0x4001'0000);
    boot.bundle_size = 0xf00;
    EXPECT_EQ(pieces(), (Pieces{{0x4000'0000, 0x4001'1000}, {0x4002'0000, 0x4010'0000}}));
}

TEST_F(DirectMap, MemoryThatIsReservedAsAWholeIsNotThere) {
    boot.add_range(PhysicalAddress(0x4000'0000), 0x10'0000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x3000'0000), 0x2000'0000, Kind::Reserved);
    EXPECT_EQ(pieces(), Pieces());
}

TEST(EarlyMemory, IsTheLargestRunWithinReach) {
    // Given a long run that reaches out of what can be reached, and one that lies wholly within
    BootInformation boot;
    boot.add_range(PhysicalAddress(0x4000'0000), 0x0800'0000, Kind::Usable);
    boot.add_range(PhysicalAddress(0x7f00'0000), 0x4000'0000, Kind::Usable);
    const Piece piece = find_early_memory(boot, {0x4000'0000, 0x8000'0000});
    EXPECT_EQ(piece.begin, 0x4000'0000u);
    EXPECT_EQ(piece.end, 0x4800'0000u);
    EXPECT_EQ(find_early_memory(boot, {0, 0x1000}).size(), 0u);
}

} // namespace
} // namespace ashlar::kernel
