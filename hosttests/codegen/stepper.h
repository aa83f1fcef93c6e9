// Counts the host instructions that a function executes within a range of addresses, by single steps.
#pragma once

#include <cstdint>
#include <functional>

namespace ashlar::jit::test {

std::uint64_t count_steps(std::uint64_t begin, std::uint64_t end, const std::function<void()>& run);

} // namespace ashlar::jit::test
