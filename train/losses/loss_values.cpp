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

void add_terms(const std::vector<LossTerm>& terms, TermMeans& means) {
  for (const LossTerm& term : terms) {
    TermMean& mean = means[term.name];
    mean.sum += term.value;
    ++mean.steps;
  }
}

}  // namespace dfa::train
