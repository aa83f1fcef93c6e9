#include "jit/hosted/exits.h"

#include <map>
#include <tuple>
#include <vector>

namespace ashlar::jit::hosted {

void print_region_exits(std::span<const RegionExit> exits, const AddressFilter& filter,
                        const Symbols& symbols, Sink& sink) {
    std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, optimizer::Leave>, RegionExit> sums;
    for (const RegionExit& exit : exits) {
        if (exit.times == 0 || (!filter.covers(exit.region) && !filter.covers(exit.from)))
            continue;
        const auto [sum, first] = sums.try_emplace({exit.region, exit.from, exit.to, exit.reason}, exit);
        if (first)
            continue;
        sum->second.times += exit.times;
        sum->second.inside += exit.inside;
        sum->second.outside += exit.outside;
    }
    std::vector<RegionExit> sorted;
    for (const auto& [place, exit] : sums)
        sorted.push_back(exit);
    std::stable_sort(sorted.begin(), sorted.end(), [](const RegionExit& a, const RegionExit& b) {
        return std::tie(a.outside, a.times) > std::tie(b.outside, b.times);
    });
    sink.write(
        "exits of regions: times, instructions inside before, outside after, reason, region, from, to\n");
    for (const RegionExit& exit : sorted) {
        format(sink, "{:12} {:14} {:14} {:-12} ", exit.times, exit.inside, exit.outside,
               optimizer::name_of(exit.reason));
        print_place(symbols, exit.region, sink);
        sink.write(" from ");
        print_place(symbols, exit.from, sink);
        if (exit.to != 0) {
            sink.write(" to ");
            print_place(symbols, exit.to, sink);
        }
        sink.write("\n");
    }
}

} // namespace ashlar::jit::hosted
