#include "train/losses/loss_values.hpp"

#include <cmath>

namespace dfa::train {

Status check_finite(const LossValues& values) {
  for (const LossTerm& term : values.terms)
    if (!std::isfinite(term.value))
      return fail(ErrorCode::non_finite_loss, "the loss's term {} is {}, expected a finite number", term.name,
                  term.value);
  if (!std::isfinite(values.loss))
    return fail(ErrorCode::non_finite_loss, "the loss is {}, expected a finite number", values.loss);
  return {};
}

void TermSums::add(const std::vector<LossTerm>& terms) {
  for (const LossTerm& term : terms)
    for (std::size_t i = 0; i < kLossTermNames.size(); ++i)
      if (term.name == kLossTermNames[i]) {
        double* place = &values_[kPlaces * i];
        place[0] += term.value;
        place[1] += term.weight;
        place[2] += 1;
      }
}

std::vector<LossTerm> TermSums::means() const {
  std::vector<LossTerm> terms;
  for (std::size_t i = 0; i < kLossTermNames.size(); ++i) {
    const double* place = &values_[kPlaces * i];
    if (place[2] > 0) terms.push_back({kLossTermNames[i], place[1] / place[2], place[0] / place[2]});
  }
  return terms;
}

void add_terms(const std::vector<LossTerm>& terms, TermMeans& means) {
  for (const LossTerm& term : terms) {
    TermMean& mean = means[term.name];
    mean.sum += term.value;
    ++mean.steps;
  }
}

}  // namespace dfa::train
