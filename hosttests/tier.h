// The tier that tests run guests on: with ASHLAR_TEST_TIER=1 in the environment everything that can be
// compiled is host code from its first execution, with 2 it is optimized from its third, else all is
// interpreted. ASHLAR_TEST_PASSES is a mask of optimizer::Pass.
#pragma once

#include <cstdlib>
#include <string_view>

#include "jit/engine.h"
#include "jit/hosted/code_memory.h"

namespace ashlar::jit::test {

class TestTier {
public:
    // Outlives the engines that are created with the options. Those that have their own memory for host code
    // choose the tier themselves.
    void apply(EngineOptions& options) const {
        if (!compiled() || !options.native_code.writable.empty())
            return;
        options.native_code = memory_.get();
        options.promote_after = 1;
        options.optimize_after = 0;
        if (optimized()) {
            options.optimize_after = 2;
            options.surprises = 2;
            options.verify_ir = true;
        }
        if (const char* const passes = std::getenv("ASHLAR_TEST_PASSES"); passes != nullptr)
            options.optimizer_passes = static_cast<unsigned>(std::strtoul(passes, nullptr, 0));
    }

    static bool compiled() {
        const char* const tier = std::getenv("ASHLAR_TEST_TIER");
        return tier != nullptr && (std::string_view(tier) == "1" || std::string_view(tier) == "2");
    }
    static bool optimized() {
        const char* const tier = std::getenv("ASHLAR_TEST_TIER");
        return tier != nullptr && std::string_view(tier) == "2";
    }

private:
    hosted::HostedCodeMemory memory_{compiled() ? std::size_t{4} << 20 : std::size_t{4096}};
};

} // namespace ashlar::jit::test
