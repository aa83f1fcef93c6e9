// Fuzz images: the harness and programs, and the two machines that run them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hosttests/fuzz/program.h"

namespace ashlar::jit::fuzz {

// Guest memory from FUZZ_BASE on. `verbose`: the harness prints the whole final state.
std::vector<std::byte> build_image(std::span<const Program> programs, bool verbose);

// What the image prints on the UART until it powers the machine off; what it had printed when it did not.
struct Output {
    std::string text;
    bool finished = false;
    std::uint64_t instructions = 0; // that the engine retired
};
// How the engine runs an image.
struct EngineSettings {
    bool interprets = false;          // whatever ASHLAR_TEST_TIER says
    unsigned passes = ~0u;            // optimizer::Pass
    std::uint64_t piece = 10'000'000; // instructions at once
    // Bytes for translations, of each kind of code; a multiple of the page size.
    std::uint64_t cache = std::uint64_t{4} << 20;
};
// As options of this program.
std::string describe(const EngineSettings& settings);
Output run_in_engine(std::span<const std::byte> image, const EngineSettings& settings);
Output run_in_qemu(std::span<const std::byte> image);

} // namespace ashlar::jit::fuzz
