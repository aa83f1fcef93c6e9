// How many host instructions the compiling tiers need for well-known pieces of guest code. More than the
// table says is a loss, fewer a gain; either way the table is to be renewed, on purpose.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cinttypes>
#include <cstring>
#include <fstream>
#include <iterator>

#include "hosttests/codegen/stepper.h"
#include "hosttests/codegen/table.h"
#include "hosttests/interpreter/guest.h"
#include "jit/backend/x86_64/emitter.h"
#include "jit/optimizer/optimizer.h"

namespace ashlar::jit::test {

namespace {

constexpr std::uint64_t kRamBytes = std::uint64_t{8} << 20, kCodeBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kData = kRam + 0x10'0000, kOtherData = kRam + 0x20'1000;

struct Snippet {
    std::string name;
    std::uint64_t pc, instructions;
};

std::vector<char> read_snippets() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    std::ifstream file(std::string(path, length > 0 ? static_cast<std::size_t>(length) : 0) + "-snippets.bin",
                       std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Snippet> list(const std::vector<char>& image) {
    const auto word = [&](std::size_t at) {
        std::uint64_t value = 0;
        std::memcpy(&value, image.data() + at, sizeof value);
        return value;
    };
    std::vector<Snippet> snippets;
    if (image.size() < 0x2000)
        return snippets;
    for (std::uint64_t i = 0; i < word(0); ++i)
        snippets.push_back({image.data() + 0x400 + 32 * i, kRam + 0x1000 * (1 + i), word(8 + 8 * i)});
    return snippets;
}

// A guest in the midst of a snippet that has become host code of one tier.
class Loop {
public:
    Loop(const std::vector<char>& image, const Snippet& snippet, Way way)
        : snippet_(snippet),
          guest_(kRamBytes,
                 {.native_code = code_.get(),
                  .optimize_after = way == Way::Tier1 ? 0u : 100u,
                  .surprises = 20,
                  .optimizer_passes = way == Way::Unrolled ? ~0u : ~unsigned{optimizer::kUnrollLoops}}) {
        EXPECT_TRUE(guest_.memory.write(GuestPhysicalAddress(kRam), std::as_bytes(std::span(image))).ok());
        guest_.put(kData, kData);
        riscv64::HartState& state = guest_.state();
        state.pc = snippet.pc;
        state.x[10] = kData;
        state.x[11] = kOtherData;
        state.x[12] = kRam + kRamBytes;
        for (unsigned i = 0; i < 3; ++i)
            state.x[13 + i] = 3 + 2 * i;
        for (unsigned i = 0; i < 6; ++i)
            state.f[10 + i] = 0x3ff0'0000'0000'0000;
        state.control.mstatus |= 0x6000;
        guest_.hart().state_changed();
        EXPECT_EQ(guest_.run(100), Stop::WaitForInterrupt) << snippet.name;
        // A multiple of whatever moves through pages, and the ways in and out. It then stands where the
        // budget is looked at.
        for (const std::uint64_t times : {1024u, unsigned{kTurns}, unsigned{kTurns}})
            EXPECT_EQ(guest_.run(times * snippet_.instructions), Stop::Budget) << snippet_.name;
        start_ = guest_.state().pc;
    }
    // Whichever number of them a region takes in a row.
    static constexpr unsigned kTurns = 12;

    void turn(std::uint64_t times) {
        const std::uint64_t before = guest_.state().instret;
        EXPECT_EQ(guest_.run(times * snippet_.instructions), Stop::Budget) << snippet_.name;
        EXPECT_EQ(guest_.state().instret - before, times * snippet_.instructions) << snippet_.name;
        EXPECT_EQ(guest_.state().pc, start_) << snippet_.name << " has another number of instructions";
    }
    // Host instructions in so many turns, and on the way in and out.
    std::uint64_t count(std::uint64_t times) {
        const auto begin = reinterpret_cast<std::uintptr_t>(code_.get().executable);
        return count_steps(begin, begin + kCodeBytes, [&] { turn(times); });
    }
    bool is_compiled(unsigned tier) const { return guest_.engine->statistics().tiers[tier].units != 0; }

private:
    Snippet snippet_;
    hosted::HostedCodeMemory code_{kCodeBytes};
    Guest guest_;
    std::uint64_t start_ = 0;
};

std::string count_turn(const std::vector<char>& image, const Snippet& snippet, Way way) {
    Loop loop(image, snippet, way);
    constexpr std::uint64_t kFew = Loop::kTurns, kMany = 3 * kFew;
    const std::uint64_t few = loop.count(kFew), many = loop.count(kMany), turns = kMany - kFew;
    char text[32];
    if ((many - few) % turns == 0)
        std::snprintf(text, sizeof text, "%" PRIu64, (many - few) / turns);
    else
        std::snprintf(text, sizeof text, "%.2f",
                      static_cast<double>(many - few) / static_cast<double>(turns));
    return std::string(text) + (loop.is_compiled(way == Way::Tier1 ? 1 : 2) ? "" : "*");
}

Table measure() {
    const std::vector<char> image = read_snippets();
    Table table;
    for (const Snippet& snippet : list(image)) {
        Counts counts{std::to_string(snippet.instructions), {}};
        for (const Way way : kWays)
            counts.host[way] = count_turn(image, snippet, way);
        table.emplace_back(snippet.name, counts);
    }
    return table;
}

TEST(Codegen, NeedsAsManyHostInstructionsAsTheTableSays) {
    // Given: what every machine of the last ten years has; the table is for code that uses it all
    const x86_64::HostFeatures host = x86_64::HostFeatures::detect();
    ASSERT_TRUE(host.bmi1 && host.bmi2 && host.lzcnt && host.popcnt && host.sse41 && host.avx && host.fma)
        << "this test needs a host with BMI2, LZCNT, AVX and FMA";
    // When
    const Table actual = measure(), expected = read_table();
    ASSERT_FALSE(actual.empty());
    if (std::getenv("ASHLAR_CODEGEN_UPDATE") != nullptr) {
        std::ofstream(kTablePath) << write_table(actual);
        std::printf("%s", write_table(actual).c_str());
        return;
    }
    // Then
    const std::map<std::string, Counts> known(expected.begin(), expected.end());
    std::string differences;
    for (const auto& [name, counts] : actual) {
        const auto entry = known.find(name);
        for (const Way way : kWays) {
            static constexpr const char* kNames[] = {"tier 1", "tier 2", "unrolled"};
            const std::string before = entry != known.end() ? entry->second.host.at(way) : "nothing";
            if (before != counts.host.at(way))
                differences += "  " + name + ", " + kNames[static_cast<int>(way)] + ": " +
                               counts.host.at(way) + " host instructions, " + before + " in the table\n";
        }
    }
    EXPECT_EQ(differences, "") << "If that is as it should be, renew the table: ASHLAR_CODEGEN_UPDATE=1 "
                                  "build/host/tests/codegen";
    EXPECT_EQ(actual.size(), expected.size()) << "the table has snippets that are gone";
}

} // namespace

} // namespace ashlar::jit::test
