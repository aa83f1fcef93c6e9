// How even repeated measurements are.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

namespace ashlar::bench {

// The share of samples that lie more than 1.5 interquartile ranges outside the quartiles.
inline double outlier_share(const std::vector<double>& samples) {
    if (samples.size() < 4)
        return 0;
    std::vector<double> sorted = samples;
    std::sort(sorted.begin(), sorted.end());
    const auto quantile = [&](double q) {
        const double at = q * static_cast<double>(sorted.size() - 1);
        const auto below = static_cast<std::size_t>(at);
        const std::size_t above = std::min(below + 1, sorted.size() - 1);
        return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
    };
    const double low = quantile(0.25), high = quantile(0.75), reach = 1.5 * (high - low);
    const auto outside = std::count_if(sorted.begin(), sorted.end(),
                                       [&](double s) { return s < low - reach || s > high + reach; });
    return static_cast<double>(outside) / static_cast<double>(sorted.size());
}

// For ->Apply(): a line "outliers" of benchmarks that are repeated (--benchmark_repetitions).
inline void with_outliers(benchmark::internal::Benchmark* benchmark) {
    benchmark->ComputeStatistics("outliers", outlier_share, benchmark::kPercentage);
}

} // namespace ashlar::bench
