#include "train/data/class_weights.hpp"

#include <algorithm>

namespace dfa::train {

Result<std::vector<double>> weights_of_classes(const ClassWeights& wanted, std::span<const Sample> train, int classes) {
  if (wanted.kind != ClassWeights::Kind::balanced) return wanted.list;
  std::vector<double> weights;
  for (int k = 0; k < classes; ++k) {
    const auto crops = std::ranges::count(train, k, &Sample::label);
    if (crops == 0)
      return fail(
          ErrorCode::usage,
          "data.class_weights is \"balanced\", and role train has no crop of class {}\n  next step: a list of {} "
          "numbers, or \"none\"",
          k, classes);
    weights.push_back(static_cast<double>(train.size()) / (static_cast<double>(classes) * static_cast<double>(crops)));
  }
  return weights;
}

std::string class_weights_text(const std::vector<double>& weights) {
  std::string text;
  for (std::size_t k = 0; k < weights.size(); ++k)
    text += fmt::format("{}class {}: {:.6g}", k == 0 ? "" : ", ", k, weights[k]);
  return text;
}

}  // namespace dfa::train
