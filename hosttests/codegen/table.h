// What hosttests/codegen/table.txt says of each snippet, and how it is written.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ashlar::jit::test {

// Tier 2 with loops as they are, and with several turns in a row.
enum class Way { Tier1, Tier2, Unrolled };
constexpr Way kWays[] = {Way::Tier1, Way::Tier2, Way::Unrolled};

struct Counts {
    std::string guest; // instructions in a turn
    std::map<Way, std::string> host;
    bool operator==(const Counts&) const = default;
};
using Table = std::vector<std::pair<std::string, Counts>>; // in the order of the snippets

constexpr const char* kTablePath = "hosttests/codegen/table.txt";

Table read_table();
std::string write_table(const Table& table);

} // namespace ashlar::jit::test
