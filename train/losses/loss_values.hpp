// What a step's loss came to, term by term, and the mean of each over an epoch.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dfa::train {

struct LossTerm {
  std::string name;   // as in Note [Terms of the loss]
  double weight = 1;  // of cross_entropy: 1
  double value = 0;   // before weighting
};

struct LossValues {
  double loss = 0;              // sum of weight * value
  std::vector<LossTerm> terms;  // cross_entropy first; what the batch could not give is left out
  std::vector<float> logits;    // (N, classes)
};

// Errors: non_finite_loss, naming the first term whose value is not finite.
Status check_finite(const LossValues& values);

// Running sum of a term over the steps that had it.
struct TermMean {
  double sum = 0;
  std::int64_t steps = 0;
  double mean() const { return steps > 0 ? sum / static_cast<double>(steps) : 0; }
};
using TermMeans = std::map<std::string, TermMean>;
void add_terms(const std::vector<LossTerm>& terms, TermMeans& means);

}  // namespace dfa::train
