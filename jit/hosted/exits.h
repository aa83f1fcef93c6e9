// A listing of the ways out of regions, those first behind which most was executed by lower tiers.
#pragma once

#include "jit/hosted/listing.h"
#include "jit/region_exits.h"

namespace ashlar::jit::hosted {

// Of those regions that the filter covers with their start or with the exit. Exits that were never taken are
// left out, and those of a region that was compiled several times are added up.
void print_region_exits(std::span<const RegionExit> exits, const AddressFilter& filter,
                        const Symbols& symbols, Sink& sink);

} // namespace ashlar::jit::hosted
