// Weights of the classes in the loss. The sampler does not look at them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

// What the configuration says.
//   none
//   balanced  N / (classes N_k), N_k of the N labelled crops of role train being of class k: every class weighs the
//             same in an epoch that shows every crop once, and the mean weight is 1
//   listed    a number a class, as they stand
struct ClassWeights {
  enum class Kind { none, balanced, listed };
  Kind kind = Kind::none;
  std::vector<double> list = {};

  bool operator==(const ClassWeights&) const = default;
};

// (classes); empty for none. Errors: usage when `balanced` meets a class without crops.
Result<std::vector<double>> weights_of_classes(const ClassWeights& wanted, std::span<const Sample> train, int classes);

// "class 0: 0.75, class 1: 1.5"
std::string class_weights_text(const std::vector<double>& weights);

}  // namespace dfa::train
