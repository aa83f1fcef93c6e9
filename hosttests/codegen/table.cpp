#include "hosttests/codegen/table.h"

#include <fstream>
#include <sstream>

namespace ashlar::jit::test {

namespace {

std::string padded(std::string text, std::size_t width, bool right) {
    while (text.size() < width)
        text.insert(right ? text.begin() : text.end(), ' ');
    return text;
}
std::string row(const std::string& name, const std::string& guest, const std::string& tier1,
                const std::string& tier2, const std::string& unrolled) {
    return padded(name, 26, false) + padded(guest, 7, true) + padded(tier1, 8, true) +
           padded(tier2, 8, true) + padded(unrolled, 10, true) + "\n";
}

} // namespace

Table read_table() {
    Table table;
    std::ifstream file(kTablePath);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        Counts counts;
        if (words >> name >> counts.guest >> counts.host[Way::Tier1] >> counts.host[Way::Tier2] >>
                counts.host[Way::Unrolled] &&
            name[0] != '#')
            table.emplace_back(name, counts);
    }
    return table;
}

std::string write_table(const Table& table) {
    std::string text =
        "# Instructions in a turn of each loop of guest/snippets.S: the guest's, and the host's that the\n"
        "# tiers execute for them; *: the tier has made no code of it.\n"
        "# Unrolled: tier 2 with several turns in a row. Made by:\n"
        "# ASHLAR_CODEGEN_UPDATE=1 build/host/tests/codegen\n";
    text += row("# snippet", "guest", "tier 1", "tier 2", "unrolled");
    for (const auto& [name, counts] : table)
        text += row(name, counts.guest, counts.host.at(Way::Tier1), counts.host.at(Way::Tier2),
                    counts.host.at(Way::Unrolled));
    return text;
}

} // namespace ashlar::jit::test
