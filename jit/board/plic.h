// Platform-level interrupt controller with an M and an S context per hart.
// Specification: RISC-V Platform-Level Interrupt Controller 1.0.0, with level-triggered gateways.
#pragma once

#include <array>

#include "jit/board/memory_map.h"
#include "jit/board/wires.h"
#include "jit/bus.h"

namespace ashlar::jit::board {

// Context 2h is hart h's M-mode, 2h+1 its S-mode.
class Plic final : public MmioDevice, public InterruptController {
public:
    static constexpr unsigned kSources = 96; // 0 does not exist
    static constexpr unsigned kMaxPriority = 7;
    static constexpr std::uint64_t kPriority = 0, kPending = 0x1000, kEnable = 0x2000, kEnableStride = 0x80,
                                   kContext = 0x20'0000, kContextStride = 0x1000, kThreshold = 0, kClaim = 4;

    // `harts` is at most kMaxHarts.
    Plic(HartInterrupts& interrupts, unsigned harts);

    // Registers take aligned accesses of 4 bytes.
    Result<std::uint64_t> read(std::uint64_t offset, unsigned width) override;
    Status write(std::uint64_t offset, unsigned width, std::uint64_t value) override;
    // A source is pending while its level is high and no claim of it is open.
    void set_source(unsigned source, bool level) override;

    // Wires keep their levels.
    void reset();

private:
    static constexpr unsigned kWords = kSources / 32;
    using SourceSet = std::array<std::uint32_t, kWords>;
    struct Context {
        SourceSet enabled{};
        std::uint32_t threshold = 0;
        bool level = false; // as driven
    };

    std::uint32_t* register_at(std::uint64_t offset, std::uint32_t& mask);
    std::uint32_t pending(unsigned word) const { return level_[word] & ~claimed_[word]; }
    unsigned best(const Context& context) const;
    std::uint32_t claim(Context& context);
    void complete(const Context& context, std::uint64_t source);
    void update();

    HartInterrupts* interrupts_;
    unsigned contexts_count_;
    std::array<std::uint32_t, kSources> priority_{};
    SourceSet level_{}, claimed_{};
    std::array<Context, 2 * kMaxHarts> contexts_{};
};

} // namespace ashlar::jit::board
