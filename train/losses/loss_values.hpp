// What a step's loss came to, term by term, and the mean of each over an epoch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
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

// Every name a term may have, in the order of terms.
inline constexpr std::array kLossTermNames = {"cross_entropy", "alignment",      "uniformity",        "mask",
                                              "boundary",      "patch_contrast", "svd_orthogonality", "svd_norm",
                                              "consistency"};

// Mean over the parts of a batch, of several ranks: fixed places for every term, so that sums of ranks can be added
// whether or not each of them had the term.
class TermSums {
 public:
  void add(const std::vector<LossTerm>& terms);
  std::span<double> values() { return values_; }  // to be summed over ranks
  std::vector<LossTerm> means() const;            // each over the parts that had it

 private:
  static constexpr std::size_t kPlaces = 3;  // value, weight, parts
  std::array<double, kPlaces * kLossTermNames.size()> values_ = {};
};

// Running sum of a term over the steps that had it.
struct TermMean {
  double sum = 0;
  std::int64_t steps = 0;
  double mean() const { return steps > 0 ? sum / static_cast<double>(steps) : 0; }
};
using TermMeans = std::map<std::string, TermMean>;
void add_terms(const std::vector<LossTerm>& terms, TermMeans& means);

}  // namespace dfa::train
