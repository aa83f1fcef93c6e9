// Statistics as facts: a name in dotted form and a number each, in text for people or as JSON.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/format.h"

namespace ashlar::jit {

class Facts {
public:
    // No name is added twice.
    virtual void add(std::string_view group, std::string_view name, std::uint64_t value) = 0;
    // part / whole, with two decimals.
    void add_ratio(std::string_view group, std::string_view name, std::uint64_t part, std::uint64_t whole) {
        add_hundredths(group, name, whole == 0 ? 0 : hundredths(part, whole));
    }
    void add_percent(std::string_view group, std::string_view name, std::uint64_t part, std::uint64_t whole) {
        add_hundredths(group, name, whole == 0 ? 0 : hundredths(part * 100, whole));
    }

protected:
    virtual void add_hundredths(std::string_view group, std::string_view name, std::uint64_t value) = 0;
    ~Facts() = default;

private:
    static std::uint64_t hundredths(std::uint64_t part, std::uint64_t whole) {
        return part / whole * 100 + (part % whole * 100 + whole / 2) / whole;
    }
};

// A line for each fact, in columns.
class TextFacts final : public Facts {
public:
    explicit TextFacts(Sink& sink) : sink_(sink) {}
    void add(std::string_view group, std::string_view name, std::uint64_t value) override;

private:
    void add_hundredths(std::string_view group, std::string_view name, std::uint64_t value) override;

    Sink& sink_;
};

// One object, {"group.name": value, ...}; complete when this is destroyed.
class JsonFacts final : public Facts {
public:
    explicit JsonFacts(Sink& sink) : sink_(sink) {}
    JsonFacts(const JsonFacts&) = delete;
    JsonFacts& operator=(const JsonFacts&) = delete;
    ~JsonFacts() { sink_.write(first_ ? "{}\n" : "\n}\n"); }
    void add(std::string_view group, std::string_view name, std::uint64_t value) override;

private:
    void add_hundredths(std::string_view group, std::string_view name, std::uint64_t value) override;

    Sink& sink_;
    bool first_ = true;
};

} // namespace ashlar::jit
