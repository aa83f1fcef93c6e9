// A guest whose hot code is optimized by a worker that works when the test says so.
#pragma once

#include "hosttests/interpreter/guest.h"

namespace ashlar::jit::test {

class ManualWorker final : public CompileWorker {
public:
    void start(CompileJob& job) override { job_ = &job; }
    void wait() override { work(); }
    void work() {
        if (CompileJob* const job = std::exchange(job_, nullptr))
            job->run();
    }
    bool has_work() const { return job_ != nullptr; }

private:
    CompileJob* job_ = nullptr;
};

constexpr unsigned kOptimizeAfter = 10;

class CodeMemoryOfTest {
public:
    explicit CodeMemoryOfTest(std::size_t bytes = std::size_t{2} << 20) : code_(bytes) {}

    EngineOptions options(CompileWorker* worker) const {
        EngineOptions options;
        options.native_code = code_.get();
        options.promote_after = 1;
        options.optimize_after = kOptimizeAfter;
        options.compile_worker = worker;
        return options;
    }

private:
    hosted::HostedCodeMemory code_;
};

// Loops one behind the other: loop I adds I + 1 to x3 as often as x4 says, then x5 times everything again.
inline void put_loops(Guest& guest, std::uint64_t at, unsigned loops) {
    using namespace assemble;
    const std::uint64_t begin = at;
    for (unsigned i = 0; i < loops; ++i, at += 16)
        guest.code(at,
                   {add(6, 4, 0), addi(3, 3, static_cast<int>(i + 1)), addi(6, 6, -1), branch(1, 6, 0, -8)});
    guest.code(at, {addi(5, 5, -1), branch(0, 5, 0, 8), jal(0, -static_cast<int>(at + 8 - begin)), kWfi});
}

// Entered anew: counts of what ran before stay.
inline Stop run_loops(Guest& guest, std::uint64_t at, unsigned turns, unsigned rounds) {
    guest.state().pc = at;
    guest.state().x[3] = 0;
    guest.state().x[4] = turns;
    guest.state().x[5] = rounds;
    guest.hart().state_changed();
    return guest.run(10'000'000);
}

inline std::uint64_t sum_of_loops(unsigned loops, unsigned turns, unsigned rounds) {
    return std::uint64_t{loops} * (loops + 1) / 2 * turns * rounds;
}

} // namespace ashlar::jit::test
