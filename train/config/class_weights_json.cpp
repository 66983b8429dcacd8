#include "train/config/class_weights_json.hpp"

#include <algorithm>

namespace dfa::train {

namespace {

constexpr const char *kNone = "none", *kBalanced = "balanced";
constexpr double kMostWeight = 1e6;

bool is_weight(const Json& json) {
  return json.is_number() && json.get<double>() >= 0 && json.get<double>() <= kMostWeight;
}

}  // namespace

Json class_weights_json(const ClassWeights& weights) {
  switch (weights.kind) {
    case ClassWeights::Kind::none:
      return kNone;
    case ClassWeights::Kind::balanced:
      return kBalanced;
    case ClassWeights::Kind::listed:
      break;
  }
  return weights.list;
}

Result<ClassWeights> class_weights_from_json(const Json& json) {
  if (json == kNone) return ClassWeights{};
  if (json == kBalanced) return ClassWeights{ClassWeights::Kind::balanced};
  const Json list = json.is_string() ? Json::parse(json.get<std::string>(), nullptr, false) : json;
  ClassWeights weights{ClassWeights::Kind::listed};
  if (list.is_array() && !list.empty() && std::all_of(list.begin(), list.end(), is_weight)) {
    list.get_to(weights.list);
    return weights;
  }
  return fail(ErrorCode::usage,
              "configuration: \"{}\" is {}, expected none, balanced, or a list with a number from 0 to {} a class",
              kClassWeightsKey, short_dump(json), kMostWeight);
}

}  // namespace dfa::train
