// From a wide model and some crops to its int8 scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "model/model.hpp"
#include "quant/site_sample.hpp"

namespace dfa {

// The crops as the network sees them. Read as often as they are needed.
struct CropSource {
  std::size_t count = 0;
  // image: (3, S, S), normalised.
  std::function<Status(std::size_t index, std::span<float> image)> read;
};

// Whether the convolutions of the spatial prior (sites spm.*) may be on codes. They gain most where AMX is not, and
// cost more of the scores than all other sites together (docs/numerics.md).
enum class SpatialPrior { wide, codes };

struct QuantiseOptions {
  SpatialPrior spatial_prior = SpatialPrior::codes;
  double budget = 0;      // largest mean |difference of p_fake| between f32 and int8 on the crops
  std::int64_t seed = 0;  // which rows are kept
  int threads = 0;        // 0: every processor
  // "observing", "choosing", "comparing": done and in all. May be empty.
  std::function<void(std::string_view stage, std::size_t done, std::size_t of)> progress;
};

// What the f32 engine says and what flows through it.
struct Observed {
  SampleCollector samples;
  std::vector<double> p_fake;  // of each crop
};
Result<Observed> observe_crops(const Model& model, const CropSource& crops, const QuantiseOptions& options,
                               const CancelFlag& cancel);

// Codes for every site; then, as long as the int8 engine of this machine differs from f32 by more than the budget, as
// many of the worst sites stay wide as it takes (found by halving; the number is checked, not that a smaller one would
// not have done). Fills codes, figures, wide, crops, seed, budget, difference and isa. Errors: model_incompatible for a
// model that is no detector of two classes, and when the budget cannot be held; those of the source and of the engines;
// internal for values that are not finite; cancelled.
Result<ModelQuantisation> quantise_model(const Model& model, const CropSource& crops, const QuantiseOptions& options,
                                         const CancelFlag& cancel);

}  // namespace dfa
