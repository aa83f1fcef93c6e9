// Random guest programs in the engine and in qemu-system-riscv64: the same registers, memory and traps.
#include "jit/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "hosttests/fuzz/generator.h"
#include "hosttests/fuzz/image.h"
#include "hosttests/fuzz/options.h"
#include "hosttests/fuzz/random.h"
#include "hosttests/fuzz/shrink.h"
#include "hosttests/tier.h"
#include "jit/optimizer/optimizer.h"

namespace ashlar::jit::fuzz {

namespace {

constexpr std::uint64_t kBatch = 200;

// Of the batch that begins with the program of that seed: any choice of passes, pieces from a few dozen
// instructions to all, and memory for translations from very little to plenty.
EngineSettings settings_of(std::uint64_t seed) {
    Random random(seed ^ 0x5eed);
    EngineSettings settings;
    if (!random.one_in(4))
        settings.passes = static_cast<unsigned>(random.next() | random.next());
    if (random.one_in(2))
        settings.piece = 40 + random.below(5000);
    if (random.one_in(3))
        settings.cache = (16 + random.below(128)) * kPageSize;
    settings.passes &= optimizer::kAllPasses;
    if (options.passes != Options::kAny)
        settings.passes = static_cast<unsigned>(options.passes);
    if (options.piece != Options::kAny)
        settings.piece = options.piece;
    if (options.cache != Options::kAny)
        settings.cache = options.cache;
    return settings;
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        result.push_back(line);
    return result;
}

bool differs(const Program& program, const EngineSettings& settings) {
    const std::vector<std::byte> image = build_image({&program, 1}, false);
    const Output qemu = run_in_qemu(image);
    return qemu.finished && run_in_engine(image, settings).text != qemu.text;
}

// The lines of the final states that differ, up to a dozen.
std::string explain(const Program& program, const EngineSettings& settings) {
    const std::vector<std::byte> image = build_image({&program, 1}, true);
    const Output engine = run_in_engine(image, settings), qemu = run_in_qemu(image);
    const std::vector<std::string> left = lines(engine.text), right = lines(qemu.text);
    std::string result = engine.finished ? "" : "  the engine did not finish\n";
    int shown = 0;
    for (std::size_t i = 0; i < std::max(left.size(), right.size()) && shown < 12; ++i) {
        const std::string a = i < left.size() ? left[i] : "(nothing)";
        const std::string b = i < right.size() ? right[i] : "(nothing)";
        if (a == b)
            continue;
        result += "  engine: " + a + "   qemu: " + b + "\n";
        ++shown;
    }
    return result;
}

void report(std::uint64_t seed, Kind kind, const EngineSettings& settings) {
    const Program program = generate(seed, kind);
    const std::string how = "program of seed " + std::to_string(seed) +
                            " (--program=" + std::to_string(seed) + " " + describe(settings) + ")";
    const auto fails = [&](const Program& candidate) { return differs(candidate, settings); };
    if (!fails(program)) {
        ADD_FAILURE() << how << " differs only after the programs before it";
        return;
    }
    const Program small = shrink(program, fails);
    ADD_FAILURE() << how << ", made smaller:\n"
                  << small.describe() << "differs in\n"
                  << explain(small, settings);
}

// Compiled code counts as many instructions as the interpreter does.
void compare_counts(std::span<const std::byte> image, const Output& compiled, std::uint64_t first,
                    const EngineSettings& settings) {
    EngineSettings plain;
    plain.interprets = true;
    EXPECT_EQ(compiled.instructions, run_in_engine(image, plain).instructions)
        << "instructions retired in the batch from seed " << first << " on, " << describe(settings);
}

void compare(Kind kind, std::uint64_t first_seed) {
    for (std::uint64_t done = 0; done < options.programs; done += kBatch) {
        std::vector<Program> programs;
        for (std::uint64_t i = done; i < std::min(done + kBatch, options.programs); ++i)
            programs.push_back(generate(first_seed + i, kind));
        const std::vector<std::byte> image = build_image(programs, false);
        const Output qemu = run_in_qemu(image);
        const std::vector<std::string> expected = lines(qemu.text);
        ASSERT_TRUE(qemu.finished) << "QEMU stopped at the program of seed "
                                   << first_seed + done + expected.size() << ":\n"
                                   << generate(first_seed + done + expected.size(), kind).describe();
        ASSERT_EQ(expected.size(), programs.size());
        const EngineSettings settings = settings_of(first_seed + done);
        const Output engine = run_in_engine(image, settings);
        const std::vector<std::string> actual = lines(engine.text);
        int reported = 0;
        for (std::size_t i = 0; i < expected.size() && reported < 3; ++i)
            if (i >= actual.size() || actual[i] != expected[i]) {
                report(first_seed + done + i, kind, settings);
                ++reported;
                if (i >= actual.size())
                    break;
            }
        ASSERT_EQ(reported, 0);
        if (kind == Kind::Loops && test::TestTier::compiled())
            compare_counts(image, engine, first_seed + done, settings);
        ASSERT_FALSE(testing::Test::HasFailure());
    }
}

// Seeds of neighbouring runs do not overlap.
std::uint64_t first_seed() {
    return options.program != 0 ? options.program : options.seed * 1'000'000;
}

TEST(Fuzz, UnprivilegedProgramsAgreeWithQemu) {
    compare(Kind::Unprivileged, first_seed());
}

TEST(Fuzz, LoopsAgreeWithQemu) {
    compare(Kind::Loops, first_seed());
}

TEST(Fuzz, PrivilegedProgramsAgreeWithQemu) {
    compare(Kind::Privileged, first_seed());
}

} // namespace

} // namespace ashlar::jit::fuzz
