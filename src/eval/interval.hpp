// A figure with its 95 % interval, and how intervals are made.
#pragma once

#include <cstdint>
#include <string_view>

namespace dfa {

struct Interval {
  double value = 0;
  double low = 0;  // 2.5 % and 97.5 % points
  double high = 0;
};

// How the points of the bootstrap distribution become an interval. Percentiles are too narrow near the ends of a
// bounded figure (AUC .95 of 60 + 60 videos); BCa (Efron 1987) corrects bias and skewness and is the same on every
// scale of the figure, the logit included.
enum class IntervalMethod { percentile, bca };
std::string_view interval_method_name(IntervalMethod method);

struct BootstrapOptions {
  int rounds = 2000;
  std::uint64_t seed = 777;
  IntervalMethod method = IntervalMethod::bca;
  int threads = 2;
};

}  // namespace dfa
