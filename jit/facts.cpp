#include "jit/facts.h"

namespace ashlar::jit {

void TextFacts::add(std::string_view group, std::string_view name, std::uint64_t value) {
    BufferSink<64> full;
    format(full, "{}.{}", group, name);
    format(sink_, "{:-40} {:16}\n", full.view(), value);
}

void TextFacts::add_hundredths(std::string_view group, std::string_view name, std::uint64_t value) {
    BufferSink<64> full;
    format(full, "{}.{}", group, name);
    format(sink_, "{:-40} {:13}.{:02}\n", full.view(), value / 100, value % 100);
}

void JsonFacts::add(std::string_view group, std::string_view name, std::uint64_t value) {
    format(sink_, "{}  \"{}.{}\": {}", first_ ? "{\n" : ",\n", group, name, value);
    first_ = false;
}

void JsonFacts::add_hundredths(std::string_view group, std::string_view name, std::uint64_t value) {
    format(sink_, "{}  \"{}.{}\": {}.{:02}", first_ ? "{\n" : ",\n", group, name, value / 100, value % 100);
    first_ = false;
}

} // namespace ashlar::jit
