// Random guest programs in the engine and in qemu-system-riscv64: the same registers, memory and traps.
#include "jit/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "hosttests/fuzz/generator.h"
#include "hosttests/fuzz/image.h"
#include "hosttests/fuzz/options.h"
#include "hosttests/fuzz/shrink.h"

namespace ashlar::jit::fuzz {

namespace {

constexpr std::uint64_t kBatch = 500;

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        result.push_back(line);
    return result;
}

bool differs(const Program& program) {
    const std::vector<std::byte> image = build_image({&program, 1}, false);
    const Output qemu = run_in_qemu(image);
    return qemu.finished && run_in_engine(image).text != qemu.text;
}

// The lines of the final states that differ, up to a dozen.
std::string explain(const Program& program) {
    const std::vector<std::byte> image = build_image({&program, 1}, true);
    const Output engine = run_in_engine(image), qemu = run_in_qemu(image);
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

void report(std::uint64_t seed, Kind kind) {
    const Program program = generate(seed, kind);
    if (!differs(program)) {
        ADD_FAILURE() << "program of seed " << seed << " differs only after the programs before it";
        return;
    }
    const Program small = shrink(program, differs);
    ADD_FAILURE() << "program of seed " << seed << ", made smaller:\n"
                  << small.describe() << "differs in\n"
                  << explain(small);
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
        const std::vector<std::string> actual = lines(run_in_engine(image).text);
        int reported = 0;
        for (std::size_t i = 0; i < expected.size() && reported < 3; ++i)
            if (i >= actual.size() || actual[i] != expected[i]) {
                report(first_seed + done + i, kind);
                ++reported;
                if (i >= actual.size())
                    break;
            }
        ASSERT_EQ(reported, 0);
    }
}

// Seeds of neighbouring runs do not overlap.
std::uint64_t first_seed() {
    return options.program != 0 ? options.program : options.seed * 1'000'000;
}

TEST(Fuzz, UnprivilegedProgramsAgreeWithQemu) {
    compare(Kind::Unprivileged, first_seed());
}

TEST(Fuzz, PrivilegedProgramsAgreeWithQemu) {
    compare(Kind::Privileged, first_seed());
}

} // namespace

} // namespace ashlar::jit::fuzz
