// "data.class_weights": a word or a list. Inside train/config only.
#pragma once

#include "train/config/run_config_json.hpp"

namespace dfa::train {

inline constexpr const char* kClassWeightsKey = "data.class_weights";

Json class_weights_json(const ClassWeights& weights);
// "none", "balanced", a list of numbers, or such a list as text (of --set). Errors: usage.
Result<ClassWeights> class_weights_from_json(const Json& json);

}  // namespace dfa::train
